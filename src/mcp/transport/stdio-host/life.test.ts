import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { ask, askResult, handshake, recordEvents, rejection } from '../../../../test/kit/connection-peer.ts';
import { isAlive } from '../../../../test/kit/processes.ts';
import { endsOf, pidOf, startTestHost, type TestHost } from '../../../../test/kit/stdio-host.ts';
import { temporaryFolder } from '../../../../test/kit/temporary-folder.ts';
import { waitFor } from '../../../../test/kit/wait.ts';
import type { GatewayError } from '../../../lib/errors.ts';
import { Session } from '../../upstream/session.ts';
import { startStdioHost } from './host.ts';
import { openHostedStdio } from './hosted-stdio.ts';

test('nobody else can reach the socket', async () => {
  const host = await startTestHost();
  const folder = path.dirname(host.path);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  await host.close();
  expect(existsSync(folder)).toBe(false);
});

test('a folder in which no socket can be is named, with a way out', async () => {
  await using place = await temporaryFolder();
  const long = path.join(place.path, 'x'.repeat(120));
  await mkdir(long);
  for (const folder of [path.join(place.path, 'none'), long]) {
    const message = await rejection(startStdioHost({ logger: console, folder }), 'invalid_configuration');
    expect(message).toContain(folder);
    expect(message).toContain('TMPDIR');
  }
  expect(await readdir(long)).toEqual([]);
});

test('the process ends with its last connection, which waits for that', async () => {
  await using host = await startTestHost();
  const [a, b] = [await host.join(), await host.join()];
  const pid = await pidOf(a);
  await a.connection.close();
  expect(await pidOf(b)).toBe(pid);
  await Promise.all([b.connection.close(), b.connection.close()]);
  expect(isAlive(pid)).toBe(false);
  expect([...a.events.closings, ...b.events.closings]).toEqual([]);
});

test('a process that dies is the end of all its connections, for the reason that it gave; one new process follows', async () => {
  await using host = await startTestHost(
    `on('die', () => { console.error('out of cheese', process.env.KEY); process.exit(3); });`,
  );
  const env = { KEY: 'a-long-secret' };
  const all = [await host.join({ env }), await host.join({ env })];
  const before = await Promise.all(all.map(pidOf));
  const calls = all.map(({ connection }) => rejection(ask(connection, { method: 'die' }), 'upstream_lost'));
  const messages = new Set([...(await Promise.all(calls)), ...(await endsOf(all)).map(({ message }) => message)]);
  expect(messages.size).toBe(1);
  expect([...messages][0]).toMatch(/exited with code 3.*out of cheese/);
  expect([...messages][0]).not.toContain(env.KEY);
  for (const { events } of all) expect(events.closings).toHaveLength(1);
  const again = await Promise.all([host.join({ env }), host.join({ env })]);
  const [pid, other] = await Promise.all(again.map(pidOf));
  expect(pid).toBe(other);
  expect(before).not.toContain(pid);
});

test('a newer process takes over once it serves, and the older one ends with its last connection', async () => {
  await using host = await startTestHost();
  const [a, b] = [await host.join(), await host.join()];
  const old = await pidOf(a);
  const instead = a.connection.shared?.number;
  const trial = await host.open({ instead });
  await handshake(trial.connection);
  expect([a.replaced, b.replaced]).toEqual([0, 0]);
  trial.connection.shared?.lead();
  await expect.poll(() => [a.replaced, b.replaced]).toEqual([1, 1]);
  // Whoever moves, or asks for something newer than the old one as well, comes to the new one.
  for (const joined of [await host.join(), await host.join({ instead })])
    expect(await pidOf(joined)).toBe(await pidOf(trial));
  expect(trial.replaced).toBe(0);
  await a.connection.close();
  expect(await pidOf(b)).toBe(old);
  await b.connection.close();
  expect(isAlive(old)).toBe(false);
});

test('a newer process that came to nothing changes nothing', async () => {
  await using host = await startTestHost();
  const a = await host.join();
  const trial = await host.open({ instead: a.connection.shared?.number });
  await handshake(trial.connection);
  const pid = await pidOf(trial);
  await trial.connection.close();
  expect(isAlive(pid)).toBe(false);
  expect(a.replaced).toBe(0);
  expect(await pidOf(await host.join())).toBe(await pidOf(a));
});

test('who comes while a process is new waits for its first words; if they never come, there is another process', async () => {
  await using host = await startTestHost();
  const first = await host.open();
  let isIn = false;
  const opening = host.open().finally(() => (isIn = true));
  const pid = await pidOf(first);
  expect(isIn).toBe(false);
  await first.connection.close();
  const second = await opening;
  expect(second.connection.shared?.version).toBeUndefined();
  expect(await pidOf(second)).not.toBe(pid);
  expect(isAlive(pid)).toBe(false);
});

test('a handshake that fails is nobody else’s', async () => {
  await using host = await startTestHost(`
    let asked = 0;
    const shakeHands = handlers.initialize;
    on('initialize', (message) => asked++ ? shakeHands(message) : write({ id: message.id, error: { code: -1, message: 'not yet' } }));
  `);
  const first = await host.open();
  await rejection(handshake(first.connection), 'upstream_bad_reply');
  expect(await handshake(first.connection)).toMatchObject({ protocolVersion: '2025-11-25' });
  expect(await handshake((await host.open()).connection)).toMatchObject({ protocolVersion: '2025-11-25' });
});

