import type { Caller } from '../governance/caller.ts';
import { CallController } from '../lib/call-signal.ts';
import { GatewayError } from '../lib/errors.ts';
import type { JsonObject } from '../lib/json-rpc.ts';
import type { Logger } from '../lib/logger.ts';
import { audienceOf, readNarrowing } from '../mcp/client-side.ts';
import type { Homes } from '../mcp/homes.ts';
import type { LegacySession, LegacySessions } from '../mcp/legacy-session.ts';
import { profileOf } from '../mcp/profile.ts';
import { META, MODERN_VERSION } from '../mcp/revisions.ts';
import type { Subscriptions } from '../mcp/subscriptions.ts';
import { createOpenStreams, EVENT_STREAM_HEADERS, toEvent, writeEvents } from './event-stream.ts';
import type { HotRequest, HotResponse } from './hot.ts';
import type { IdentifyMcpRequest } from './identify-page.ts';
import type { Arrival, Dispatch } from './mcp-dispatch.ts';
import {
  checkLegacyVersion,
  checkModern,
  MAX_MESSAGE_BYTES,
  metaOf,
  readMcpMessage,
  splitBody,
  type McpMessage,
  type McpRequest,
} from './mcp-message.ts';
import { createMcpResponse, createSharedResponse, refuseMessage } from './mcp-response.ts';
import { aboutOf, aboutSession } from './nodes/about.ts';
import type { Elsewhere } from './nodes/elsewhere.ts';
import { readNodeBody } from './read-body.ts';
import { createReplays } from './replay.ts';
import { takeToolMode } from './tool-mode.ts';

interface McpDeps {
  readonly identify: IdentifyMcpRequest;
  /** What a 401 says about how to sign in. */
  readonly challenge: (headers: HotRequest['headers']) => string | undefined;
  readonly dispatch: Dispatch;
  readonly sessions: LegacySessions;
  readonly subscriptions: Subscriptions;
  readonly homes: Homes;
  /** The other nodes; undefined where there are none. */
  readonly elsewhere: Elsewhere | undefined;
  readonly logger: Logger;
}

export interface McpEndpoint {
  /** Handles one HTTP request to /mcp. Never rejects. */
  handle(request: HotRequest, response: HotResponse): Promise<void>;
  /** Ends the streams that would otherwise stay open for ever. */
  close(): void;
}

