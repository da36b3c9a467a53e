import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const handOver = new URL('../bin/hand-over.mjs', import.meta.url).href;

// Says its pid, then each signal; ends with code 7 on the first, or when its launcher is gone.
const program = `
  console.log('pid ' + process.pid);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { console.log(signal); setTimeout(() => process.exit(7), 300); });
  process.on('disconnect', () => process.exit(0));
  setInterval(() => {}, 1000);`;

function launch(options: object = {}, shell = false) {
  const code = `import(${JSON.stringify(handOver)}).then(({ handOver }) =>
    handOver(process.execPath, ['-e', ${JSON.stringify(program)}], ${JSON.stringify(options)}))`;
  // As npm does it: a shell in between, which does not pass signals on. "; :" keeps it from replacing itself.
  const child = shell
    ? spawn('sh', ['-c', '"$0" -e "$1"; :', process.execPath, code])
    : spawn(process.execPath, ['-e', code]);
  let stdout = '';
  child.stdout.on('data', (data) => (stdout += String(data)));
  const pid = async () => {
    await expect.poll(() => stdout, { timeout: 10_000 }).toMatch(/pid \d+\n/);
    return Number(/pid (\d+)/.exec(stdout)?.[1]);
  };
  return { child, pid, output: () => stdout, exit: once(child, 'exit') };
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe.skipIf(process.platform === 'win32')('the launcher', () => {
  test('passes a signal on and keeps the exit code', async () => {
    const { child, pid, output, exit } = launch();
    await pid();
    child.kill('SIGINT');
    expect((await exit)[0]).toBe(7);
    expect(output().match(/SIGINT/g)).toHaveLength(1);
  });

  test('leaves no orphan when it is killed', async () => {
    const { child, pid, exit } = launch();
    const program = await pid();
    child.kill('SIGKILL');
    await exit;
    await expect.poll(() => isAlive(program), { timeout: 10_000 }).toBe(false);
  });

  test('leaves no orphan when the shell that npm put above it is stopped', async () => {
    const { child, pid, exit } = launch({ endsWithParent: true }, true);
    const program = await pid();
    child.kill('SIGTERM');
    await exit;
    await expect.poll(() => isAlive(program), { timeout: 10_000 }).toBe(false);
  });
});

test('what is not built says so in one sentence', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'asbru-bin-'));
  cpSync(join(import.meta.dirname, '..', 'bin'), join(folder, 'bin'), { recursive: true });
  const child = spawn(process.execPath, [join(folder, 'bin', 'asbru.mjs')]);
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += String(data)));
  expect((await once(child, 'exit'))[0]).toBe(1);
  expect(stderr).toBe('asbru is not built: run "npm run build" first, or use "npm start".\n');
  rmSync(folder, { recursive: true });
});
