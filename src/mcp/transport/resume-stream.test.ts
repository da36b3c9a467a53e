import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport, type EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, expect, test } from 'vitest';
import { ask, askResult, handshake, recordEvents, rejection } from '../../../test/kit/connection-peer.ts';
import { listenOnLoopback, readBody, type HttpHost } from '../../../test/kit/http-host.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import { GatewayError } from '../../lib/errors.ts';
import { createHttpClient } from '../../lib/http-client.ts';
import { createHttpConnection } from './http.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly requestId?: number };
}
interface Arrived {
  readonly headers: IncomingMessage['headers'];
  readonly response: ServerResponse;
  readonly message: Message;
}

/** What the server does on a GET that resumes: the n-th function on the n-th GET, the last one from then on. */
type Resumed = (response: ServerResponse, callId: number) => void;

interface Peer {
  readonly url: URL;
  readonly host: HttpHost;
  readonly posts: Arrived[];
  /** GETs with a Last-Event-ID. */
  readonly resumed: Omit<Arrived, 'message'>[];
  readonly methods: () => string[];
  /** What it does on a GET without a Last-Event-ID; refuses it where there is nothing. */
  onListen?: Resumed;
}

/** A legacy server under control of the test. Its tools/call gets `begin`; every later stream a step of `steps`. */
async function startPeer(begin: (response: ServerResponse) => void, ...steps: Resumed[]): Promise<Peer> {
  let callId = 0;
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers } = request;
    if (request.method === 'GET') {
      if (headers['last-event-id'] === undefined) return (peer.onListen ?? refuse(405))(response, callId);
      peer.resumed.push({ headers, response });
      return (steps[peer.resumed.length - 1] ?? steps.at(-1))?.(response, callId);
    }
    if (request.method !== 'POST') return void response.writeHead(200).end();
    const message = JSON.parse(await readBody(request)) as Message;
    peer.posts.push({ headers, response, message });
    if (message.method === 'initialize') return json(response, message.id, HANDSHAKE);
    if (message.method !== 'tools/call') return void response.writeHead(202).end();
    callId = message.id ?? 0;
    begin(response.writeHead(200, STREAM));
  }
  const host = await listenOnLoopback((request, response) => void serve(request, response));
  cleanups.push(() => host.stop());
  const peer: Peer = {
    url: new URL(`${host.origin}/mcp`),
    host,
    posts: [],
    resumed: [],
    methods: () => peer.posts.map(({ message }) => message.method),
  };
  return peer;
}

const STREAM = { 'content-type': 'text/event-stream' };
const HANDSHAKE = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'peer', version: '1' } };
const PRIMING = 'id: e1\nretry: 20\ndata: \n\n';

function json(response: ServerResponse, id: number | undefined, result: object): void {
  response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's1' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
}

function event(id: string, message: object): string {
  return `id: ${id}\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`;
}

const primeAndEnd = (response: ServerResponse): void => void response.end(PRIMING);
const reply: Resumed = (response, id) =>
  void response.writeHead(200, STREAM).end(event('e9', { id, result: { said: 'done' } }));
const refuse =
  (status: number): Resumed =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'text/plain' }).end('not here');

const open = (response: ServerResponse): void => void response.write(PRIMING);

async function connect({ url }: Peer, events = recordEvents()) {
  const connection = createHttpConnection(createHttpClient(url), { url, headers: { 'x-own': 'a' } }, events);
  cleanups.push(() => connection.close());
  await handshake(connection);
  return connection;
}

const CALL = { method: 'tools/call', params: { name: 'any' } };

test('a stream that the server ends before the reply is taken up where it ended, in the same session', async () => {
  const peer = await startPeer(primeAndEnd, (response, id) => {
    const progress = { method: 'notifications/progress', params: { progressToken: id, progress: 1 } };
    response.writeHead(200, STREAM).write(event('e2', progress));
    response.end(event('e3', { id, result: { said: 'done' } }));
  });
  const connection = await connect(peer);
  const heard: unknown[] = [];
  const onNotification = ({ params }: { params?: object | undefined }): unknown => heard.push(params);
  expect(await askResult(connection, { ...CALL, onNotification })).toEqual({ said: 'done' });
  expect(heard).toMatchObject([{ progress: 1 }]);
  expect(peer.resumed).toHaveLength(1);
  expect(peer.resumed[0]?.headers).toMatchObject({
    accept: 'text/event-stream',
    'last-event-id': 'e1',
    'mcp-session-id': 's1',
    'mcp-protocol-version': '2025-11-25',
    'x-own': 'a',
  });
});

test('it is taken up as often as it ends, each time after the last complete event', async () => {
  const cut: Resumed = (response) => {
    response
      .writeHead(200, STREAM)
      .write('id: e2\ndata: {"jsonrpc":"2.0","method":"notifications/a"}\n\nid: e3\ndata: {"js');
    setTimeout(() => response.destroy(), 20);
  };
  const endSilently: Resumed = (response) => void response.writeHead(200, STREAM).end();
  const peer = await startPeer(primeAndEnd, cut, endSilently, reply);
  const events = recordEvents();
  const connection = await connect(peer, events);
  expect(await askResult(connection, CALL)).toEqual({ said: 'done' });
  expect(peer.resumed.map(({ headers }) => headers['last-event-id'])).toEqual(['e1', 'e2', 'e2']);
  expect(events.notifications.map(({ method }) => method)).toEqual(['notifications/a']);
});

