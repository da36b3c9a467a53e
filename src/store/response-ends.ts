import { createHash } from 'node:crypto';
import type { Encryption } from '../lib/encryption.ts';
import type { Executor } from './schema.ts';

/** How the run of an agent ended whose answer somebody got as one response. */
export interface ResponseEnd {
  /** As its caller knows it. */
  readonly responseId: string;
  /** Whose it is. Nobody else continues it so. */
  readonly principal: string;
  /** What is to be known when it is continued. */
  readonly content: string;
  /** Epoch milliseconds. */
  readonly expires_at: number;
}

/** The ends of runs, for as long as somebody may continue them. */
export interface ResponseEndStore {
  /** Keeps it, and forgets what nobody continues any more. */
  save(end: ResponseEnd, now: number): Promise<void>;
  find(responseId: string, principal: string, now: number): Promise<string | undefined>;
}

/** Rows of response_ends in, contents out; they are encrypted on the way. */
export function createResponseEndStore(db: Executor, encryption: Encryption): ResponseEndStore {
  return {
    async save({ responseId, principal, content: text, expires_at }, now) {
      const id = idOf(responseId, principal);
      const content = encryption.encrypt(text, placeOf(id));
      await db
        .insertInto('response_ends')
        .values({ id, content, expires_at })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ content, expires_at }))
        .execute();
      await db.deleteFrom('response_ends').where('expires_at', '<=', now).execute();
    },

    async find(responseId, principal, now) {
      const id = idOf(responseId, principal);
      const query = db.selectFrom('response_ends').select('content').where('id', '=', id);
      const row = await query.where('expires_at', '>', now).executeTakeFirst();
      return row && encryption.decrypt(row.content, placeOf(id));
    },
  };
}

/** Of both, so that no two callers share a row. */
function idOf(responseId: string, principal: string): string {
  return createHash('sha256')
    .update(JSON.stringify([principal, responseId]))
    .digest('hex');
}

function placeOf(id: string): `response_ends:content:${string}` {
  return `response_ends:content:${id}`;
}
