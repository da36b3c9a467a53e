import { randomUUID } from 'node:crypto';
import type { Caller } from '../governance/caller.ts';
import { CallController } from '../lib/call-signal.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Sealer } from '../lib/seal.ts';
import { readNarrowing } from '../mcp/client-side.ts';
import type { LegacySession, LegacySessions } from '../mcp/legacy-session.ts';
import type { Subscriptions } from '../mcp/subscriptions.ts';
import { LEGACY_VERSIONS } from '../mcp/revisions.ts';
import { createOpenStreams, EVENT_STREAM_HEADERS, toEvent, writeEvents } from './event-stream.ts';
import type { HotHandler, HotRequest, HotResponse } from './hot.ts';
import type { IdentifyMcp } from './identify-mcp.ts';
import type { Dispatch } from './mcp-dispatch.ts';
import { MAX_MESSAGE_BYTES, readMcpMessage, splitBody, type McpMessage, type McpRequest } from './mcp-message.ts';
import { createSharedResponse, refuseMessage } from './mcp-response.ts';
import type { Elsewhere } from './nodes/elsewhere.ts';
import { readNodeBody } from './read-body.ts';
import { renderRpcError } from './render-error.ts';
import { takeToolMode } from './tool-mode.ts';
import { TOOL_MODE_HEADER } from '../mcp/tool-mode.ts';
import type { Audience } from '../mcp/audience.ts';

interface SseEdgeDeps {
  readonly identifyMcp: IdentifyMcp;
  /** What a 401 says about how to sign in. */
  readonly challenge: (headers: HotRequest['headers']) => string | undefined;
  readonly dispatch: Dispatch;
  readonly sessions: LegacySessions;
  readonly subscriptions: Pick<Subscriptions, 'narrow'>;
  /** Seals the address to which a client posts, so that every node finds the one with its stream. */
  readonly sealer: Sealer;
  /** The name of this process, and the other nodes; undefined where there are none. */
  readonly node: string | undefined;
  readonly elsewhere: Elsewhere | undefined;
  readonly logger: Logger;
}

export interface SseEdge {
  /** `GET /sse`. Never rejects. */
  readonly handleStream: HotHandler;
  /** `POST /messages`. Never rejects. */
  readonly handleMessages: HotHandler;
  /** Ends the streams, each when what runs on it is answered. */
  close(): void;
}

/** One open stream: all that goes to a client. */
interface Channel {
  readonly id: string;
  readonly principal: string;
  /** Of the request that opened the stream. */
  readonly narrowing: Pick<Audience, 'filter' | 'mode'>;
  readonly response: HotResponse;
  /** Requests of its client; all are cancelled when the stream is gone. */
  readonly running: Set<CallController>;
  /** From `initialize` on. */
  session: LegacySession | undefined;
  isClosing: boolean;
}

