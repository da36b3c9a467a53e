import { randomUUID } from 'node:crypto';
import type { SessionState } from '../store/mcp-session-states.ts';
import type { CallController } from '../lib/call-signal.ts';
import { GatewayError } from '../lib/errors.ts';
import type { JsonObject, RequestId } from '../lib/json-rpc.ts';
import { createInFlight, type InFlight } from '../lib/in-flight.ts';
import type { Sealer } from '../lib/seal.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import type { InputRequest } from './relay/conversation.ts';
import type { Between } from './client-side.ts';
import { profileOf, type Profile } from './profile.ts';
import type { SessionMemory } from './session-memory.ts';

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
  readonly inFlight: InFlight<RequestId, CallController>;
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
  /**
   * The session, at once if it is open here. Throws or rejects with `mcp_session_not_found` for an id that is unknown, ended, or
   * another principal's.
   */
  get(id: string, principal: string): LegacySession | Promise<LegacySession>;
  /** The name of the node that began a session which is not open here; undefined for any other id. */
  homeOf(id: string): string | undefined;
  /** Forgets a session whose connection is gone. */
  end(id: string): void;
  /** Ends a session for good: no node takes it up again. */
  delete(id: string): Promise<void>;
  /** Forgets no more idle sessions. */
  stop(): void;
}

interface SessionsDeps {
  readonly sealer: Sealer;
  /** The name of this process, if there may be others. */
  readonly node: string | undefined;
  readonly memory: Pick<SessionMemory, 'find' | 'end'>;
  /** A session came to life, by `initialize`, or by its id after a restart or from another node, with what it asked for there. */
  readonly onOpen: (session: LegacySession, state: SessionState | undefined) => void;
  /** A session is gone, or forgotten until it is used again. */
  readonly onEnd: (session: LegacySession) => void;
}

/** What the id of a session carries, sealed. */
interface Token extends Agreement {
  readonly node?: string;
}

interface Kept {
  readonly session: LegacySession;
  /** Since the idle ones were last forgotten. */
  isUsed: boolean;
}

const MAX_KEPT = 10_000;
/** A session is forgotten when nothing was heard of it for so long, or up to twice as long. Most clients leave without a word. */
const IDLE_MS = 5 * 60_000;

/**
 * The session id is a sealed token that carries all there is to know, so a session survives a restart and works on every node.
 * What is kept in memory is a cache, and the requests and streams of the moment.
 */
export function createLegacySessions(deps: SessionsDeps): LegacySessions {
  const { sealer, node, memory, onOpen, onEnd } = deps;
  /** By the ends of their ids, which are as good as the whole: to look hundreds of characters up takes longer than to compare them. */
  const kept = new Map<string, Kept>();
  const questionIds = createQuestionIds(node);
  const sweep = setInterval(forgetUnused, IDLE_MS).unref();

  function open(id: string, agreement: Agreement, state?: SessionState): LegacySession {
    if (kept.size >= MAX_KEPT) forgetIdle();
    const session = createSession(id, agreement, questionIds);
    session.logLevel = state?.logLevel;
    kept.set(endOf(id), { session, isUsed: true });
    onOpen(session, state);
    return session;
  }

  function find(id: string): Kept | undefined {
    const known = kept.get(endOf(id));
    return known?.session.id === id ? known : undefined;
  }

  /** Makes room. */
  function forgetIdle(): void {
    for (const { session } of kept.values()) {
      if (isIdle(session)) forget(session);
      if (kept.size < MAX_KEPT / 2) return;
    }
  }

  function forgetUnused(): void {
    for (const known of kept.values()) {
      const isBusy = !isIdle(known.session);
      if (known.isUsed || isBusy) known.isUsed = isBusy;
      else forget(known.session);
    }
  }

  /** An idle session comes back from its token when it is used again. */
  function forget(session: LegacySession): void {
    kept.delete(endOf(session.id));
    onEnd(session);
  }

  async function reopen(id: string, principal: string): Promise<LegacySession> {
    const token = sealer.open(id) as Token | undefined;
    if (token?.principal !== principal) throw unknown();
    const state = await memory.find(id);
    if (state === 'ended') throw unknown();
    // Another request of the session may have been faster.
    return find(id)?.session ?? open(id, token, state);
  }

  function end(id: string): void {
    const session = find(id)?.session;
    if (session === undefined) return;
    kept.delete(endOf(id));
    for (const request of session.inFlight.values()) request.abort();
    for (const stream of session.streams) stream.end();
    onEnd(session);
  }

  return {
    create: (agreement) => open(sealer.seal({ ...agreement, node, nonce: randomUUID() }), agreement),
    get(id, principal) {
      const known = find(id);
      if (known === undefined) return reopen(id, principal);
      if (known.session.principal !== principal) throw unknown();
      known.isUsed = true;
      return known.session;
    },
    homeOf: (id) => (find(id) !== undefined ? undefined : (sealer.open(id) as Token | undefined)?.node),
    end,
    async delete(id) {
      end(id);
      await memory.end(id);
    },
    stop: () => clearInterval(sweep),
  };
}

/** Nobody would notice now if it were forgotten. */
function isIdle({ inFlight, streams }: LegacySession): boolean {
  return inFlight.size() === 0 && streams.size === 0;
}

/** A sealed token ends with what proves that it is whole, which differs for each. */
function endOf(id: string): string {
  return id.slice(-22);
}

function unknown(): GatewayError {
  return new GatewayError('mcp_session_not_found', 'unknown session; initialize again');
}

/** Names for the questions that clients are asked, which say what node waits for the answer. */
function createQuestionIds(node = 'asbru'): () => string {
  let last = 0;
  return () => `${node}.${(last += 1)}`;
}

/** The name of the node that asked a question. */
export function askedBy(question: RequestId): string | undefined {
  return typeof question === 'string' ? question.slice(0, question.lastIndexOf('.')) : undefined;
}

function createSession(
  id: string,
  { principal, protocolVersion, capabilities, clientInfo }: Agreement,
  nextQuestion: () => string,
): LegacySession {
  const streams = new Set<ClientStream>();
  const asked = new Map<RequestId, PromiseWithResolvers<JsonObject>>();

  async function ask(
    { method, params }: InputRequest,
    send: (message: string) => void,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    const question = nextQuestion();
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
    inFlight: createInFlight(),
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
