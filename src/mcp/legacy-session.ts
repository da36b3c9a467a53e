import { randomUUID } from 'node:crypto';
import { GatewayError } from '../lib/errors.ts';
import type { RequestId } from '../lib/json-rpc.ts';
import type { Sealer } from '../lib/seal.ts';

/** An open GET stream of a client. */
export interface ClientStream {
  send(message: string): void;
  end(): void;
}

/** What a client of 2024-11-05 to 2025-11-25 and the gateway agreed on in `initialize`. */
export interface LegacySession {
  readonly principal: string;
  readonly protocolVersion: string;
  /** Calls that the client may cancel by their request id. */
  readonly inFlight: Map<RequestId, AbortController>;
  /** Open GET streams. */
  readonly streams: Set<ClientStream>;
}

export interface LegacySessions {
  /** A new session; gives its id. */
  create(principal: string, protocolVersion: string): string;
  /** Throws `mcp_session_not_found` for an id that is unknown, ended, or another principal's. */
  get(id: string, principal: string): LegacySession;
  end(id: string): void;
  /** Sends a message to every open stream of every session. */
  broadcast(message: string): void;
}

interface Sealed {
  readonly p: string;
  readonly v: string;
  readonly n: string;
}

const MAX_KEPT = 10_000;

/**
 * The session id is a sealed token that carries all there is to know, so a session survives a restart and works on every node.
 * What is kept in memory is a cache, and the calls and streams of the moment.
 */
export function createLegacySessions(sealer: Sealer): LegacySessions {
  const kept = new Map<string, LegacySession>();
  const ended = new Set<string>();

  function keep(id: string, session: LegacySession): LegacySession {
    if (kept.size >= MAX_KEPT) forgetIdle();
    kept.set(id, session);
    return session;
  }

  /** Makes room. An idle session comes back from its token when it is used again. */
  function forgetIdle(): void {
    for (const [id, { inFlight, streams }] of kept) {
      if (inFlight.size === 0 && streams.size === 0) kept.delete(id);
      if (kept.size < MAX_KEPT / 2) return;
    }
  }

  function open(id: string): LegacySession | undefined {
    const sealed = ended.has(id) ? undefined : (sealer.open(id) as Sealed | undefined);
    return sealed === undefined ? undefined : keep(id, createSession(sealed));
  }

  return {
    create(principal, protocolVersion) {
      const sealed: Sealed = { p: principal, v: protocolVersion, n: randomUUID() };
      const id = sealer.seal(sealed);
      keep(id, createSession(sealed));
      return id;
    },
    get(id, principal) {
      const session = kept.get(id) ?? open(id);
      if (session?.principal !== principal)
        throw new GatewayError('mcp_session_not_found', 'unknown session; initialize again');
      return session;
    },
    end(id) {
      for (const stream of kept.get(id)?.streams ?? []) stream.end();
      kept.delete(id);
      if (ended.size >= MAX_KEPT) ended.delete(ended.values().next().value ?? '');
      ended.add(id);
    },
    broadcast(message) {
      for (const { streams } of kept.values()) for (const stream of streams) stream.send(message);
    },
  };
}

function createSession({ p, v }: Sealed): LegacySession {
  return { principal: p, protocolVersion: v, inFlight: new Map(), streams: new Set() };
}
