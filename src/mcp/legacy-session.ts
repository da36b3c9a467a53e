import { randomUUID } from 'node:crypto';
import { GatewayError } from '../lib/errors.ts';
import type { JsonObject, RequestId } from '../lib/json-rpc.ts';
import type { Sealer } from '../lib/seal.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import type { InputRequest } from './relay/conversation.ts';
import type { Between } from './client-side.ts';
import { profileOf, type Profile } from './profile.ts';

/** An open stream on which a client can be told what belongs to no request of its own. */
export interface ClientStream {
  send(message: string): void;
  end(): void;
}

/** What a client and the gateway agreed on in `initialize`. */
interface Agreement {
  readonly principal: string;
  readonly protocolVersion: string;
  readonly capabilities: JsonObject;
  readonly clientInfo: JsonObject | undefined;
}

/** One client of 2024-11-05 to 2025-11-25. */
export interface LegacySession extends Agreement {
  readonly id: string;
  readonly profile: Profile | undefined;
  /** Requests that the client may cancel by their id. */
  readonly inFlight: Map<RequestId, AbortController>;
  readonly streams: Set<ClientStream>;
  /** What `logging/setLevel` asked for; a client that never asked hears what its own requests bring. */
  logLevel: string | undefined;
  /** Reaches the client on one of the open streams; on all of them it would hear everything twice. */
  readonly between: Between;
  /** Asks the client something on one of its streams, and waits for the answer that it posts. */
  ask(question: InputRequest, send: (message: string) => void, signal: AbortSignal): Promise<JsonObject>;
  /** Takes an answer that the client posted. False when nothing with that id was asked. */
  answer(id: RequestId, answer: { result?: JsonObject | undefined; error?: JsonObject | undefined }): boolean;
}

export interface LegacySessions {
  create(agreement: Agreement): LegacySession;
  /** Throws `mcp_session_not_found` for an id that is unknown, ended, or another principal's. */
  get(id: string, principal: string): LegacySession;
  end(id: string): void;
}

interface SessionsDeps {
  readonly sealer: Sealer;
  /** A session came to life, by `initialize` or by its id after a restart. */
  readonly onOpen: (session: LegacySession) => void;
  /** A session is gone, or forgotten until it is used again. */
  readonly onEnd: (session: LegacySession) => void;
}

const MAX_KEPT = 10_000;

/**
 * The session id is a sealed token that carries all there is to know, so a session survives a restart and works on every node.
 * What is kept in memory is a cache, and the requests and streams of the moment.
 */
export function createLegacySessions({ sealer, onOpen, onEnd }: SessionsDeps): LegacySessions {
  const kept = new Map<string, LegacySession>();
  const ended = new Set<string>();

  function open(id: string, agreement: Agreement): LegacySession {
    if (kept.size >= MAX_KEPT) forgetIdle();
    const session = createSession(id, agreement);
    kept.set(id, session);
    onOpen(session);
    return session;
  }

  /** Makes room. An idle session comes back from its token when it is used again. */
  function forgetIdle(): void {
    for (const [id, session] of kept) {
      if (session.inFlight.size === 0 && session.streams.size === 0) {
        kept.delete(id);
        onEnd(session);
      }
      if (kept.size < MAX_KEPT / 2) return;
    }
  }

  function reopen(id: string): LegacySession | undefined {
    const agreement = ended.has(id) ? undefined : (sealer.open(id) as Agreement | undefined);
    return agreement === undefined ? undefined : open(id, agreement);
  }

  return {
    create: (agreement) => open(sealer.seal({ ...agreement, nonce: randomUUID() }), agreement),
    get(id, principal) {
      const session = kept.get(id) ?? reopen(id);
      if (session?.principal !== principal)
        throw new GatewayError('mcp_session_not_found', 'unknown session; initialize again');
      return session;
    },
    end(id) {
      const session = kept.get(id);
      kept.delete(id);
      if (ended.size >= MAX_KEPT) ended.delete(ended.values().next().value ?? '');
      ended.add(id);
      if (session === undefined) return;
      for (const request of session.inFlight.values()) request.abort();
      for (const stream of session.streams) stream.end();
      onEnd(session);
    },
  };
}

function createSession(id: string, { principal, protocolVersion, capabilities, clientInfo }: Agreement): LegacySession {
  const streams = new Set<ClientStream>();
  const asked = new Map<RequestId, PromiseWithResolvers<JsonObject>>();
  let lastQuestion = 0;

  async function ask(
    { method, params }: InputRequest,
    send: (message: string) => void,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    const question = `asbru-${(lastQuestion += 1)}`;
    const answer = Promise.withResolvers<JsonObject>();
    asked.set(question, answer);
    send(JSON.stringify({ jsonrpc: '2.0', id: question, method, params }));
    try {
      return await unlessAborted(answer.promise, signal);
    } finally {
      asked.delete(question);
    }
  }

  return {
    id,
    profile: profileOf(capabilities),
    principal,
    protocolVersion,
    capabilities,
    clientInfo,
    inFlight: new Map(),
    streams,
    logLevel: undefined,
    between: {
      notify(notification) {
        const [stream] = streams;
        stream?.send(JSON.stringify({ jsonrpc: '2.0', ...notification }));
      },
      async ask(question, signal) {
        const [stream] = streams;
        if (stream === undefined) throw new GatewayError('method_not_found', 'the client has no stream to be asked on');
        return ask(question, (message) => stream.send(message), signal);
      },
    },
    ask,
    answer(question, { result, error }) {
      const waiting = asked.get(question);
      if (error === undefined) waiting?.resolve(result ?? {});
      else
        waiting?.reject(
          new GatewayError('client_refused', typeof error.message === 'string' ? error.message : 'the client refused', {
            details: { rpc_error: error },
          }),
        );
      return waiting !== undefined;
    },
  };
}