test('a process that dies at the first words fails all who wait for them', async () => {
  await using host = await startTestHost(`on('server/discover', () => process.exit(4));`);
  const first = await host.open();
  const waiting = rejection(host.open(), 'upstream_lost');
  await rejection(ask(first.connection, { method: 'server/discover' }), 'upstream_lost');
  expect(await waiting).toContain('exited with code 4');
});

/** Opens a session with a server of which nothing is known. */
function openSession(host: TestHost): Promise<Session> {
  const connect = async () => (await host.open()).connection;
  const introduction = { clientInfo: { name: 'test', version: '1' }, capabilities: {} };
  return Session.open({ connect, era: 'auto', introduction, silenceMs: 5000 }, new AbortController().signal);
}

test('a server of the older era that ends at the newer question is asked it once, and never while it serves', async () => {
  await using host = await startTestHost(`on('server/discover', () => { console.error('what?'); process.exit(4); });`);
  const sessions = await Promise.all([openSession(host), openSession(host)]);
  sessions.push(await openSession(host));
  expect(sessions.map(({ peer }) => peer.era)).toEqual(['legacy', 'legacy', 'legacy']);
  expect(new Set(sessions.map(({ sharedProcess }) => sharedProcess)).size).toBe(1);
});

test('a server of the newer era that dies while somebody joins is not taken for an older one', async () => {
  await using host = await startTestHost(`
    let asked = 0;
    const result = { supportedVersions: ['2026-07-28'], capabilities: {} };
    on('server/discover', ({ id }) => (asked++ ? process.exit(4) : write({ id, result })));
  `);
  expect((await openSession(host)).peer.era).toBe('modern');
  await rejection(openSession(host), 'upstream_lost');
  expect((await openSession(host)).peer.era).toBe('modern');
});

test('a program that cannot be started is said to be missing, as without a host', async () => {
  await using host = await startTestHost();
  const message = await rejection(host.open({ command: 'uvx-not-here', env: { PATH: '/' } }), 'upstream_unreachable');
  expect(message).toMatch(/"uvx-not-here" was not found on PATH/);
});

test('an opening that is given up leaves nothing behind', async () => {
  await using host = await startTestHost();
  const first = await host.open();
  const early = new AbortController();
  const opening = host.open({}, early.signal);
  await askResult(first.connection, { method: 'echo' });
  early.abort();
  await rejection(opening, 'call_cancelled');
  await rejection(host.open({}, AbortSignal.abort()), 'call_cancelled');
  const pid = await pidOf(first);
  await first.connection.close();
  expect(isAlive(pid)).toBe(false);
});

test('a request that does not get to a server that reads nothing is refused', async () => {
  await using host = await startTestHost(`on('take', ({ id }) => write({ id, result: {} }));`);
  const [a, b] = [await host.join(), await host.join()];
  const pid = await pidOf(a);
  process.kill(pid, 'SIGSTOP');
  const flood = askResult(a.connection, { method: 'take', params: { text: 'x'.repeat(68_000_000) } });
  const refusals: string[] = [];
  const attempts: Promise<unknown>[] = [];
  await waitFor(() => {
    attempts.push(ask(b.connection, { method: 'echo' }).catch(({ code }: GatewayError) => refusals.push(code)));
    return refusals.length > 0;
  }, 'a request to be refused');
  process.kill(pid, 'SIGCONT');
  // What was taken before is answered all the same.
  expect(await flood).toEqual({});
  await Promise.all(attempts);
  expect(new Set(refusals)).toEqual(new Set(['upstream_unreachable']));
});

test('the end of the host is that of the servers, and the connections are told', async () => {
  const host = await startTestHost();
  const a = await host.join();
  const pid = await pidOf(a);
  await host.close();
  expect(isAlive(pid)).toBe(false);
  expect((await a.events.closed).code).toBe('upstream_lost');
  expect(await rejection(host.open(), 'upstream_unreachable')).toContain('cannot be reached');
});

test('a host that is killed takes the servers along', async () => {
  // It has no chance to remove its own.
  await using folder = await temporaryFolder();
  const options = `{ logger: console, folder: ${JSON.stringify(folder.path)} }`;
  const script = `
    import { startStdioHost } from ${JSON.stringify(path.join(import.meta.dirname, 'host.ts'))};
    console.log((await startStdioHost(${options})).path);
  `;
  const host = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [socket] = (await once(createInterface({ input: host.stdout }), 'line')) as [string];
  const events = recordEvents();
  // Ends neither with its input nor when it is asked to.
  const source = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log(JSON.stringify({ jsonrpc: '2.0', method: 'up', params: { pid: process.pid } }));`;
  const server = { id: 'x', command: process.execPath, args: ['-e', source], env: {} };
  await openHostedStdio(socket, server, events, new AbortController().signal);
  await expect.poll(() => events.notifications).toHaveLength(1);
  const pid = events.notifications[0]?.params?.['pid'] as number;
  host.kill('SIGKILL');
  expect((await events.closed).code).toBe('upstream_lost');
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
});
