import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Role } from '../contract/account.ts';
import { GatewayError } from '../lib/errors.ts';
import { uniqueViolation } from './dialect.ts';
import { removeIdentity } from './identities.ts';
import type { Executor } from './schema.ts';
import type { UserTable } from './tables/sign-ins.ts';

/** An account of a person. Never shown as it is: it holds the hash of the password. */
export interface User {
  readonly id: string;
  readonly username: string;
  /** Undefined for whoever signs in at the identity provider. */
  readonly password_hash: string | undefined;
  readonly role: Role;
  readonly origin: 'local' | 'sso';
  /** Issuer and subject at the identity provider. */
  readonly sso_subject: string | undefined;
  readonly is_active: boolean;
  readonly created_at: number;
  readonly updated_at: number;
  readonly last_login_at: number | undefined;
}

/** The accounts. Names are compared without regard to case. */
export interface UserStore {
  /** The same store inside a transaction. */
  with(tx: Executor): UserStore;
  insert(user: User): Promise<void>;
  /** Writes everything but the time of the last sign-in. */
  update(user: User): Promise<void>;
  /** With its sessions. False when there was none. */
  remove(id: string): Promise<boolean>;
  find(id: string): Promise<User | undefined>;
  findByName(username: string): Promise<User | undefined>;
  findBySubject(subject: string): Promise<User | undefined>;
  /** A page, oldest first, and how many match in all. */
  list(page: { search?: string; limit?: number; offset?: number }): Promise<{ users: User[]; total_count: number }>;
  countAdmins(which: { isActive?: true }): Promise<number>;
  /** Whether anybody could sign in with a password. */
  hasPasswords(): Promise<boolean>;
  noteLogin(id: string, when: number): Promise<void>;
}

/** How a name is looked up. What is looked up may be anything that somebody typed, also what PostgreSQL cannot store. */
export function usernameKey(username: string): string {
  return username.toWellFormed().replaceAll('\0', '\uFFFD').normalize('NFKC').trim().toLowerCase();
}

/** Rows of users. */
export function createUserStore(db: Executor): UserStore {
  const users = () => db.selectFrom('users').selectAll();
  const first = async (query: ReturnType<typeof users>): Promise<User | undefined> => {
    const row = await query.executeTakeFirst();
    return row === undefined ? undefined : toUser(row);
  };
  return {
    with: (tx) => createUserStore(tx),

    async insert(user) {
      await db.insertInto('users').values(toRow(user)).execute().catch(refuseConflict);
    },

    async update(user) {
      const { id, last_login_at: _, ...row } = toRow(user);
      await db.updateTable('users').set(row).where('id', '=', id).execute().catch(refuseConflict);
    },

    async remove(id) {
      await removeIdentity(db, 'user', id);
      const result = await db.deleteFrom('users').where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },

    find: (id) => first(users().where('id', '=', id)),
    findByName: (username) => first(users().where('username_key', '=', usernameKey(username))),
    findBySubject: (subject) => first(users().where('sso_subject', '=', subject)),

    async list({ search = '', limit, offset = 0 }) {
      const pattern = `%${usernameKey(search).replace(/[!%_]/g, '!$&')}%`;
      const found = db.selectFrom('users').where(sql<boolean>`username_key like ${pattern} escape '!'`);
      const { count } = await found.select(db.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
      const page = found.selectAll().orderBy('created_at').orderBy('id');
      const rows = await page
        .limit(limit ?? count)
        .offset(offset)
        .execute();
      return { users: rows.map(toUser), total_count: count };
    },

    async countAdmins({ isActive }) {
      let query = db.selectFrom('users').select(db.fn.countAll<number>().as('count')).where('role', '=', 'admin');
      if (isActive === true) query = query.where('is_active', '=', 1);
      return (await query.executeTakeFirstOrThrow()).count;
    },

    async hasPasswords() {
      const query = db.selectFrom('users').select('id').where('password_hash', 'is not', null).limit(1);
      return (await query.executeTakeFirst()) !== undefined;
    },

    async noteLogin(id, when) {
      await db.updateTable('users').set({ last_login_at: when }).where('id', '=', id).execute();
    },
  };
}

function refuseConflict(error: unknown): never {
  if (uniqueViolation(error) === undefined) throw error;
  throw new GatewayError('conflict', 'An account with this name already exists', { details: { field: 'username' } });
}

function toRow(user: User): Selectable<UserTable> {
  return {
    ...user,
    username_key: usernameKey(user.username),
    password_hash: user.password_hash ?? null,
    sso_subject: user.sso_subject ?? null,
    is_active: user.is_active ? 1 : 0,
    last_login_at: user.last_login_at ?? null,
  };
}

function toUser(stored: Selectable<UserTable>): User {
  const { username_key: _, ...row } = stored;
  return {
    ...row,
    role: row.role as Role, // written by toRow
    origin: row.origin as User['origin'],
    password_hash: row.password_hash ?? undefined,
    sso_subject: row.sso_subject ?? undefined,
    is_active: row.is_active === 1,
    last_login_at: row.last_login_at ?? undefined,
  };
}
