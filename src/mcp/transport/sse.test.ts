import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ask, askResult, handshake, recordEvents, rejection } from '../../../test/kit/connection-peer.ts';
import { createHttpClient } from '../../lib/http-client.ts';
import type { JsonRpcRequest } from '../../lib/json-rpc.ts';
import { openSse } from './sse.ts';

const EVERYTHING = path.resolve('node_modules/@modelcontextprotocol/server-everything/dist/index.js');
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Peer {
  readonly url: URL;
  readonly posts: { url: string | undefined; headers: IncomingMessage['headers']; message: JsonRpcRequest }[];
  /** The open stream. */
  stream: ServerResponse | undefined;
}

/** A server of the old transport under control of the test. */
async function startPeer(options: { endpoint?: string; getStatus?: number; postStatus?: number; type?: string } = {}) {
  const { endpoint = '/post?s=1', getStatus = 200, postStatus = 202, type = 'text/event-stream' } = options;
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      peer.stream = response.writeHead(getStatus, { 'content-type': type });
      response.write(`event: endpoint\ndata: ${endpoint}\n\n`);
      return;
    }
    const body = (await request.toArray()).join('');
    peer.posts.push({ url: request.url, headers: request.headers, message: JSON.parse(body) as JsonRpcRequest });
    response.writeHead(postStatus).end(postStatus === 202 ? '' : 'no such thing');
  }
  const server = createServer((request, response) => void answer(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const peer: Peer = { url: new URL(`http://127.0.0.1:${port}/deep/sse`), posts: [], stream: undefined };
  return peer;
}

async function open(url: URL, events = recordEvents(), headers: Record<string, string> = {}) {
  const connection = await openSse(() => createHttpClient(url), { url, headers }, events, new AbortController().signal);
  cleanups.push(() => connection.close());
  return connection;
}

test('the reference server shakes hands, lists, calls and tells progress', async () => {
  const port = await freePort();
  const env = { PATH: process.env.PATH, PORT: String(port) };
  const child = spawn(process.execPath, [EVERYTHING, 'sse'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  cleanups.push(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await expect.poll(() => log, { timeout: 20_000 }).toContain('is running on port');
  const events = recordEvents();
  const connection = await open(new URL(`http://localhost:${port}/sse`), events);
  await handshake(connection);
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
  const inFlight = ask(connection, {
    method: 'tools/call',
    params: { name: 'trigger-long-running-operation', arguments: { duration: 60, steps: 1 } },
  });
  child.kill('SIGKILL');
  // Either the POST or the stream may be seen to break first.
  await rejection(inFlight, 'upstream_lost');
  await events.closed;
  expect(events.closings.map(({ code }) => code)).toEqual(['upstream_lost']);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('the endpoint is resolved against the address, and every request carries the headers', async () => {
  const peer = await startPeer();
  const connection = await open(peer.url, recordEvents(), { authorization: 'Bearer x' });
  connection.ready('2024-11-05');
  const id = connection.nextId();
  const message = JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' });
  const { signal } = new AbortController();
  const reply = connection.request({ id, method: 'ping', message, headers: { 'x-of-the-call': '1' }, signal });
  await expect.poll(() => peer.posts).toHaveLength(1);
  peer.stream?.write(`data: {"jsonrpc":"2.0","id":${id},"result":{"n":1.0}}\n\n`);
  expect((await reply).bytes.toString()).toBe('{"n":1.0}');
  expect(peer.posts[0]).toMatchObject({
    url: '/post?s=1',
    headers: { authorization: 'Bearer x', 'mcp-protocol-version': '2024-11-05', 'x-of-the-call': '1' },
  });
});

test.each(['http://127.0.0.1:1/post', '//evil.example/post', 'https://127.0.0.1/post', 'javascript:1', 'http://'])(
  'the foreign endpoint %s is refused and nothing is sent there',
  async (endpoint) => {
    const peer = await startPeer({ endpoint });
    expect(await rejection(open(peer.url), 'upstream_bad_reply')).toContain('not its own');
    expect(peer.posts).toEqual([]);
  },
);

test('a later endpoint changes nothing', async () => {
  const peer = await startPeer();
  const connection = await open(peer.url);
  peer.stream?.write('event: endpoint\ndata: /other\n\n');
  await connection.notify('{"jsonrpc":"2.0","method":"a"}');
  expect(peer.posts.map(({ url }) => url)).toEqual(['/post?s=1']);
});

test.each([
  [{ getStatus: 401 }, 'upstream_unauthorized'],
  [{ getStatus: 403 }, 'upstream_unauthorized'],
  [{ getStatus: 405 }, 'upstream_bad_reply'],
  [{ type: 'text/html' }, 'upstream_bad_reply'],
])('a stream refused with %j is %s', async (options, code) => {
  const peer = await startPeer(options);
  await rejection(open(peer.url), code);
});

test.each([
  [401, 'upstream_unauthorized'],
  [404, 'upstream_bad_reply'],
])('a message refused with %i is %s', async (postStatus, code) => {
  const peer = await startPeer({ postStatus });
  const connection = await open(peer.url);
  expect(await rejection(ask(connection, { method: 'ping' }), code)).toContain('no such thing');
});

test('a server that is not there is unreachable', async () => {
  const url = new URL(`http://127.0.0.1:${await freePort()}/sse`);
  await rejection(open(url), 'upstream_unreachable');
});

test('the end of the stream fails what is in flight and is told once', async () => {
  const peer = await startPeer();
  const events = recordEvents();
  const connection = await open(peer.url, events);
  const reply = ask(connection, { method: 'ping' });
  await expect.poll(() => peer.posts).toHaveLength(1);
  peer.stream?.end();
  await rejection(reply, 'upstream_lost');
  expect(events.closings.map(({ code }) => code)).toEqual(['upstream_lost']);
  await connection.close();
  expect(events.closings).toHaveLength(1);
});

test('an abort is told to the server by a message', async () => {
  const peer = await startPeer();
  const connection = await open(peer.url);
  const caller = new AbortController();
  const reply = ask(connection, { method: 'tools/call', signal: caller.signal });
  await expect.poll(() => peer.posts).toHaveLength(1);
  caller.abort();
  await rejection(reply, 'call_cancelled');
  await expect
    .poll(() => peer.posts.map(({ message }) => message.method))
    .toEqual(['tools/call', 'notifications/cancelled']);
});

test('an opening that is given up ends the stream', async () => {
  const peer = await startPeer({ endpoint: '' });
  const caller = new AbortController();
  const opening = openSse(
    () => createHttpClient(peer.url),
    { url: peer.url, headers: {} },
    recordEvents(),
    caller.signal,
  );
  await expect.poll(() => peer.stream).toBeDefined();
  const closed = once(peer.stream as ServerResponse, 'close');
  caller.abort();
  await rejection(opening, 'call_cancelled');
  await closed;
});

test('closing ends the stream and what is in flight without a word to the owner', async () => {
  const peer = await startPeer();
  const events = recordEvents();
  const connection = await open(peer.url, events);
  const closed = once(peer.stream as ServerResponse, 'close');
  const reply = ask(connection, { method: 'ping' });
  await Promise.all([rejection(reply, 'upstream_lost'), connection.close(), connection.close(), closed]);
  expect(events.closings).toEqual([]);
});
