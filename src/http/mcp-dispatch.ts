import type { IncomingHttpHeaders } from 'node:http';
import type { Caller } from '../governance/caller.ts';
import { asAbortSignal, type CallController, type CallSignal } from '../lib/call-signal.ts';
import { GatewayError } from '../lib/errors.ts';
import type { JsonObject, JsonRpcNotification, Reply, RequestId } from '../lib/json-rpc.ts';
import { editObject } from '../lib/json-edit.ts';
import { skipSpace } from '../lib/json-scan.ts';
import { asObject, objectOf } from '../lib/json-value.ts';
import type { Logger } from '../lib/logger.ts';
import { audienceOf, type ClientRequest, type ClientSide } from '../mcp/client-side.ts';
import type { LegacySession, LegacySessions } from '../mcp/legacy-session.ts';
import { profileOf } from '../mcp/profile.ts';
import { chooseLegacyVersion, META } from '../mcp/revisions.ts';
import type { McpServer } from '../mcp/server.ts';
import { metaOf, type McpMessage, type McpRequest } from './mcp-message.ts';
import type { McpResponse } from './mcp-response.ts';
import { renderRpcError } from './render-error.ts';

interface DispatchDeps {
  readonly server: McpServer;
  readonly sessions: LegacySessions;
  /** A legacy client says something about itself that the servers which know it must hear. */
  readonly onClientNotification: (session: LegacySession, method: string, params: JsonObject) => void;
  readonly logger: Logger;
}

/** One message that came in, by whichever transport. */
export interface Arrival {
  readonly caller: Caller;
  readonly headers: IncomingHttpHeaders;
  readonly session: LegacySession | undefined;
  readonly out: McpResponse;
  /** Aborted when the client cancels the request, or takes away what the answer would go to. */
  readonly cancel: CallController;
  /** Learns of the session that `initialize` began. */
  readonly onSession: (session: LegacySession) => void;
}

export interface Dispatch {
  /** Answers a request through `out`. Never rejects. */
  request(message: McpRequest, arrival: Arrival): Promise<void>;
  /** Takes a notification, or the answer to a question of ours. */
  other(message: Exclude<McpMessage, McpRequest>, session: LegacySession | undefined): void;
}

/** What the transports of all revisions have in common: from a message to its answer. */
export function createDispatch({ server, sessions, onClientNotification, logger }: DispatchDeps): Dispatch {
  function answer(message: McpRequest, arrival: Arrival, signal: CallSignal): Reply | Promise<Reply> {
    const { method, params, relayParams } = message;
    const { caller, headers, session } = arrival;
    const side = sideOf(message, arrival, signal);
    const request: ClientRequest = {
      caller,
      method,
      params: relayParams,
      headers,
      signal,
      side,
      audience: audienceOf(caller, headers, side.profile),
      source: 'mcp',
    };
    const reply = server.handle(request, params);
    return method === 'initialize' && session === undefined ? begin(params, arrival, reply) : reply;
  }

  async function begin(params: JsonObject, arrival: Arrival, reply: Reply | Promise<Reply>): Promise<Reply> {
    const agreed = await reply;
    arrival.onSession(sessions.create(agreementOf(params, arrival.caller)));
    return agreed;
  }

  return {
    async request(message, arrival) {
      const { out, session, cancel } = arrival;
      const { requestId } = message;
      session?.inFlight.set(requestId, cancel);
      try {
        const reply = await answer(message, arrival, cancel.signal);
        const isModern = message.era === 'modern';
        if (reply.kind === 'result') {
          out.end(message.id, 'result', isModern ? asModern(reply) : [asLegacy(reply)]);
        } else {
          const value = translateError(reply.bytes, isModern ? FOR_MODERN : FOR_LEGACY);
          out.end(message.id, 'error', [value], isModern ? httpStatus(value) : 200);
        }
      } catch (error) {
        if (cancel.signal.aborted) return out.abandon();
        const { error: body } = renderRpcError(null, error, logger);
        out.end(message.id, 'error', [Buffer.from(JSON.stringify(body))], statusOf(error, message));
      } finally {
        session?.inFlight.take(requestId);
      }
    },
    other(message, session) {
      if (message.kind === 'answer') return void session?.answer(message.id, message);
      if (message.method === 'notifications/cancelled')
        session?.inFlight.get(message.params.requestId as RequestId)?.abort();
      else if (session !== undefined) onClientNotification(session, message.method, message.params);
    },
  };
}

