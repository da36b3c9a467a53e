import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { ask, askResult, handshake, recordEvents, rejection } from '../../../test/kit/connection-peer.ts';
import { SERVER_HEAD } from '../../../test/kit/stdio.ts';
import { Secret } from '../../lib/secret.ts';
import { childEnvironment } from './child.ts';
import type { ProcessGuard } from './process-guard.ts';
import { openStdio, type StdioConnection } from './stdio.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'stdio-test-'));
const opened: StdioConnection[] = [];
const guarded: string[] = [];
const guard: ProcessGuard = {
  family: 'test',
  watch: (pid) => guarded.push(`+${pid}`),
  forget: (pid) => guarded.push(`-${pid}`),
  close() {},
};
const EVERYTHING = path.resolve('node_modules/@modelcontextprotocol/server-everything/dist/index.js');

afterEach(async () => {
  await Promise.all(opened.splice(0).map((connection) => connection.close()));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function open(command: string, args: string[], events = recordEvents(), env = childEnvironment([])) {
  const connection = await openStdio({ command, args, env, guard }, events, new AbortController().signal);
  opened.push(connection);
  return connection;
}

/** Writes a script to a file and connects to it. */
function openScript(source: string, events = recordEvents()) {
  const file = path.join(mkdtempSync(path.join(folder, 'server-')), 'server.cjs');
  writeFileSync(file, SERVER_HEAD + source);
  return open(process.execPath, [file], events);
}

/** A zombie counts as gone: it only waits for somebody to read its exit code. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function pidOf(connection: StdioConnection): Promise<number> {
  return (await askResult(connection, { method: 'pid' })).pid as number;
}
const PID = `on('pid', ({ id }) => write({ id, result: { pid: process.pid } }));`;

test('the reference server shakes hands, lists, calls and tells progress', async () => {
  const events = recordEvents();
  const connection = await open(process.execPath, [EVERYTHING, 'stdio'], events);
  expect(await handshake(connection)).toMatchObject({ protocolVersion: '2025-11-25' });
  expect((await askResult(connection, { method: 'tools/list' })).tools).toContainEqual(
    expect.objectContaining({ name: 'echo' }),
  );
  const progress: unknown[] = [];
  await askResult(connection, {
    method: 'tools/call',
    params: { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 2 } },
    onNotification: ({ params }) => progress.push(params?.progress),
  });
  expect(progress).toEqual([1, 2]);
  await connection.close();
  expect(events.closings).toEqual([]);
});

test('a thousand calls at once each get their own answer', async () => {
  const connection = await openScript(`on('echo', ({ id, params }) => write({ id, result: params }));`);
  const calls = Array.from({ length: 1000 }, (_, n) => askResult(connection, { method: 'echo', params: { n } }));
  expect((await Promise.all(calls)).map(({ n }) => n)).toEqual(calls.map((_, n) => n));
});

test('an answer in pieces and one of 5 MB arrive whole', async () => {
  const connection = await openScript(`
    on('pieces', async ({ id }) => {
      for (const byte of Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result: { text: 'ä€😀' } }) + '\\n')) {
        process.stdout.write(Buffer.from([byte]));
        await new Promise(setImmediate);
      }
    });
    on('big', ({ id }) => write({ id, result: { text: 'x'.repeat(5e6) } }));
  `);
  expect(await askResult(connection, { method: 'pieces' })).toEqual({ text: 'ä€😀' });
  expect((await ask(connection, { method: 'big' })).bytes).toHaveLength(5e6 + '{"text":""}'.length);
});

test('banners on stdout do no harm and are kept beside stderr', async () => {
  const connection = await openScript(`
    console.log('Welcome to my server!\\n[info] listening\\n');
    console.error('debug: started');
    on('ping', ({ id }) => write({ id, result: {} }));
  `);
  expect(await askResult(connection, { method: 'ping' })).toEqual({});
  await expect.poll(connection.stderrTail).toContain('debug: started');
  expect(connection.stderrTail()).toContain('Welcome to my server!\n[info] listening');
});

test('only the end of a long stderr is kept', async () => {
  const connection = await openScript(`process.stderr.write('€'.repeat(9000) + 'the end');`);
  await expect.poll(connection.stderrTail).toMatch(/^€+the end$/);
  expect(Buffer.byteLength(connection.stderrTail())).toBeLessThanOrEqual(4096);
});

test('a server that dies in a call says how and why, once', async () => {
  const events = recordEvents();
  const connection = await openScript(
    `on('tools/call', () => { console.error('out of cheese'); process.exit(3); });`,
    events,
  );
  const message = await rejection(ask(connection, { method: 'tools/call' }), 'upstream_lost');
  expect(message).toMatch(/exited with code 3.*out of cheese/);
  expect(events.closings.map((reason) => reason.message)).toEqual([message]);
  await rejection(ask(connection, { method: 'ping' }), 'upstream_unreachable');
});

test('the last reply of a server that ends right after it is not lost', async () => {
  const connection = await openScript(`on('bye', ({ id }) => { write({ id, result: { x: 1 } }); process.exit(0); });`);
  expect(await askResult(connection, { method: 'bye' })).toEqual({ x: 1 });
});

test('a server that is killed is reported with the signal', async () => {
  const events = recordEvents();
  const connection = await openScript(PID, events);
  process.kill(await pidOf(connection), 'SIGKILL');
  expect((await events.closed).message).toMatch(/was ended by SIGKILL/);
});

test('a server that closes its output but lives on is lost and ended', async () => {
  const events = recordEvents();
  const connection = await openScript(
    `${PID} on('mute', () => { require('node:fs').closeSync(1); setInterval(() => {}, 1000); });`,
    events,
  );
  const pid = await pidOf(connection);
  await rejection(ask(connection, { method: 'mute' }), 'upstream_lost');
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
});

test('a message beyond the limit ends the connection', async () => {
  const events = recordEvents();
  const connection = await openScript(
    `on('flood', () => { const x = 'x'.repeat(2 ** 20); (function more() { process.stdout.write(x, more); })(); });`,
    events,
  );
  await rejection(ask(connection, { method: 'flood' }), 'upstream_bad_reply');
  expect(events.closings).toHaveLength(1);
});

test('an abort reaches the server', async () => {
  const connection = await openScript(`
    let cancelled;
    on('notifications/cancelled', ({ params }) => (cancelled = params.requestId));
    on('tools/call', () => {});
    on('asked', ({ id }) => write({ id, result: { cancelled } }));
  `);
  const caller = new AbortController();
  const call = ask(connection, { method: 'tools/call', signal: caller.signal });
  caller.abort();
  await rejection(call, 'call_cancelled');
  expect(await askResult(connection, { method: 'asked' })).toEqual({ cancelled: 1 });
});

test('closing ends a well-behaved server without a signal and fails what is in flight', async () => {
  const events = recordEvents();
  const note = path.join(folder, 'ended');
  const connection = await openScript(
    `${PID} process.stdin.on('end', () => require('node:fs').writeFileSync(${JSON.stringify(note)}, 'by itself'));`,
    events,
  );
  const pid = await pidOf(connection);
  const inFlight = ask(connection, { method: 'never' });
  await Promise.all([rejection(inFlight, 'upstream_lost'), connection.close(), connection.close()]);
  expect(isAlive(pid)).toBe(false);
  expect(existsSync(note)).toBe(true);
  expect(events.closings).toEqual([]);
  expect(guarded.slice(-2)).toEqual([`+${pid}`, `-${pid}`]);
});

/** The stubborn ones take the seconds they are given, so they are ended side by side. */
test('what ignores its stdin and SIGTERM is ended all the same, children of children too', async () => {
  await Promise.all([closesStubborn(), outlivesItsServer()]);
});

const STUBBORN = `"process.on('SIGTERM', () => {}); console.error('up'); setInterval(() => {}, 1000)"`;
/** One grandchild stays in the group of its parent, the other leaves it. */
const SPAWN_STUBBORN = `
  const stdio = ['ignore', 'inherit', 'inherit'];
  const spawn = (detached) =>
    require('node:child_process').spawn(process.execPath, ['-e', ${STUBBORN}], { stdio, detached }).pid;
  const pids = [process.pid, spawn(false), spawn(true)];
  on('pids', ({ id }) => write({ id, result: { pids } }));
`;

async function closesStubborn(): Promise<void> {
  const connection = await openScript(`eval(${STUBBORN}); ${SPAWN_STUBBORN}`);
  const pids = (await askResult(connection, { method: 'pids' })).pids as number[];
  await expect.poll(connection.stderrTail).toBe('up\nup\nup');
  await connection.close();
  expect(pids.map(isAlive)).toEqual([false, false, false]);
}

async function outlivesItsServer(): Promise<void> {
  const events = recordEvents();
  const connection = await openScript(`${SPAWN_STUBBORN} on('leave', () => process.exit(0));`, events);
  const pids = (await askResult(connection, { method: 'pids' })).pids as number[];
  await expect.poll(connection.stderrTail).toBe('up\nup');
  await rejection(ask(connection, { method: 'leave' }), 'upstream_lost');
  expect(pids.map(isAlive)).toEqual([false, true, true]);
  await connection.close();
  expect(pids.map(isAlive)).toEqual([false, false, false]);
  expect(events.closings).toHaveLength(1);
}

test('a program that is not installed is named, with a way out', async () => {
  const message = await rejection(open('uvx-not-here', []), 'upstream_unreachable');
  expect(message).toMatch(/"uvx-not-here" was not found on PATH: install it/);
  const emptyPath = { PATH: folder };
  expect(await rejection(open('npx', [], recordEvents(), emptyPath), 'upstream_unreachable')).toContain('Node.js');
  expect(await rejection(open(`${folder}/none`, []), 'upstream_unreachable')).toMatch(/none.* does not exist$/);
  writeFileSync(`${folder}/text`, 'not a program');
  expect(await rejection(open(`${folder}/text`, []), 'upstream_unreachable')).toContain('permissions');
});

test('a working directory that does not exist is told from a missing program', async () => {
  const target = { command: process.execPath, args: [], env: {}, cwd: `${folder}/no-such`, guard };
  const message = await rejection(
    openStdio(target, recordEvents(), new AbortController().signal),
    'upstream_unreachable',
  );
  expect(message).toBe(`the working directory ${folder}/no-such does not exist`);
});

test('an opening that was given up starts no process', async () => {
  const before = guarded.length;
  const target = { command: process.execPath, args: ['-e', ''], env: {}, guard };
  await rejection(openStdio(target, recordEvents(), AbortSignal.abort()), 'call_cancelled');
  expect(guarded).toHaveLength(before);
});

test('a child sees the base and the named variables, and no other of the gateway', async () => {
  const source = { PATH: '/bin', HOME: '/home/x', TAKEN: 'over', ADMIN_TOKEN: 'secret' };
  const envs = [
    { name: 'TAKEN', value: undefined },
    { name: 'GIVEN', value: Secret.parse('a value') },
  ];
  const env = childEnvironment(envs, source);
  expect(env).toEqual({ PATH: '/bin', HOME: '/home/x', TAKEN: 'over', GIVEN: 'a value' });
  const script = `${SERVER_HEAD} on('env', ({ id }) => write({ id, result: process.env }));`;
  const connection = await open(process.execPath, ['-e', script], recordEvents(), env);
  const mark = expect.stringMatching(/^test\//) as string;
  expect(await askResult(connection, { method: 'env' })).toEqual({ ...env, ASBRU_SERVER: mark });
});