test('a connection that is cut counts as an end; a new one goes on', async () => {
  const peer = await startPeer((response) => {
    response.write(PRIMING);
    setTimeout(() => response.destroy(), 20);
  }, reply);
  const connection = await connect(peer);
  expect(await askResult(connection, CALL)).toEqual({ said: 'done' });
  expect(peer.methods().filter((method) => method === 'tools/call')).toHaveLength(1);
});

test('the reply counts on whichever stream it comes: on that of the server as well, which may open late', async () => {
  for (const begin of [open, primeAndEnd]) {
    const listening = Promise.withResolvers<ServerResponse>();
    const peer = await startPeer(begin, (response) => void response.writeHead(200, STREAM).write(PRIMING));
    peer.onListen = (response) => listening.resolve(response);
    const connection = await connect(peer);
    const result = askResult(connection, CALL);
    await waitFor(() => peer.methods().includes('tools/call'), 'the call');
    const { id } = peer.posts.at(-1)!.message;
    reply(await listening.promise, id!);
    expect(await result).toEqual({ said: 'done' });
  }
});

test('a server that is away for a moment, or not yet ready, is asked again', async () => {
  const peer = await startPeer((response) => void response.write(PRIMING), refuse(409), reply);
  const connection = await connect(peer);
  const result = askResult(connection, CALL);
  await waitFor(() => peer.methods().includes('tools/call'), 'the call');
  await peer.host.restart();
  expect(await result).toEqual({ said: 'done' });
  expect(peer.resumed).toHaveLength(2);
});

test('a server that does not resume the stream has lost the call, and the call is not sent again', async () => {
  for (const status of [400, 404, 405]) {
    const peer = await startPeer(primeAndEnd, refuse(status));
    const connection = await connect(peer);
    expect(await rejection(ask(connection, CALL), 'upstream_lost')).toContain(`HTTP ${status}: not here`);
    expect(peer.resumed).toHaveLength(1);
    expect(peer.methods().filter((method) => method === 'tools/call')).toHaveLength(1);
  }
});

test('an answer without an event stream does not resume it either', async () => {
  const peer = await startPeer(primeAndEnd, (response) => void response.writeHead(200).write('<html>'));
  expect(await rejection(ask(await connect(peer), CALL), 'upstream_lost')).toContain('does not resume');
});

test('a stream without an id cannot be resumed', async () => {
  const peer = await startPeer((response) => void response.end('retry: 20\ndata: \n\n'), reply);
  expect(await rejection(ask(await connect(peer), CALL), 'upstream_lost')).toContain('without a reply');
  expect(peer.resumed).toEqual([]);
});

test('an id that is taken back ends the right to resume', async () => {
  const peer = await startPeer((response) => void response.end(`${PRIMING}id\ndata: \n\n`), reply);
  await rejection(ask(await connect(peer), CALL), 'upstream_lost');
  expect(peer.resumed).toEqual([]);
});

test('an event that cannot be read ends the call', async () => {
  const peer = await startPeer(primeAndEnd, (response) => void response.writeHead(200, STREAM).write('data: {\n\n'));
  await rejection(ask(await connect(peer), CALL), 'upstream_bad_reply');
});

test('an id may have any characters', async () => {
  const peer = await startPeer((response) => void response.end('id: ḗ/1\nretry: 20\ndata: \n\n'), reply);
  expect(await askResult(await connect(peer), CALL)).toEqual({ said: 'done' });
  expect(Buffer.from(String(peer.resumed[0]?.headers['last-event-id']), 'latin1').toString()).toBe('ḗ/1');
});

test('a cancellation while it waits to resume reaches the server', async () => {
  const peer = await startPeer((response) => void response.end('id: e1\nretry: 99999999999\ndata: \n\n'), reply);
  const connection = await connect(peer);
  const cancel = new AbortController();
  const call = ask(connection, { ...CALL, signal: cancel.signal });
  const { response, message } = await waitFor(
    () => peer.posts.find((post) => post.message.method === 'tools/call'),
    'it',
  );
  await waitFor(() => response.writableFinished, 'the end of the stream');
  await sleep(50);
  cancel.abort();
  await rejection(call, 'call_cancelled');
  const notice = await waitFor(
    () => peer.posts.find((post) => post.message.method === 'notifications/cancelled'),
    'it',
  );
  expect(notice.message.params?.requestId).toBe(message.id);
  expect(peer.resumed).toEqual([]);
});

