import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../governance/caller.ts';
import { GatewayError } from '../lib/errors.ts';
import type { JsonObject, JsonRpcNotification, Reply, RequestId } from '../lib/json-rpc.ts';
import { writeNotification } from '../lib/json-rpc.ts';
import type { Logger } from '../lib/logger.ts';
import { progressTokenOf, readCallParams } from '../mcp/call-params.ts';
import type { CallTool } from '../mcp/call-tool.ts';
import type { Catalog } from '../mcp/catalog.ts';
import type { LegacySession, LegacySessions } from '../mcp/legacy-session.ts';
import { chooseLegacyVersion } from '../mcp/negotiate.ts';
import type { McpServer } from '../mcp/server.ts';
import type { Identify } from './identify.ts';
import { readMcpMessage, type McpMessage } from './mcp-message.ts';
import { createMcpResponse, openEventStream, type McpResponse } from './mcp-response.ts';
import { readNodeBody } from './read-body.ts';
import { renderError, renderRpcError } from './render-error.ts';

interface McpDeps {
  readonly identify: Identify;
  readonly catalog: Catalog;
  readonly server: McpServer;
  readonly callTool: CallTool;
  readonly sessions: LegacySessions;
  readonly logger: Logger;
}

/** A request of a client with everything that belongs to it. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly caller: Caller;
  readonly message: McpMessage;
  readonly session: LegacySession | undefined;
}

export interface McpEndpoint {
  /** Handles one HTTP request to /mcp. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Ends the streams that would otherwise stay open for ever. */
  close(): void;
}

const MAX_BODY_BYTES = 32 * 1024 * 1024;
const HEARTBEAT_MS = 15_000;

