import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { createProcessGuard } from './process-guard.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'guard-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const STUBBORN = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);`;

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function write(name: string, source: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, source);
  return file;
}

/** Every process whose parent is `pid`. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function startSleeper(source: string): ChildProcess & { pid: number } {
  return spawn(process.execPath, ['-e', source], { detached: true, stdio: 'ignore' }) as ChildProcess & { pid: number };
}

test('a gateway that is killed takes its stubborn children and grandchildren with it', async () => {
  const server = write(
    'server.cjs',
    `${STUBBORN}
    const start = (detached) =>
      require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(STUBBORN)}], { detached, stdio: 'ignore' }).pid;
    const pids = [process.pid, start(false), start(true)];
    process.stdin.once('data', () =>
      process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { pids } }) + '\\n'));`,
  );
  const url = (name: string) => JSON.stringify(pathToFileURL(path.resolve(`src/mcp/transport/${name}.ts`)).href);
  const gateway = write(
    'gateway.ts',
    `import { createProcessGuard } from ${url('process-guard')};
    import { openStdio } from ${url('stdio')};
    const guard = createProcessGuard({ warn: console.error });
    const target = { command: process.execPath, args: [${JSON.stringify(server)}], env: {}, guard };
    const events = { onNotification() {}, onClose() {}, onRequest: async () => ({}) };
    const connection = await openStdio(target, events, new AbortController().signal);
    const message = '{"jsonrpc":"2.0","id":1,"method":"pids"}';
    const reply = await connection.request({ id: 1, method: 'pids', message, signal: new AbortController().signal });
    console.log(reply.bytes.toString());`,
  );
  const child = spawn(process.execPath, [gateway], { stdio: ['ignore', 'pipe', 'ignore'] });
  using _ = { [Symbol.dispose]: () => child.kill('SIGKILL') };
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const family = (JSON.parse(line) as { pids: [number, number, number] }).pids;
  const [guard] = childrenOf(child.pid as number).filter((pid) => !family.includes(pid)) as [number];
  const pids = [...family, guard];
  expect(pids.map(isAlive)).toEqual([true, true, true, true]);
  child.kill('SIGKILL');
  await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([]);
});

test('one helper guards all groups, spares the forgotten and ends with the last line', async () => {
  const before = childrenOf(process.pid);
  const guard = createProcessGuard({ warn: (message) => expect.fail(message) });
  const forgotten = startSleeper('setInterval(() => {}, 1000)');
  const watched = [startSleeper('setInterval(() => {}, 1000)'), startSleeper('setInterval(() => {}, 1000)')];
  const ended = watched.map((child) => once(child, 'exit'));
  for (const { pid } of [watched[0], forgotten, watched[1], watched[0]] as ChildProcess[]) guard.watch(pid as number);
  const known = new Set([...before, forgotten.pid, ...watched.map(({ pid }) => pid)]);
  const helpers = childrenOf(process.pid).filter((pid) => !known.has(pid));
  expect(helpers).toHaveLength(1);
  guard.forget(forgotten.pid);
  guard.close();
  expect(await Promise.all(ended)).toEqual([
    [null, 'SIGTERM'],
    [null, 'SIGTERM'],
  ]);
  await expect.poll(() => helpers.filter(isAlive), { timeout: 5000 }).toEqual([]);
  expect(isAlive(forgotten.pid)).toBe(true);
  forgotten.kill('SIGKILL');
});

test('a helper that was killed is replaced and told everything again', async () => {
  const before = childrenOf(process.pid);
  const guard = createProcessGuard({ warn: (message) => expect.fail(message) });
  const first = startSleeper('setInterval(() => {}, 1000)');
  guard.watch(first.pid);
  const [helper] = childrenOf(process.pid).filter((pid) => !before.includes(pid) && pid !== first.pid);
  process.kill(helper as number, 'SIGKILL');
  // No longer our child, not even a zombie: its exit has been reported.
  await expect.poll(() => childrenOf(process.pid)).not.toContain(helper);
  const second = startSleeper('setInterval(() => {}, 1000)');
  const ended = Promise.all([once(first, 'exit'), once(second, 'exit')]);
  guard.watch(second.pid);
  guard.close();
  await ended;
});

test('without a shell there is a warning and no guard', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const guard = createProcessGuard({ warn: resolve, shell: '/no/such/shell' });
  guard.watch(process.pid);
  expect(await promise).toContain('/no/such/shell');
  guard.watch(process.pid);
  guard.forget(process.pid);
  guard.close();
});