test('the deadline of a call also ends its resumed stream, and the server is told', async () => {
  const peer = await startPeer(primeAndEnd, (response) => response.writeHead(200, STREAM).flushHeaders());
  const connection = await connect(peer);
  const deadline = new AbortController();
  const call = ask(connection, { ...CALL, signal: deadline.signal });
  const { response } = await waitFor(() => peer.resumed[0], 'the resumed stream');
  deadline.abort(new GatewayError('upstream_timeout', 'too slow'));
  await rejection(call, 'upstream_timeout');
  await waitFor(() => response.destroyed, 'the end of the resumed stream');
  await waitFor(() => peer.methods().includes('notifications/cancelled'), 'the notice');
  expect(peer.resumed).toHaveLength(1);
});

test('closing the connection ends what waits to resume and what has resumed', async () => {
  const hold: Resumed = (response) => response.writeHead(200, STREAM).flushHeaders();
  const peer = await startPeer(primeAndEnd, hold);
  const connection = await connect(peer);
  const call = rejection(ask(connection, CALL), 'upstream_lost');
  await waitFor(() => peer.resumed.length === 1, 'the resumed stream');
  await connection.close();
  expect(await call).toBe('the connection was closed');

  const other = await startPeer((response) => void response.end('id: e1\nretry: 60000\ndata: \n\n'), hold);
  const waiting = await connect(other);
  const second = rejection(ask(waiting, CALL), 'upstream_lost');
  await waitFor(
    () => other.posts.find(({ message }) => message.method === 'tools/call')?.response.writableFinished,
    'it',
  );
  await sleep(50);
  await waiting.close();
  expect(await second).toBe('the connection was closed');
});

test('what the server asks on a resumed stream is answered', async () => {
  const peer = await startPeer(primeAndEnd, (response) => {
    response.writeHead(200, STREAM).write(event('e2', { id: 'q1', method: 'roots/list' }));
  });
  const events = recordEvents(() => ({ roots: [] }));
  const connection = await connect(peer, events);
  const call = ask(connection, CALL).catch(() => undefined);
  const answer = await waitFor(() => peer.posts.find(({ message }) => 'result' in message), 'the answer');
  expect(answer.message).toEqual({ jsonrpc: '2.0', id: 'q1', result: { roots: [] } });
  await connection.close();
  await call;
});

test('an initialize is resumed under the session that its stream named', async () => {
  const host = await listenOnLoopback((request, response) => {
    if (request.method === 'GET') {
      seen.push(request.headers);
      if (request.headers['last-event-id'] === undefined) return void response.writeHead(405).end();
      return void response.writeHead(200, STREAM).end(event('e2', { id: 1, result: HANDSHAKE }));
    }
    response.writeHead(200, { ...STREAM, 'mcp-session-id': 's7' }).end(PRIMING);
  });
  const seen: IncomingMessage['headers'][] = [];
  cleanups.push(() => host.stop());
  const url = new URL(host.origin);
  const connection = createHttpConnection(createHttpClient(url), { url, headers: {} }, recordEvents());
  cleanups.push(() => connection.close());
  expect(await askResult(connection, { method: 'initialize' })).toMatchObject({ protocolVersion: '2025-11-25' });
  expect(seen[0]).toMatchObject({ 'last-event-id': 'e1', 'mcp-session-id': 's7' });
});

test('the official server may close the stream of a call and go on when we come back', async () => {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    eventStore: createEventStore(),
    retryInterval: 30,
  });
  const server = new Server({ name: 'sdk', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    extra.closeSSEStream?.();
    const progress = { progressToken: params._meta?.progressToken ?? 0, progress: 1 };
    await extra.sendNotification({ method: 'notifications/progress', params: progress });
    await sleep(80);
    return { content: [{ type: 'text', text: 'after all' }] };
  });
  await server.connect(transport);
  const gets: (string | undefined)[] = [];
  const host = await listenOnLoopback((request, response) => {
    if (request.method === 'GET') gets.push(request.headers['last-event-id'] as string | undefined);
    void transport.handleRequest(request, response);
  });
  cleanups.push(
    () => host.stop(),
    () => server.close(),
  );
  const url = new URL(host.origin);
  const connection = createHttpConnection(createHttpClient(url), { url, headers: {} }, recordEvents());
  cleanups.push(() => connection.close());
  await handshake(connection);
  const heard: unknown[] = [];
  const onNotification = ({ method }: { method: string }): unknown => heard.push(method);
  expect(await askResult(connection, { ...CALL, onNotification })).toMatchObject({ content: [{ text: 'after all' }] });
  expect(heard).toEqual(['notifications/progress']);
  expect(gets.some((id) => id !== undefined)).toBe(true);
});

function createEventStore(): EventStore {
  const events: { readonly id: string; readonly streamId: string; readonly message: JSONRPCMessage }[] = [];
  return {
    async storeEvent(streamId, message) {
      const id = `event-${events.length + 1}`;
      events.push({ id, streamId, message });
      return id;
    },
    getStreamIdForEventId: async (id) => events.find((one) => one.id === id)?.streamId,
    async replayEventsAfter(lastEventId, { send }) {
      const at = events.findIndex(({ id }) => id === lastEventId);
      const streamId = events[at]?.streamId ?? '';
      const missed = events.slice(at + 1).filter((one) => one.streamId === streamId && 'jsonrpc' in one.message);
      for (const { id, message } of missed) await send(id, message);
      return streamId;
    },
  };
}
