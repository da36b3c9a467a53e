import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../lib/logger.ts';
import type { LegacySession } from '../mcp/legacy-session.ts';
import { listen, type Listener } from './listen.ts';
import { createMcpEndpoint, type McpEndpoint } from './mcp.ts';
import { createSseEdge, type SseEdge } from './sse-edge.ts';

/** Lets all who asked be known. */
let identify: () => void;
/** Who asked, and is not known yet. */
let asking: number;
/** Connections that the gateway has found to be closed. */
let closed: number;
let begun: string[];
let session: Pick<LegacySession, 'id' | 'streams' | 'protocolVersion'>;
let mcp: McpEndpoint;
let sse: SseEdge;
let listener: Listener;

beforeEach(async () => {
  const known = Promise.withResolvers<{ principal: string }>();
  identify = () => known.resolve({ principal: 'somebody' });
  asking = closed = 0;
  begun = [];
  session = { id: 'session', streams: new Set(), protocolVersion: '2025-11-25' };
  const logger = createLogger({ level: 'silent', style: 'json' });
  // All that a request meets before it is answered, with nothing behind it.
  const deps = {
    identify: () => ((asking += 1), known.promise),
    identifyMcp: () => ((asking += 1), known.promise),
    challenge: () => undefined,
    dispatch: { request: async ({ method }: { method: string }) => void begun.push(method), other: () => undefined },
    sessions: { get: () => session, end: () => undefined },
    subscriptions: { listen: () => (begun.push('listen'), { end: () => undefined }), narrow: () => undefined },
    sealer: { seal: () => (begun.push('channel'), 'sealed') },
    homes: { ofSession: () => undefined },
    elsewhere: undefined,
    node: undefined,
    logger,
  };
  mcp = createMcpEndpoint(deps as unknown as Parameters<typeof createMcpEndpoint>[0]);
  sse = createSseEdge(deps as unknown as Parameters<typeof createSseEdge>[0]);
  listener = await listen({
    host: '127.0.0.1',
    port: 0,
    hot: { '/mcp': mcp.handle, '/sse': sse.handleStream },
    raw: {},
    fetch: () => new Response(),
    checkOrigin: () => undefined,
    meter: (_, response) => void response.once('close', () => void (closed += 1)),
    logger,
  });
});
afterEach(async () => {
  mcp.close();
  sse.close();
  await listener.drain(0);
});

/** Sends a request whose client leaves when it is told to. */
function ask(line: string, headers: readonly string[] = [], body = ''): { leave: () => void } {
  const socket = connect(Number(new URL(listener.address).port), '127.0.0.1').on('error', () => undefined);
  const length = body === '' ? [] : [`Content-Length: ${body.length}`];
  const lines = [`${line} HTTP/1.1`, 'Host: localhost', 'Mcp-Session-Id: session', ...headers, ...length];
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  return { leave: () => void socket.destroy() };
}

function askModern(method: string): { leave: () => void } {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const headers = ['MCP-Protocol-Version: 2026-07-28', `Mcp-Method: ${method}`];
  return ask('POST /mcp', headers, JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { _meta } }));
}

const askAll = () => [ask('GET /mcp'), ask('GET /sse'), askModern('tools/list'), askModern('subscriptions/listen')];

test('nothing is begun for a client that has left before it is known who it is', async () => {
  const gone = askAll();
  await expect.poll(() => asking).toBe(4);
  for (const client of gone) client.leave();
  await expect.poll(() => closed).toBe(4);
  askAll();
  await expect.poll(() => asking).toBe(8);
  identify();
  await expect.poll(() => session.streams.size).toBeGreaterThan(0);
  await expect.poll(() => begun.length).toBeGreaterThan(2);
  expect(begun.toSorted()).toEqual(['channel', 'listen', 'tools/list']);
  expect(session.streams.size).toBe(1);
});