/** `/mcp`: Streamable HTTP for clients of every revision. Plain node:http, as every tool call passes here. */
export function createMcpEndpoint(deps: McpDeps): McpEndpoint {
  const { identify, challenge, dispatch, sessions, subscriptions, homes, elsewhere, logger } = deps;
  const replays = createReplays();
  const { hold, close } = createOpenStreams();

  async function handle(request: HotRequest, response: HotResponse): Promise<void> {
    try {
      takeToolMode(request);
      const known = identify(request);
      // To await what is there already would cost every call a turn of the queue.
      const caller = known instanceof Promise ? await known : known;
      if (request.method === 'POST') await post(request, response, caller);
      else if (request.method === 'GET') await listen(request, response, caller);
      else if (request.method === 'DELETE') await endSession(request, response, caller);
      else throw notAllowed('use POST, GET or DELETE');
    } catch (error) {
      refuse(response, error);
    }
  }

  async function post(request: HotRequest, response: HotResponse, caller: Caller): Promise<void> {
    const body = await readNodeBody(request, MAX_MESSAGE_BYTES);
    const { isBatch, parts } = splitBody(body);
    const messages = parts.map((part) => readMcpMessage(part, request.headers));
    const [first] = messages;
    if (first === undefined) throw new GatewayError('invalid_request', 'the batch is empty');
    const isModern = messages.some((message) => message.kind !== 'answer' && message.era === 'modern');
    if (elsewhere !== undefined) {
      const about = aboutOf(homes, messages, header(request, 'mcp-session-id'));
      if (about !== undefined && (await elsewhere.answers(about, request, response, body))) return;
    }
    const found = isModern ? undefined : sessionOf(request, caller, messages);
    const session = found instanceof Promise ? await found : found;
    if (isBatch) return batch(request, response, caller, session, messages);
    if (first.kind !== 'request') {
      dispatch.other(first, session);
      response.writeHead(202).end();
      return;
    }
    await one(first, request, response, caller, session);
  }

  function one(
    message: McpRequest,
    request: HotRequest,
    response: HotResponse,
    caller: Caller,
    session: LegacySession | undefined,
  ): Promise<void> | void {
    if (message.era === 'modern') {
      const refusal = refusalOf(() => checkModern(message, request.headers));
      if (refusal !== undefined) return refuse(response, refusal, message.id);
      if (message.method === 'subscriptions/listen') return listenModern(message, request, response, caller);
    }
    const cancel = new CallController();
    if (message.era === 'modern') {
      if (response.destroyed) return; // its client has left before, which cancels it
      response.once('close', () => {
        if (!response.writableFinished) cancel.abort();
      });
    }
    const out = createMcpResponse(response, {
      acceptsStream: acceptsStream(request),
      openReplay: session?.protocolVersion === '2025-11-25' ? () => replays.open(session.id) : undefined,
    });
    const onSession = ({ id }: LegacySession): void => void response.setHeader('mcp-session-id', id);
    return dispatch.request(message, { caller, headers: request.headers, session, out, cancel, onSession });
  }

  /** Several messages in one body, which only 2025-03-26 has; the answers come as they are ready. */
  async function batch(
    request: HotRequest,
    response: HotResponse,
    caller: Caller,
    session: LegacySession | undefined,
    messages: readonly McpMessage[],
  ): Promise<void> {
    const isModern = messages.some((message) => message.kind !== 'answer' && message.era === 'modern');
    const told = session?.protocolVersion ?? header(request, 'mcp-protocol-version') ?? '2025-03-26';
    const version = isModern ? MODERN_VERSION : told;
    if (version !== '2025-03-26')
      throw new GatewayError('invalid_request', `MCP ${version} has no batches; send one message a request`);
    const requests = messages.filter((message) => message.kind === 'request');
    if (requests.some(({ method }) => method === 'initialize'))
      throw new GatewayError('invalid_request', 'initialize must not be part of a batch');
    for (const message of messages) if (message.kind !== 'request') dispatch.other(message, session);
    if (requests.length === 0) return void response.writeHead(202).end();
    const isStream = acceptsStream(request);
    const collected: string[] = [];
    if (isStream) response.writeHead(200, EVENT_STREAM_HEADERS);
    const send = (message: string): void => {
      if (isStream) writeEvents(response, toEvent(message));
      else collected.push(message);
    };
    const arrival: Omit<Arrival, 'out' | 'cancel'> = {
      caller,
      headers: request.headers,
      session,
      onSession: () => {},
    };
    await Promise.all(
      requests.map((message) =>
        dispatch.request(message, { ...arrival, out: createSharedResponse(send), cancel: new CallController() }),
      ),
    );
    if (isStream) response.end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end(`[${collected.join(',')}]`);
  }

  /** The GET stream of a legacy session; with Last-Event-ID it goes on where one was lost. */
  async function listen(request: HotRequest, response: HotResponse, caller: Caller): Promise<void> {
    const id = header(request, 'mcp-session-id');
    if (id === undefined) throw notAllowed('a GET stream needs the Mcp-Session-Id of an initialized session');
    const lastEventId = header(request, 'last-event-id');
    const about = aboutSession(homes, id, lastEventId === undefined);
    if (about !== undefined && (await elsewhere?.answers(about, request, response)) === true) return;
    const session = await sessions.get(id, caller.principal);
    if (response.destroyed) return; // what is said on the stream of a client that has left is lost
    const sink = { write: (text: string) => writeEvents(response, text), end: () => void response.end() };
    response.writeHead(200, EVENT_STREAM_HEADERS).flushHeaders();
    hold(response, () => response.end());
    if (lastEventId !== undefined && replays.resume(lastEventId, session.id, sink)) return;
    const stream = { send: (message: string) => sink.write(toEvent(message)), end: sink.end };
    session.streams.add(stream);
    subscriptions.narrow(session.id, readNarrowing(request.headers));
    response.once('close', () => session.streams.delete(stream));
  }

  /** The standing request of a modern client (`subscriptions/listen`). */
  function listenModern(
    { requestId, params }: McpRequest,
    { headers }: HotRequest,
    response: HotResponse,
    caller: Caller,
  ): void {
    if (response.destroyed) return;
    const profile = profileOf((metaOf(params)[META.clientCapabilities] ?? {}) as JsonObject);
    const audience = audienceOf(caller, headers, profile);
    response.writeHead(200, EVENT_STREAM_HEADERS).flushHeaders();
    const send = (message: object): void =>
      writeEvents(response, toEvent(JSON.stringify({ jsonrpc: '2.0', ...message })));
    const { end } = subscriptions.listen(requestId, (params.notifications ?? {}) as JsonObject, audience, send);
    response.once('close', end);
    hold(response, () => {
      send({ id: requestId, result: { resultType: 'complete', _meta: { [META.subscriptionId]: requestId } } });
      response.end();
    });
  }

  async function endSession(request: HotRequest, response: HotResponse, caller: Caller): Promise<void> {
    const id = header(request, 'mcp-session-id');
    if (id === undefined) throw notAllowed('only a session can be deleted; send its Mcp-Session-Id');
    const about = aboutSession(homes, id, false);
    if (about !== undefined && (await elsewhere?.answers(about, request, response)) === true) return;
    await sessions.get(id, caller.principal);
    await sessions.delete(id);
    response.writeHead(204).end();
  }

  /** The legacy session that the messages belong to. Many simple clients never begin one. */
  function sessionOf(
    request: HotRequest,
    caller: Caller,
    messages: readonly McpMessage[],
  ): LegacySession | Promise<LegacySession> | undefined {
    if (messages.some((message) => message.kind === 'request' && message.method === 'initialize')) return undefined;
    checkLegacyVersion(request.headers);
    const id = header(request, 'mcp-session-id');
    return id === undefined ? undefined : sessions.get(id, caller.principal);
  }

  function refuse(response: HotResponse, error: unknown, id?: string): void {
    refuseMessage(response, error, logger, { id, challenge: challenge(response.req.headers) });
  }

  return { handle, close };
}

function notAllowed(message: string): GatewayError {
  return new GatewayError('method_not_allowed', message, { details: { allow: 'POST, GET, DELETE' } });
}

function acceptsStream(request: HotRequest): boolean {
  return request.headers.accept?.includes('text/event-stream') === true;
}

function header(request: HotRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function refusalOf(check: () => void): unknown {
  try {
    check();
    return undefined;
  } catch (error) {
    return error;
  }
}
