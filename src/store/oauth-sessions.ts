import type { Selectable } from 'kysely';
import type { Executor } from './schema.ts';
import type { OAuthSessionTable } from './tables/sign-ins.ts';

/** A client that signed in, and on whose behalf. Times are epoch milliseconds. */
export interface OAuthSession {
  readonly id: string;
  readonly client_id: string;
  readonly client_name: string;
  readonly principal: string;
  readonly scopes: readonly string[];
  readonly created_at: number;
  readonly last_used_at: number;
  readonly expires_at: number;
}

/** The clients that are signed in to `/mcp`. */
export interface OAuthSessionStore {
  with(tx: Executor): OAuthSessionStore;
  insert(session: OAuthSession): Promise<void>;
  /** Those that are not over yet, the newest first. */
  list(): Promise<OAuthSession[]>;
  find(id: string): Promise<OAuthSession | undefined>;
  /** Notes a use, and that it lasts longer when `expires_at` is given. */
  touch(id: string, use: { readonly last_used_at: number; readonly expires_at?: number }): Promise<void>;
  /** False when there was none. */
  remove(id: string): Promise<boolean>;
  purge(now: number): Promise<void>;
}

/** Opens the table of sessions. */
export function createOAuthSessionStore(db: Executor): OAuthSessionStore {
  const live = () => db.selectFrom('oauth_sessions').selectAll().where('expires_at', '>', Date.now());
  return {
    with: (tx) => createOAuthSessionStore(tx),
    async insert(session) {
      const row = { ...session, scopes: session.scopes.join(' ') };
      await db
        .insertInto('oauth_sessions')
        .values(row)
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
    },
    list: async () => (await live().orderBy('created_at', 'desc').orderBy('id').execute()).map(fromRow),
    async find(id) {
      const row = await live().where('id', '=', id).executeTakeFirst();
      return row && fromRow(row);
    },
    async touch(id, use) {
      await db.updateTable('oauth_sessions').set(use).where('id', '=', id).execute();
    },
    async remove(id) {
      const { numDeletedRows } = await db.deleteFrom('oauth_sessions').where('id', '=', id).executeTakeFirst();
      return numDeletedRows > 0n;
    },
    async purge(now) {
      await db.deleteFrom('oauth_sessions').where('expires_at', '<=', now).execute();
    },
  };
}

function fromRow(row: Selectable<OAuthSessionTable>): OAuthSession {
  return Object.freeze({ ...row, scopes: row.scopes.split(' ').filter((scope) => scope !== '') });
}
