import { hash } from 'node:crypto';
import type { Executor } from './schema.ts';

/** A browser in which somebody signs in. */
export interface NewWebSession {
  readonly token: string;
  readonly userId: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly ip: string | undefined;
  readonly userAgent: string | undefined;
}

/** The sessions of the dashboard. A token is random and kept only as a hash, so a copy of the database opens nothing. */
export interface SessionStore {
  /** The same store inside a transaction. */
  with(tx: Executor): SessionStore;
  insert(session: NewWebSession): Promise<void>;
  /** Whose session it is; undefined for a token that is unknown or has expired. */
  findUser(token: string, now: number): Promise<string | undefined>;
  remove(token: string): Promise<void>;
  /** Ends all sessions of an account. */
  removeOfUser(userId: string): Promise<void>;
  /** Ends all sessions of accounts that sign in with a password. */
  removeOfLocalUsers(): Promise<void>;
  removeExpired(now: number): Promise<void>;
}

const MAX_USER_AGENT = 256;

/** Rows of web_sessions. */
export function createSessionStore(db: Executor): SessionStore {
  const remove = () => db.deleteFrom('web_sessions');
  return {
    with: (tx) => createSessionStore(tx),

    async insert({ token, userId, createdAt, expiresAt, ip, userAgent }) {
      const row = {
        token_hash: hash('sha256', token),
        user_id: userId,
        created_at: createdAt,
        expires_at: expiresAt,
        ip: ip ?? null,
        user_agent: userAgent?.slice(0, MAX_USER_AGENT) ?? null,
      };
      await db.insertInto('web_sessions').values(row).execute();
    },

    async findUser(token, now) {
      const row = await db
        .selectFrom('web_sessions')
        .select('user_id')
        .where('token_hash', '=', hash('sha256', token))
        .where('expires_at', '>', now)
        .executeTakeFirst();
      return row?.user_id;
    },

    async remove(token) {
      await remove().where('token_hash', '=', hash('sha256', token)).execute();
    },

    async removeOfUser(userId) {
      await remove().where('user_id', '=', userId).execute();
    },

    async removeOfLocalUsers() {
      const local = db.selectFrom('users').select('id').where('origin', '=', 'local');
      await remove().where('user_id', 'in', local).execute();
    },

    async removeExpired(now) {
      await remove().where('expires_at', '<=', now).execute();
    },
  };
}