function agreementOf({ protocolVersion, capabilities, clientInfo }: JsonObject, { principal }: Caller) {
  return {
    principal,
    protocolVersion: chooseLegacyVersion(protocolVersion),
    capabilities: objectOf(capabilities),
    clientInfo: asObject(clientInfo),
  };
}

function sideOf(
  { era, params, relayParams: { progressToken } }: McpRequest,
  { session, out }: Arrival,
  signal: CallSignal,
): ClientSide {
  const notify = (notification: JsonRpcNotification): void => {
    // Progress that nobody asked for has no token to come under.
    if (notification.method === 'notifications/progress' && progressToken === undefined) return;
    out.send(withToken(notification, progressToken));
  };
  if (era === 'modern') {
    const meta = metaOf(params);
    const logLevel = meta[META.logLevel];
    const capabilities = objectOf(meta[META.clientCapabilities]);
    return {
      era,
      capabilities,
      profile: profileOf(capabilities),
      clientInfo: asObject(meta[META.clientInfo]),
      logLevel: typeof logLevel === 'string' ? logLevel : undefined,
      sessionKey: undefined,
      notify,
      ask: undefined,
      between: undefined,
    };
  }
  return {
    era,
    capabilities: session?.capabilities ?? {},
    profile: session?.profile,
    clientInfo: session?.clientInfo,
    logLevel: session?.logLevel,
    sessionKey: session?.id,
    notify,
    ask:
      session === undefined || !out.canSend
        ? undefined
        : (question, until) =>
            session.ask(question, (text) => out.send(text), AbortSignal.any([asAbortSignal(signal), until])),
    between: session?.between,
  };
}

/** Progress comes back under the token that the client chose. */
function withToken(notification: JsonRpcNotification, progressToken: RequestId | undefined): string {
  const isProgress = notification.method === 'notifications/progress';
  const params = isProgress ? { ...notification.params, progressToken } : notification.params;
  return JSON.stringify({ jsonrpc: '2.0', method: notification.method, params });
}

/** JSON-RPC errors travel with HTTP 200, except where the modern revision ties a status to them. */
function statusOf(error: unknown, { era }: McpRequest): number {
  if (era === 'legacy' || !(error instanceof GatewayError)) return 200;
  if (error.code === 'header_mismatch') return 400;
  return error.code === 'method_not_found' ? 404 : 200;
}

type Result = Extract<Reply, { kind: 'result' }>;

const COMPLETE = Buffer.from('{"resultType":"complete"');
const COMPLETE_AND = Buffer.from('{"resultType":"complete",');
const CLOSE_BRACE = 0x7d;

/** A result of an older server says what a modern client must be told: that it is complete. Nothing else is touched, or copied. */
function asModern({ bytes, hasResultType }: Result): readonly Buffer[] {
  if (hasResultType) return [bytes];
  const members = bytes.subarray(bytes.indexOf(0x7b) + 1);
  const isEmpty = members[skipSpace(members, 0)] === CLOSE_BRACE;
  return [isEmpty ? COMPLETE : COMPLETE_AND, members];
}

/** What only a modern client understands is left out for an older one. */
function asLegacy({ bytes, hasResultType }: Result): Buffer {
  return hasResultType ? editObject(bytes, MODERN_MEMBERS) : bytes;
}

/** To be taken away. */
const MODERN_MEMBERS = { resultType: undefined, ttlMs: undefined, cacheScope: undefined };

/** Codes that say something else, or nothing, on the other side of the gateway: -32020 and -32022 speak of our own request. */
const FOR_MODERN: ReadonlyMap<number, number> = new Map([
  [-32002, -32602],
  [-32020, -32603],
  [-32022, -32603],
]);
const FOR_LEGACY: ReadonlyMap<number, number> = new Map([
  [-32020, -32603],
  [-32021, -32603],
  [-32022, -32603],
]);
const TRANSLATED = /-3200?2[0-2]?/;
const MISSING_CAPABILITY = -32021;

/** The error with the code that the client's era has for it; one that needs no translation stays as it is, byte for byte. */
function translateError(error: Buffer, codes: ReadonlyMap<number, number>): Buffer {
  const text = error.toString();
  if (!TRANSLATED.test(text)) return error;
  const parsed = JSON.parse(text) as JsonObject;
  const code = codes.get(parsed.code as number);
  return code === undefined ? error : Buffer.from(JSON.stringify({ ...parsed, code }));
}

/** The HTTP status that the modern revision ties to an error of a server. */
function httpStatus(error: Buffer): number {
  if (!error.includes(String(MISSING_CAPABILITY))) return 200;
  return (JSON.parse(error.toString()) as JsonObject).code === MISSING_CAPABILITY ? 400 : 200;
}
