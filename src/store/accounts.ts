import { createHash, randomInt } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import type { ApiKeyCreate, ApiKeyScope, ApiKeyView } from '../contract/api-key.ts';
import { GatewayError } from '../lib/errors.ts';
import { uniqueViolation } from './dialect.ts';
import { apiKeyIdentity, removeIdentity } from './identities.ts';
import type { Executor } from './schema.ts';
import type { ApiKeyTable } from './tables/sign-ins.ts';

/** A new API key. A `key` from the environment is used as it is, else one is made. */
export interface NewApiKey extends ApiKeyCreate {
  readonly key?: string;
  readonly created_by_user_id?: string;
}

/** What a request is checked against. */
export interface ActiveApiKey {
  readonly id: number;
  readonly key_hash: string;
  readonly name: string;
  readonly scopes: readonly ApiKeyScope[];
  /** Epoch milliseconds; undefined: never. */
  readonly expires_at: number | undefined;
}

/** API keys of the management API. The value of a key is shown once and kept only as a hash. */
export interface AccountStore {
  /** The same store inside a transaction. */
  with(tx: Executor): AccountStore;
  create(input: NewApiKey): Promise<{ apiKey: ApiKeyView; key: string }>;
  /** A page, newest last, and how many there are in all. */
  list(page: {
    search?: string;
    limit?: number;
    offset?: number;
  }): Promise<{ api_keys: ApiKeyView[]; total_count: number }>;
  find(id: number): Promise<ApiKeyView | undefined>;
  /** False when there was none. */
  remove(id: number): Promise<boolean>;
  count(): Promise<number>;
  /** The keys that have not expired. */
  loadActive(): Promise<ActiveApiKey[]>;
  /** Notes that a key was used. */
  touch(id: number, when: number): Promise<void>;
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const DEFAULT_SCOPES: readonly ApiKeyScope[] = ['read', 'write'];

/** How a key is kept and looked up: SHA-256 in hex. Keys are random, so a slow hash would add nothing. */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

function randomKey(): string {
  return `bfst-${Array.from({ length: 43 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')}`;
}

/** Rows of api_keys in, views out. */
export function createAccountStore(db: Executor): AccountStore {
  return {
    with: (tx) => createAccountStore(tx),

    async create(input) {
      const key = input.key ?? randomKey();
      const query = db.insertInto('api_keys').values(toRow(input, key)).returningAll();
      const row = await query.executeTakeFirstOrThrow().catch((error: unknown) => refuseConflict(error, input.name));
      return { apiKey: toView(row), key };
    },

    async list({ search = '', limit, offset = 0 }) {
      const pattern = `%${search.toLowerCase().replace(/[!%_]/g, '!$&')}%`;
      const found = db.selectFrom('api_keys').where(sql<boolean>`lower(name) like ${pattern} escape '!'`);
      const { count } = await found.select(db.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
      // SQLite knows no offset without a limit.
      const page = found
        .selectAll()
        .orderBy('id')
        .limit(limit ?? count)
        .offset(offset);
      const rows = await page.execute();
      return { api_keys: rows.map(toView), total_count: count };
    },

    async find(id) {
      const row = await db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : toView(row);
    },

    async remove(id) {
      await removeIdentity(db, 'user', apiKeyIdentity(id));
      const result = await db.deleteFrom('api_keys').where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },

    async count() {
      const query = db.selectFrom('api_keys').select(db.fn.countAll<number>().as('count'));
      return (await query.executeTakeFirstOrThrow()).count;
    },

    async loadActive() {
      const rows = await db
        .selectFrom('api_keys')
        .select(['id', 'key_hash', 'name', 'scopes', 'expires_at'])
        .where((row) => row.or([row('expires_at', 'is', null), row('expires_at', '>', Date.now())]))
        .orderBy('id')
        .execute();
      return rows.map((row) => ({
        ...row,
        scopes: JSON.parse(row.scopes) as ApiKeyScope[],
        expires_at: row.expires_at ?? undefined,
      }));
    },

    async touch(id, when) {
      await db.updateTable('api_keys').set({ last_used_at: when }).where('id', '=', id).execute();
    },
  };
}

function refuseConflict(error: unknown, name: string): never {
  const column = uniqueViolation(error);
  if (column === 'name') {
    throw new GatewayError('conflict', `An API key with the name "${name}" already exists`, {
      details: { field: 'name' },
    });
  }
  if (column === 'key_hash') {
    throw new GatewayError('conflict', 'An API key with this value already exists', { details: { field: 'key' } });
  }
  throw error;
}

function toRow(input: NewApiKey, key: string): Omit<Selectable<ApiKeyTable>, 'id'> {
  const now = Date.now();
  return {
    name: input.name,
    key_hash: hashApiKey(key),
    // Never more than a third: a key from the environment may be short.
    key_prefix: `${key.slice(0, Math.min(13, Math.floor(key.length / 3)))}...`,
    description: input.description ?? null,
    scopes: JSON.stringify(input.scopes ?? DEFAULT_SCOPES),
    created_by_user_id: input.created_by_user_id ?? null,
    expires_at: typeof input.expires_at === 'string' ? Date.parse(input.expires_at) : null,
    last_used_at: null,
    created_at: now,
    updated_at: now,
  };
}

function toView(stored: Selectable<ApiKeyTable>): ApiKeyView {
  const { key_hash: _, ...row } = stored;
  const time = (ms: number) => new Date(ms).toISOString();
  return {
    ...row,
    scopes: JSON.parse(row.scopes) as ApiKeyScope[],
    expires_at: row.expires_at === null ? null : time(row.expires_at),
    last_used_at: row.last_used_at === null ? null : time(row.last_used_at),
    created_at: time(row.created_at),
    updated_at: time(row.updated_at),
  };
}