/** `/mcp`: Streamable HTTP for clients of every revision. Plain node:http, as every tool call passes here. */
export function createMcpEndpoint({ identify, catalog, server, callTool, sessions, logger }: McpDeps): McpEndpoint {
  const streams = new Set<ServerResponse>();
  const heartbeat = setInterval(() => {
    for (const stream of streams) stream.write(': ping\n\n');
  }, HEARTBEAT_MS).unref();
  catalog.onListChanged(() => sessions.broadcast(writeNotification('notifications/tools/list_changed')));

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const caller = identify.identifyInference(request.headers);
      if (request.method === 'POST') await post(request, response, caller);
      else if (request.method === 'GET') listen(request, response, caller);
      else if (request.method === 'DELETE') endSession(request, response, caller);
      else throw new GatewayError('method_not_allowed', 'use POST, GET or DELETE');
    } catch (error) {
      refuse(response, error);
    }
  }

  async function post(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    const message = readMcpMessage(await readNodeBody(request, MAX_BODY_BYTES), request.headers);
    const sessionId =
      message?.era === 'modern' || message?.method === 'initialize' ? undefined : header(request, 'mcp-session-id');
    const session = sessionId === undefined ? undefined : sessions.get(sessionId, caller.principal);
    if (message?.id === undefined) {
      if (message !== undefined) notified(message, session);
      response.writeHead(202).end();
      return;
    }
    await answer({ request, response, caller, message, session }, message.id);
  }

  async function answer(exchange: Exchange, id: string): Promise<void> {
    const { request, response, caller, message } = exchange;
    const out = createMcpResponse(response, request.headers.accept?.includes('text/event-stream') === true);
    try {
      if (message.method === 'tools/call') return await call(exchange, id, out);
      const result = server.answer(message.method, message.params, message.era);
      if (message.method === 'initialize') {
        response.setHeader(
          'mcp-session-id',
          sessions.create(caller.principal, chooseLegacyVersion(message.params.protocolVersion)),
        );
      }
      out.end(id, 'result', result);
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'call_cancelled') return out.abandon();
      const { error: body } = renderRpcError(null, error, logger);
      out.end(id, 'error', Buffer.from(JSON.stringify(body)), rpcStatus(error, message));
    }
  }

  async function call(
    { request, response, caller, message, session }: Exchange,
    id: string,
    out: McpResponse,
  ): Promise<void> {
    const { name, _meta: meta } = message.params;
    if (typeof name !== 'string') throw new GatewayError('invalid_request', 'params.name: must be a string');
    const token = progressTokenOf(meta as JsonObject | undefined);
    const gone = new AbortController();
    const requestId = JSON.parse(id) as RequestId;
    session?.inFlight.set(requestId, gone);
    // Closing the stream cancels a modern call; a legacy client says so in a notification and may merely have lost its network.
    if (message.era === 'modern') {
      response.once('close', () => {
        if (!response.writableFinished) gone.abort();
      });
    }
    try {
      const reply = await callTool(caller, {
        params: readCallParams(name, message.paramsBytes, token),
        headers: request.headers,
        signal: gone.signal,
        onProgress: (notification) => out.notify(withToken(notification, token)),
      });
      out.end(id, reply.kind, message.era === 'modern' ? asModern(reply) : reply.bytes);
    } finally {
      session?.inFlight.delete(requestId);
    }
  }

  function listen(request: IncomingMessage, response: ServerResponse, caller: Caller): void {
    const id = header(request, 'mcp-session-id');
    if (id === undefined)
      throw new GatewayError('method_not_allowed', 'a GET stream needs the Mcp-Session-Id of an initialized session');
    const { streams: open } = sessions.get(id, caller.principal);
    const write = openEventStream(response);
    const stream = {
      send: (message: string): void => write(`event: message\ndata: ${message}\n\n`),
      end: (): void => void response.end(),
    };
    streams.add(response);
    open.add(stream);
    response.once('close', () => {
      streams.delete(response);
      open.delete(stream);
    });
  }

  function endSession(request: IncomingMessage, response: ServerResponse, caller: Caller): void {
    const id = header(request, 'mcp-session-id');
    if (id === undefined)
      throw new GatewayError('method_not_allowed', 'only a session can be deleted; send its Mcp-Session-Id');
    sessions.get(id, caller.principal);
    sessions.end(id);
    response.writeHead(204).end();
  }

  function refuse(response: ServerResponse, error: unknown): void {
    if (response.headersSent || response.destroyed) return void response.destroy();
    const { status, headers } = renderError(error, logger);
    const body = JSON.stringify(renderRpcError(null, error, logger));
    response
      .writeHead(status, { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
      .end(body);
  }

  return {
    handle,
    close() {
      clearInterval(heartbeat);
      for (const stream of streams) stream.end();
    },
  };
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The only notification that asks for something: the end of a call. */
function notified({ method, params }: McpMessage, session: LegacySession | undefined): void {
  if (method === 'notifications/cancelled') session?.inFlight.get(params.requestId as RequestId)?.abort();
}

/** JSON-RPC errors travel with HTTP 200, except where the modern revision ties a status to them. */
function rpcStatus(error: unknown, { era }: McpMessage): number {
  if (era === 'legacy' || !(error instanceof GatewayError)) return 200;
  return error.code === 'method_not_found' ? 404 : 200;
}

function withToken(notification: JsonRpcNotification, progressToken: RequestId | undefined): string {
  if (notification.method !== 'notifications/progress') return JSON.stringify({ jsonrpc: '2.0', ...notification });
  return JSON.stringify({
    jsonrpc: '2.0',
    method: notification.method,
    params: { ...notification.params, progressToken },
  });
}

const COMPLETE = Buffer.from('{"resultType":"complete"');

/** A result of an older server says what a modern client must be told: that it is complete. Nothing else is touched. */
function asModern(reply: Reply): Buffer {
  if (reply.kind === 'error' || reply.hasResultType) return reply.bytes;
  const rest = reply.bytes.subarray(reply.bytes.indexOf(0x7b) + 1);
  const isEmpty = rest.toString('latin1').trim() === '}';
  return Buffer.concat([COMPLETE, Buffer.from(isEmpty ? '' : ','), rest]);
}
