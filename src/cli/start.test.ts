import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'asbru-start-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `start` in a process of its own over a gateway whose source is given: signals and exit codes are real. */
function launch(gateway: string, env: Record<string, string> = {}, port = '0') {
  const flags = JSON.stringify({ port, appDir: folder, logLevel: 'silent' });
  const url = new URL('start.ts', import.meta.url).href;
  const source = `import { start } from ${JSON.stringify(url)};
    setInterval(() => {}, 1000);
    await start(${flags}, async ({ port, host }) => { ${gateway} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { env: { ...process.env, ...env } });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (out.stdout += String(data)));
  child.stderr.on('data', (data) => (out.stderr += String(data)));
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  const sees = (text: string) => expect.poll(() => out.stdout, { timeout: 10_000 }).toContain(text);
  return { child, out, exit, sees };
}

const running = (more: string, close = 'console.log("drained")') => `return {
  address: 'http://127.0.0.1:4321', ready: Promise.resolve([
    { name: 'github', state: 'connected', tools: 2 },
    { name: 'files', state: 'error', tools: 0, failure: { message: 'not found' } }]),
  close: async () => { ${close} }, ${more} };`;

test('a first start shows the key and how to use it, then the address, then the servers', async () => {
  const { child, out, exit, sees } = launch(running("firstApiKey: 'bfst-1'"));
  await sees('files');
  const lines = out.stdout.split('\n');
  expect(lines.filter((line) => line.startsWith('asbru listening'))).toEqual([
    'asbru listening on http://127.0.0.1:4321',
  ]);
  expect(out.stdout).toContain(
    'claude mcp add --transport http asbru http://localhost:4321/mcp --header "Authorization: Bearer bfst-1"',
  );
  const entry = JSON.parse(lines.find((line) => line.includes('mcpServers')) ?? '') as object;
  expect(entry).toMatchObject({ mcpServers: { asbru: { headers: { Authorization: 'Bearer bfst-1' } } } });
  expect(lines.slice(-3)).toEqual(['  github: connected, 2 tools', '  files: error: not found', '']);
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
  expect(out.stdout).toContain('drained');
});

test('a key from the environment is not printed, and later starts print no key at all', async () => {
  const first = launch(running("firstApiKey: 'bfst-own'"), { ASBRU_API_KEY: 'bfst-own' });
  const later = launch(running(''));
  await Promise.all([first.sees('taken from ASBRU_API_KEY'), first.sees('files'), later.sees('files')]);
  expect(first.out.stdout).not.toContain('bfst-own');
  expect(later.out.stdout).toMatch(/^asbru listening on /);
  first.child.kill('SIGINT');
  later.child.kill('SIGINT');
  expect(await Promise.all([first.exit, later.exit])).toEqual([0, 0]);
});

test('a second signal does not wait for the drain', async () => {
  const { child, exit, sees } = launch(running('', 'console.log("draining"); await new Promise(() => {})'));
  await sees('files');
  child.kill('SIGTERM');
  await sees('draining');
  const again = setInterval(() => child.kill('SIGTERM'), 100);
  expect(await exit).toBe(1);
  clearInterval(again);
});

test('a port in use is one sentence on stderr and exit code 1', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const listen = `const { createServer } = await import('node:net');
    const server = createServer().listen(port, host);
    await new Promise((resolve, reject) => server.on('error', reject));`;
  const { out, exit } = launch(listen, {}, String(port));
  expect(await exit).toBe(1);
  expect(out.stderr).toBe(
    `asbru cannot start: port ${port} on 127.0.0.1 is already in use; choose another one with --port\n`,
  );
  expect(out.stdout).toBe('');
  taken.close();
});

test('any other failure shows its message and no stack', async () => {
  const { out, exit } = launch('throw new Error("the passphrase does not fit");');
  expect(await exit).toBe(1);
  expect(out.stderr).toBe('asbru cannot start: the passphrase does not fit\n');
});
