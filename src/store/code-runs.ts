import type { Encryption } from '../lib/encryption.ts';
import type { Executor } from './schema.ts';

/** A run of code that waits. */
export interface StoredCodeRun {
  readonly id: string;
  readonly principal: string;
  /** All that is needed to go on. */
  readonly state: string;
  readonly expires_at: number;
}

/** Runs of code that wait until calls of theirs are approved. */
export interface CodeRunStore {
  with(tx: Executor): CodeRunStore;
  /** The state of a run of this caller; undefined when there is none, or its time is over. */
  find(id: string, principal: string, now: number): Promise<string | undefined>;
  count(principal: string, now: number): Promise<number>;
  insert(run: StoredCodeRun): Promise<void>;
  /** Takes it out, to go on; false when somebody else was faster. */
  take(id: string): Promise<boolean>;
  /** Forgets what nobody came back for. */
  sweep(now: number): Promise<void>;
}

/** Rows of code_runs in, states out; they are encrypted on the way. */
export function createCodeRunStore(db: Executor, encryption: Encryption): CodeRunStore {
  return {
    with: (tx) => createCodeRunStore(tx, encryption),

    async find(id, principal, now) {
      const query = db.selectFrom('code_runs').select('state').where('id', '=', id).where('principal', '=', principal);
      const row = await query.where('expires_at', '>', now).executeTakeFirst();
      return row && encryption.decrypt(row.state, `code_runs:state:${id}`);
    },

    async count(principal, now) {
      const query = db.selectFrom('code_runs').select(({ fn }) => fn.countAll().as('total'));
      const mine = query.where('principal', '=', principal).where('expires_at', '>', now);
      return Number((await mine.executeTakeFirstOrThrow()).total);
    },

    async insert(run) {
      const state = encryption.encrypt(run.state, `code_runs:state:${run.id}`);
      await db
        .insertInto('code_runs')
        .values({ ...run, state })
        .execute();
    },

    async take(id) {
      const { numDeletedRows } = await db.deleteFrom('code_runs').where('id', '=', id).executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },

    async sweep(now) {
      await db.deleteFrom('code_runs').where('expires_at', '<=', now).execute();
    },
  };
}
