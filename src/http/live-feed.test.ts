import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { DEFAULT_SETTINGS } from '../contract/client-settings.ts';
import { createLogger } from '../lib/logger.ts';
import { createSealer } from '../lib/seal.ts';
import { createAccountStore } from '../store/accounts.ts';
import { createChanges } from '../store/changes.ts';
import { openDatabase } from '../store/database.ts';
import { createApi } from './api.ts';
import { createCheckOrigin } from './check-origin.ts';
import { createIdentify } from './identify.ts';
import { listen } from './listen.ts';
import type { LiveTiming } from './live-clients.ts';
import { createLiveFeed, type FeedSource } from './live-feed.ts';

const logger = createLogger({ level: 'silent', style: 'json' });
const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of cleanup.splice(0)) await end();
});

type Row = { readonly id: number };
type Listener = (operation: 'create' | 'update', row: Row) => void;
type Message = { type: string; operation?: string; payload: Record<string, unknown> };

async function start(timing: Partial<LiveTiming> = {}) {
  const database = await openDatabase({ type: 'sqlite', path: ':memory:' });
  const accounts = createAccountStore(database.db);
  const changes = await createChanges(database, () => {});
  const { key, apiKey } = await accounts.create({ name: 'reader', scopes: ['read'] });
  const { key: mcpKey } = await accounts.create({ name: 'agent', scopes: ['mcp'] });
  const identify = await createIdentify({
    policy: { findCaller: () => undefined },
    accounts,
    changes,
    logger,
    settings: () => DEFAULT_SETTINGS,
  });
  const checkOrigin = createCheckOrigin({ host: '127.0.0.1', settings: () => DEFAULT_SETTINGS });
  const listeners = new Set<Listener>();
  const models = new Set<Listener>();
  const state = { rendered: 0 };
  const render = ({ id }: Row) => {
    state.rendered += 1;
    return { id: `row-${id}` };
  };
  const subscribe = (to: Set<Listener>, listener: Parameters<FeedSource['subscribe']>[0]) => {
    const hear: Listener = (operation, row) => listener(operation, () => render(row));
    to.add(hear);
    return () => to.delete(hear);
  };
  const feed = createLiveFeed({
    identify,
    checkOrigin,
    sealer: createSealer(randomBytes(32)),
    sources: [
      { type: 'mcp_log', subscribe: (listener) => subscribe(listeners, listener) },
      { type: 'log', subscribe: (listener) => subscribe(models, listener) },
    ],
    changes,
    logger,
    timing,
  });
  const api = createApi({ routes: feed.routes, identify: identify.identifyManagement, version: '1', logger });
  const { upgrade } = feed;
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    raw: {},
    fetch: api.fetch,
    checkOrigin,
    upgrade,
    logger,
  });
  cleanup.push(
    async () => feed.close(),
    () => listener.drain(0),
    () => changes.close(),
    () => database.close(),
  );
  return {
    ...{ feed, listener, changes, accounts, key, mcpKey, apiKey, listeners, state },
    port: Number(new URL(listener.address).port),
    emit: (operation: 'create' | 'update', id: number) => listeners.forEach((listen) => listen(operation, { id })),
    emitModel: (operation: 'create' | 'update', id: number) => models.forEach((listen) => listen(operation, { id })),
    async ticket(token = key) {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${listener.address}/api/session/ws-ticket`, { method: 'POST', headers });
      return ((await answer.json()) as { ticket: string }).ticket;
    },
    /** A client and what it hears. */
    async open(path: string, headers: Record<string, string> = {}) {
      const socket = new WebSocket(`${listener.address.replace('http', 'ws')}${path}`, { headers });
      const heard: Message[] = [];
      socket.on('message', (data: Buffer) => heard.push(JSON.parse(data.toString()) as Message));
      await once(socket, 'open');
      return { socket, heard };
    },
    /** The status with which a connection is refused. */
    async refusal(path: string, headers: Record<string, string> = {}): Promise<number | undefined> {
      const socket = new WebSocket(`${listener.address.replace('http', 'ws')}${path}`, { headers });
      const [request, answer] = (await once(socket, 'unexpected-response')) as [{ destroy(): void }, IncomingMessage];
      request.destroy();
      return answer.statusCode;
    },
  };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test('a client hears of calls and of changed records, as they happen', async () => {
  const { open, key, emit, changes } = await start();
  const { heard } = await open('/ws', bearer(key));
  emit('create', 1);
  emit('update', 1);
  await changes.publish('mcp_clients', 'c1');
  await expect
    .poll(() => heard)
    .toEqual([
      { type: 'mcp_log', operation: 'create', payload: { id: 'row-1' } },
      { type: 'mcp_log', operation: 'update', payload: { id: 'row-1' } },
      { type: 'config_changed', payload: { table: 'mcp_clients', id: 'c1' } },
    ]);
});

test('requests to models come as messages of their own', async () => {
  const { open, key, emit, emitModel } = await start();
  const { heard } = await open('/ws', bearer(key));
  emitModel('create', 1);
  emit('create', 2);
  await expect
    .poll(() => heard)
    .toEqual([
      { type: 'log', operation: 'create', payload: { id: 'row-1' } },
      { type: 'mcp_log', operation: 'create', payload: { id: 'row-2' } },
    ]);
});

test('a ticket opens one connection on any of the three paths', async () => {
  const { open, refusal, ticket, feed } = await start();
  for (const path of ['/ws', '/api/ws', '/ws/logs']) {
    const once = await ticket();
    await open(`${path}?ticket=${once}`);
    expect(await refusal(`${path}?ticket=${once}`)).toBe(401);
  }
  expect(feed.size).toBe(3);
});

test('without a credential that may read nobody hears anything', async () => {
  const { refusal, mcpKey, feed } = await start();
  expect(await refusal('/ws')).toBe(401);
  expect(await refusal('/ws?ticket=')).toBe(401);
  expect(await refusal('/ws?ticket=nonsense', bearer('x'))).toBe(401);
  expect(await refusal('/ws', bearer('unknown'))).toBe(401);
  expect(await refusal('/ws', bearer(mcpKey))).toBe(403);
  expect(feed.size).toBe(0);
});

test('a foreign web page is refused, even with a good ticket', async () => {
  const { refusal, open, ticket } = await start();
  expect(await refusal(`/ws?ticket=${await ticket()}`, { origin: 'https://evil.example' })).toBe(403);
  expect(await refusal(`/ws?ticket=${await ticket()}`, { host: 'evil.example' })).toBe(403);
  await open(`/ws?ticket=${await ticket()}`, { origin: 'http://localhost:5173' });
});

test('nothing is rendered while nobody listens', async () => {
  const { open, key, emit, listeners, state } = await start();
  emit('create', 1);
  expect(listeners.size).toBe(0);
  const { socket, heard } = await open('/ws', bearer(key));
  emit('create', 2);
  await expect.poll(() => heard.length).toBe(1);
  socket.close();
  await expect.poll(() => listeners.size).toBe(0);
  emit('create', 3);
  expect(state.rendered).toBe(1);
});

test('more rows than anybody reads are counted, not rendered', async () => {
  const { open, key, emit, state } = await start();
  const { heard } = await open('/ws', bearer(key));
  for (let id = 0; id < 5_000; id += 1) emit('create', id);
  // A second boundary may fall between them.
  expect(state.rendered).toBeGreaterThanOrEqual(200);
  expect(state.rendered).toBeLessThanOrEqual(800);
  const skipped = () => heard.filter(({ type }) => type === 'mcp_log_skipped');
  await expect
    .poll(() => (emit('update', 1), skipped().reduce((sum, { payload }) => sum + Number(payload['count']), 0)), {
      timeout: 3_000,
      interval: 100,
    })
    .toBeGreaterThan(4_000);
});

test('a client whose key is revoked is sent away, and so is a ticket of that key', async () => {
  const { open, refusal, ticket, key, accounts, changes, apiKey, feed } = await start();
  const { socket } = await open('/ws', bearer(key));
  const unused = await ticket();
  await accounts.remove(apiKey.id);
  await changes.publish('api_keys', String(apiKey.id));
  const [code] = (await once(socket, 'close')) as [number];
  expect(code).toBe(1008);
  expect(await refusal(`/ws?ticket=${unused}`)).toBe(401);
  await expect.poll(() => feed.size).toBe(0);
});

test('a client that gives no sign of life is dropped, and others hear on', async () => {
  const { open, key, feed, listener } = await start({ pingMs: 50 });
  const { socket } = await open('/ws', bearer(key));
  const mute = new WebSocket(`${listener.address.replace('http', 'ws')}/ws`, { headers: bearer(key), autoPong: false });
  await once(mute, 'open');
  await once(mute, 'close');
  // The next ping comes when the answer to the one before has.
  await once(socket, 'ping');
  expect(feed.size).toBe(1);
});

test.each([
  ['takes nothing for too long', { stallMs: 40, maxWaitingBytes: 1 << 30 }],
  ['lets too much wait', { stallMs: 600_000, maxWaitingBytes: 1 << 16 }],
])('a client that %s is dropped, and others hear on', async (_, timing) => {
  const { open, port, key, changes, feed } = await start(timing);
  const { heard } = await open('/ws', bearer(key));
  // Speaks just enough to be let in, and reads no more.
  const slow = connect(port, '127.0.0.1');
  const head = ['GET /ws HTTP/1.1', `host: 127.0.0.1:${port}`, 'upgrade: websocket', 'connection: Upgrade'];
  const ws = ['sec-websocket-version: 13', `sec-websocket-key: ${randomBytes(16).toString('base64')}`];
  slow.write(`${[...head, ...ws, `authorization: Bearer ${key}`].join('\r\n')}\r\n\r\n`);
  await once(slow, 'data');
  slow.pause();
  slow.on('error', () => {});
  cleanup.unshift(async () => void slow.destroy());
  await expect.poll(() => feed.size).toBe(2);
  const id = 'x'.repeat(100_000);
  await expect
    .poll(async () => (await changes.publish('settings', id), feed.size), { timeout: 8_000, interval: 1 })
    .toBe(1);
  const before = heard.length;
  await changes.publish('settings', 'after');
  await expect.poll(() => heard.length).toBeGreaterThan(before);
});

test('at the end clients are told goodbye, and no more are let in', async () => {
  const { open, key, feed, listener, refusal } = await start();
  const { socket } = await open('/ws', bearer(key));
  feed.close();
  const [code] = (await once(socket, 'close')) as [number];
  expect(code).toBe(1001);
  expect(await refusal('/ws', bearer(key))).toBe(503);
  await listener.drain(60_000);
});

test('an offer to change to another protocol does not cost a request its answer', async () => {
  const { port } = await start();
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => (answer += String(data)));
  const offer = 'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA';
  socket.write(`GET /api/openapi.json HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${offer}\r\n\r\n`);
  await expect.poll(() => answer).toContain('HTTP/1.1 200');
  socket.write(`GET /nowhere HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`);
  await expect.poll(() => answer).toContain('HTTP/1.1 404');
  socket.destroy();
});