/** HTTP+SSE for clients of 2024-11-05: messages come in by POST, and everything goes out on one event stream. */
export function createSseEdge(deps: SseEdgeDeps): SseEdge {
  const { identifyMcp, challenge, dispatch, sessions, subscriptions, sealer, node, elsewhere, logger } = deps;
  const streams = createOpenStreams();
  const channels = new Map<string, Channel>();

  async function open(request: HotRequest, response: HotResponse): Promise<void> {
    takeToolMode(request);
    const { principal } = await identifyMcp(request.headers);
    if (request.method !== 'GET') throw notAllowed('GET');
    if (response.destroyed) return; // its client has left before it was known
    const id = sealer.seal({ node, nonce: randomUUID() });
    const narrowing = readNarrowing(request.headers);
    const channel: Channel = {
      id,
      principal,
      narrowing,
      response,
      running: new Set(),
      session: undefined,
      isClosing: false,
    };
    channels.set(id, channel);
    response.once('close', () => {
      channels.delete(id);
      for (const cancel of channel.running) cancel.abort();
      if (channel.session !== undefined) sessions.end(channel.session.id);
    });
    response.writeHead(200, EVENT_STREAM_HEADERS);
    writeEvents(response, `event: endpoint\ndata: /messages?sessionId=${id}\n\n`);
    streams.hold(response, () => {
      channel.isClosing = true;
      endIfIdle(channel);
    });
  }

  async function post(request: HotRequest, response: HotResponse): Promise<void> {
    const caller = await identifyMcp(request.headers);
    if (request.method !== 'POST') throw notAllowed('POST');
    const body = await readNodeBody(request, MAX_MESSAGE_BYTES);
    const { isBatch, parts } = splitBody(body);
    if (await isElsewhere(request, response, body)) return;
    const channel = findChannel(request, caller);
    const messages = parts.map((part) => readMcpMessage(part, request.headers));
    if (messages.length === 0) throw new GatewayError('invalid_request', 'the batch is empty');
    if (isBatch && messages.some((message) => message.kind === 'request' && message.method === 'initialize'))
      throw new GatewayError('invalid_request', 'initialize must not be part of a batch');
    response.writeHead(202).end();
    for (const message of messages) take(message, channel, caller, request);
  }

  async function isElsewhere(request: HotRequest, response: HotResponse, body: Buffer): Promise<boolean> {
    const id = streamOf(request);
    if (elsewhere === undefined || channels.has(id)) return false;
    const home = (sealer.open(id) as { node?: string } | undefined)?.node;
    return home !== undefined && elsewhere.answers({ node: home, key: id, isNew: false }, request, response, body);
  }

  /** Ids of others do not exist for the caller, so that nobody can tell which there are. */
  function findChannel(request: HotRequest, { principal }: Caller): Channel {
    const channel = channels.get(streamOf(request));
    if (channel?.principal !== principal)
      throw new GatewayError('mcp_session_not_found', 'sessionId: no such stream is open; open one with GET /sse');
    return channel;
  }

  function take(message: McpMessage, channel: Channel, caller: Caller, { headers }: HotRequest): void {
    if (message.kind !== 'request') dispatch.other(message, channel.session);
    else void answer(message, channel, caller, withMode(headers, channel));
  }

  async function answer(
    message: McpRequest,
    channel: Channel,
    caller: Caller,
    headers: HotRequest['headers'],
  ): Promise<void> {
    const { session, running, response } = channel;
    const out = createSharedResponse((text) => writeEvents(response, toEvent(text)));
    // That revision is not defined on this transport; a client that speaks both takes the hint and initializes.
    if (message.era === 'modern') {
      const { error } = renderRpcError(null, modernRefusal(), logger);
      return out.end(message.id, 'error', [Buffer.from(JSON.stringify(error))]);
    }
    const onSession = (begun: LegacySession): void => adopt(channel, begun);
    const cancel = new CallController();
    running.add(cancel);
    await dispatch.request(message, { caller, headers, session, out, cancel, onSession });
    running.delete(cancel);
    endIfIdle(channel);
  }

  /** The session that `initialize` began lives on this stream, and as long as it. */
  function adopt(channel: Channel, session: LegacySession): void {
    const { id, response, narrowing } = channel;
    if (!channels.has(id) || channel.session !== undefined) return sessions.end(session.id);
    channel.session = session;
    session.streams.add({
      send: (message) => writeEvents(response, toEvent(message)),
      end: () => void response.end(),
    });
    subscriptions.narrow(session.id, narrowing);
  }

  return {
    handleStream: guard(open),
    handleMessages: guard(post),
    close: streams.close,
  };

  function guard(handle: HotHandler): HotHandler {
    return (request, response) =>
      handle(request, response).catch((error: unknown) =>
        refuseMessage(response, error, logger, { challenge: challenge(request.headers) }),
      );
  }
}

function streamOf({ url = '' }: HotRequest): string {
  return new URLSearchParams(url.split('?')[1]).get('sessionId') ?? '';
}

/** How tools are listed was said when the stream was opened. */
function withMode(headers: HotRequest['headers'], { narrowing: { mode } }: Channel): HotRequest['headers'] {
  return mode === undefined ? headers : { ...headers, [TOOL_MODE_HEADER]: mode };
}

function endIfIdle({ isClosing, running, response }: Channel): void {
  if (isClosing && running.size === 0) response.end();
}

function notAllowed(allow: string): GatewayError {
  return new GatewayError('method_not_allowed', `use ${allow}`, { details: { allow } });
}

function modernRefusal(): GatewayError {
  return new GatewayError('unsupported_protocol_version', 'HTTP+SSE is for older revisions; newer ones use /mcp', {
    details: { supported: LEGACY_VERSIONS },
  });
}
