import { createHash } from 'node:crypto';
import type { Executor } from './schema.ts';

/** What a client has asked for in its session. */
export interface SessionState {
  readonly logLevel: string | undefined;
  /** The addresses of resources that it wants to hear of. */
  readonly resources: readonly string[];
}

/** What sessions have asked for, for the node that takes one over; and which have ended, so that none takes them. */
export interface SessionStateStore {
  /** What a session asked for; `ended` if it has ended; undefined if it never asked for anything. */
  find(sessionId: string): Promise<SessionState | 'ended' | undefined>;
  save(sessionId: string, state: SessionState): Promise<void>;
  end(sessionId: string): Promise<void>;
  /** Forgets what nobody has touched since then (epoch milliseconds). */
  sweep(before: number): Promise<void>;
}

/** Rows of `mcp_session_states` in, entities out. An id of a session opens it, so only a digest is stored. */
export function createSessionStateStore(db: Executor): SessionStateStore {
  async function put(sessionId: string, state: SessionState, isEnded: boolean): Promise<void> {
    const row = {
      log_level: state.logLevel ?? null,
      resources: JSON.stringify(state.resources),
      is_ended: Number(isEnded),
      updated_at: Date.now(),
    };
    await db
      .insertInto('mcp_session_states')
      .values({ id: digest(sessionId), ...row })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute();
  }

  return {
    async find(sessionId) {
      const row = await db
        .selectFrom('mcp_session_states')
        .selectAll()
        .where('id', '=', digest(sessionId))
        .executeTakeFirst();
      if (row === undefined) return undefined;
      if (row.is_ended === 1) return 'ended';
      return { logLevel: row.log_level ?? undefined, resources: JSON.parse(row.resources) as string[] };
    },
    save: (sessionId, state) => put(sessionId, state, false),
    end: (sessionId) => put(sessionId, { logLevel: undefined, resources: [] }, true),
    async sweep(before) {
      await db.deleteFrom('mcp_session_states').where('updated_at', '<', before).execute();
    },
  };
}

function digest(sessionId: string): string {
  return createHash('sha256').update(sessionId).digest('base64url');
}
