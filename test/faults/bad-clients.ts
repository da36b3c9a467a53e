import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  modernRequest,
  openSession,
  requestHeaders,
  type HeaderChanges,
  type LegacySession,
  type McpEndpoint,
} from '../kit/wire.ts';
import type { Tally } from './calls.ts';

/** Clients that do not behave, from when they are started until they are stopped. */
export type BadClients = (endpoint: McpEndpoint, tally: Tally) => { stop(): Promise<void> };

type JsonObject = Record<string, unknown>;

let last = 0;
const nextText = (): string => `left-${process.pid}-${(last += 1)}`;

/** An HTTP request as it goes over the wire, of which only a part may be sent. */
function wire(endpoint: McpEndpoint, message: JsonObject | undefined, headers: HeaderChanges, path = '/mcp'): string {
  const body = message === undefined ? '' : JSON.stringify(message);
  const own = {
    ...requestHeaders(endpoint, headers),
    host: 'localhost',
    'content-length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(own).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${message === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

async function open({ address }: McpEndpoint): Promise<Socket> {
  const socket = connect(Number(new URL(address).port), '127.0.0.1');
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

function lost(tally: Tally, text: string): void {
  tally.sent += 1;
  tally.lost.set('client_left', [...(tally.lost.get('client_left') ?? []), text]);
}

const slow = (text: string): JsonObject => ({ name: 'bad-slow', arguments: { ms: 400, text } });

/** A connection that will be gone in a moment. */
interface Visit {
  readonly endpoint: McpEndpoint;
  readonly socket: Socket;
  /** Of a client that comes back after each loss. */
  readonly session: LegacySession;
  readonly tally: Tally;
}

/** Sends something and goes away before there is an answer: in the middle of a call, of a stream, of its own request. */
const WAYS_TO_LEAVE: readonly ((visit: Visit) => void)[] = [
  ({ endpoint, socket, tally }) => {
    const text = nextText();
    const { message, headers } = modernRequest('tools/call', slow(text));
    socket.write(wire(endpoint, message, headers));
    lost(tally, text);
  },
  ({ endpoint, socket, session, tally }) => {
    const text = nextText();
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: slow(text) };
    socket.write(wire(endpoint, message, session.headers));
    lost(tally, text);
  },
  ({ endpoint, socket, session }) =>
    void socket.write(wire(endpoint, undefined, { accept: 'text/event-stream', ...session.headers })),
  ({ endpoint, socket }) => void socket.write(wire(endpoint, undefined, { accept: 'text/event-stream' }, '/sse')),
  ({ endpoint, socket }) => {
    const { message, headers } = modernRequest('tools/call', slow('half'));
    const whole = wire(endpoint, message, headers);
    socket.write(whole.slice(0, whole.length - 20));
  },
];

export const vanish: BadClients = (endpoint, tally) => {
  const over = new AbortController();
  const lanes = WAYS_TO_LEAVE.map(async (begin) => {
    const session = await openSession(endpoint, {}, { elicitation: {} });
    while (!over.signal.aborted) {
      const socket = await open(endpoint);
      begin({ endpoint, socket, session, tally });
      await sleep(60);
      socket.resetAndDestroy();
    }
    const headers = requestHeaders(endpoint, session.headers);
    await fetch(`${endpoint.address}/mcp`, { method: 'DELETE', headers });
  });
  return {
    async stop() {
      over.abort();
      await Promise.all(lanes);
    },
  };
};

const READERS = 120;
const BETWEEN_READERS_MS = 10;

/** Asks for results of 5 MB, from many connections, and reads none of them. */
export const readNothing: BadClients = (endpoint) => {
  const sockets: Socket[] = [];
  const opening = (async () => {
    for (let reader = 0; reader < READERS; reader += 1) {
      const socket = await open(endpoint);
      socket.pause();
      sockets.push(socket);
      const { message, headers } = modernRequest('tools/call', {
        name: 'bad-echo',
        arguments: { text: `large-${nextText()}` },
      });
      socket.write(wire(endpoint, message, headers));
      await sleep(BETWEEN_READERS_MS);
    }
  })();
  return {
    async stop() {
      await opening;
      for (const socket of sockets) socket.destroy();
    },
  };
};

const FLOODERS = 64;
const IDLERS = 300;

/** Calls without a pause from many connections, and keeps many others open for nothing. */
export const flood: BadClients = (endpoint, tally) => {
  const over = new AbortController();
  const agent = new Agent({ keepAlive: true, maxSockets: FLOODERS });
  const idle = Promise.all(Array.from({ length: IDLERS }, () => open(endpoint)));
  const lanes = Array.from({ length: FLOODERS }, async () => {
    while (!over.signal.aborted) await callWith(agent, endpoint, tally);
  });
  return {
    async stop() {
      over.abort();
      await Promise.all(lanes);
      for (const socket of await idle) socket.destroy();
      agent.destroy();
    },
  };
};

async function callWith(agent: Agent, endpoint: McpEndpoint, tally: Tally): Promise<void> {
  const text = nextText();
  const { message, headers } = modernRequest('tools/call', { name: 'bad-echo', arguments: { text } });
  tally.sent += 1;
  const began = performance.now();
  const request = httpRequest(`${endpoint.address}/mcp`, {
    method: 'POST',
    agent,
    headers: requestHeaders(endpoint, headers),
  });
  request.end(JSON.stringify(message));
  const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
  let answer = '';
  for await (const chunk of response) answer += String(chunk);
  if (!answer.includes(text)) tally.unexplained.push(answer.slice(0, 300));
  tally.longest = Math.max(tally.longest, performance.now() - began);
}
