import type { SessionState, SessionStateStore } from '../store/mcp-session-states.ts';

/** What legacy sessions have asked for, kept for the node that takes one over. */
export interface SessionMemory {
  /** What a session asked for, `ended` if it has ended, undefined if nothing is known of it. */
  find(sessionId: string): Promise<SessionState | 'ended' | undefined>;
  save(sessionId: string, state: SessionState): Promise<void>;
  end(sessionId: string): Promise<void>;
  stop(): void;
}

interface MemoryDeps {
  readonly store: SessionStateStore;
  readonly onError: (error: unknown) => void;
}

const HOUR_MS = 3_600_000;
const KEPT_MS = 30 * 24 * HOUR_MS;

/** Without the database sessions go on: they only forget what they asked for when they change the node. */
export function createSessionMemory({ store, onError }: MemoryDeps): SessionMemory {
  const sweep = setInterval(() => void store.sweep(Date.now() - KEPT_MS).catch(onError), HOUR_MS).unref();
  const tell = (error: unknown): undefined => {
    onError(error);
  };
  return {
    find: (sessionId) => store.find(sessionId).catch(tell),
    save: (sessionId, state) => store.save(sessionId, state).catch(tell),
    end: (sessionId) => store.end(sessionId).catch(tell),
    stop: () => clearInterval(sweep),
  };
}
