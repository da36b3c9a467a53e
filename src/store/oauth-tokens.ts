import type { Encryption } from '../lib/encryption.ts';
import { freeze } from '../lib/freeze.ts';
import type { Secret } from '../lib/secret.ts';
import type { DatabaseDialect } from './dialect.ts';
import { registrationColumn, type RegisteredClient } from './oauth-registrations.ts';
import type { Executor } from './schema.ts';
import type { OAuthTokenTable } from './tables/credentials.ts';
import { secretColumns } from './secret-columns.ts';

/** Whose token it is: all callers', the administrator's (to list a per-user server), or one identity's. */
export type TokenMode = 'shared' | 'admin' | 'user' | 'vk' | 'session';

/** `orphaned`: the identity may not use the server any more, but may again. */
export type TokenStatus = 'active' | 'needs_reauth' | 'orphaned' | 'expired';

/** A credential for one server, as it is stored. Frozen: a change makes a new one. */
export interface OAuthToken {
  readonly id: string;
  readonly config_id: string;
  /** The MCP client. */
  readonly client_id: string;
  readonly mode: TokenMode;
  /** User id, virtual key id or session id; empty for the shared and the administrator's. */
  readonly identity: string;
  /** Tells two accounts of one identity apart; empty for the first. */
  readonly label: string;
  /** Who gave it: it is renewed nowhere else. */
  readonly issuer: string;
  readonly resource: string | undefined;
  readonly access: Secret;
  /** Empty when none was given. */
  readonly refresh: Secret;
  /** The client that it was given to; undefined when it is that of the configuration, whatever becomes of it. */
  readonly registration: RegisteredClient | undefined;
  /** Epoch milliseconds; undefined when not known. */
  readonly expires_at: number | undefined;
  readonly scopes: readonly string[];
  /** What calls lacked: asked for at the next sign-in. */
  readonly wanted_scopes: readonly string[];
  readonly status: TokenStatus;
  readonly status_reason: string | undefined;
  readonly last_refreshed_at: number | undefined;
  /** When its owner signed in. */
  readonly created_at: number;
  readonly updated_at: number;
}

/** The tokens. */
export interface OAuthTokenStore {
  list(): Promise<OAuthToken[]>;
  find(id: string): Promise<OAuthToken | undefined>;
  /** The same, and nobody else may lock or change it before the transaction ends. */
  lock(id: string, dialect: Pick<DatabaseDialect, 'type'>): Promise<OAuthToken | undefined>;
  /** Inserts, or replaces the token of the same config, client, mode, identity and label; gives the stored one. */
  save(token: OAuthToken): Promise<OAuthToken>;
  update(token: OAuthToken): Promise<void>;
  setStatus(ids: readonly string[], status: TokenStatus, reason: string | undefined): Promise<void>;
  /** The configuration gets another registration: the tokens that say nothing of theirs were given to this one. */
  keepRegistration(config_id: string, registration: RegisteredClient): Promise<void>;
  /** Of this version of the token; false when it is another one by now. */
  demandReauth(token: OAuthToken, reason: string): Promise<boolean>;
  saveWanted(id: string, scopes: readonly string[]): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
  /** Removes what a holder has, with the sign-ins under way: none may bring it back. */
  removeOfHolder(client_id: string, holder: Pick<OAuthToken, 'mode' | 'identity' | 'label'>): Promise<void>;
  /** With the sign-ins under way: none may bring a token back. False when there was no token. */
  removeOfConfig(config_id: string): Promise<boolean>;
}

/** Rows of oauth_tokens in, entities out; the tokens themselves are encrypted on the way. */
export function createOAuthTokenStore(db: Executor, encryption: Encryption): OAuthTokenStore {
  const read = (row: OAuthTokenTable | undefined) => (row === undefined ? undefined : fromRow(row, encryption));
  return {
    async list() {
      const rows = await db.selectFrom('oauth_tokens').selectAll().orderBy('created_at').orderBy('id').execute();
      return rows.map((row) => fromRow(row, encryption));
    },

    async find(id) {
      return read(await db.selectFrom('oauth_tokens').selectAll().where('id', '=', id).executeTakeFirst());
    },

    async lock(id, { type }) {
      const query = db.selectFrom('oauth_tokens').selectAll().where('id', '=', id);
      return read(await (type === 'postgres' ? query.forUpdate() : query).executeTakeFirst());
    },

    async save(token) {
      const key = await db
        .selectFrom('oauth_tokens')
        .select('id')
        .where('config_id', '=', token.config_id)
        .where('client_id', '=', token.client_id)
        .where('mode', '=', token.mode)
        .where('identity', '=', token.identity)
        .where('label', '=', token.label)
        .executeTakeFirst();
      const saved = freeze({ ...token, ...key });
      const row = toRow(saved, encryption);
      if (key === undefined) await db.insertInto('oauth_tokens').values(row).execute();
      else await db.updateTable('oauth_tokens').set(row).where('id', '=', saved.id).execute();
      return saved;
    },

    async update(token) {
      await db.updateTable('oauth_tokens').set(toRow(token, encryption)).where('id', '=', token.id).execute();
    },

    async setStatus(ids, status, reason) {
      if (ids.length === 0) return;
      const fields = { status, status_reason: reason ?? null, updated_at: Date.now() };
      await db
        .updateTable('oauth_tokens')
        .set(fields)
        .where('id', 'in', [...ids])
        .execute();
    },

    async demandReauth({ id, updated_at }, reason) {
      const fields = {
        status: 'needs_reauth',
        status_reason: reason,
        updated_at: Math.max(Date.now(), updated_at + 1),
      };
      const query = db
        .updateTable('oauth_tokens')
        .set(fields)
        .where('id', '=', id)
        .where('updated_at', '=', updated_at);
      return (await query.executeTakeFirst()).numUpdatedRows === 1n;
    },

    async keepRegistration(config_id, registration) {
      const unmarked = db.selectFrom('oauth_tokens').select('id').where('config_id', '=', config_id);
      for (const { id } of await unmarked.where('registration', 'is', null).execute()) {
        const sealed = registrationColumn(encryption, 'oauth_tokens', id).seal(registration);
        await db
          .updateTable('oauth_tokens')
          .set({ registration: sealed })
          .where('id', '=', id)
          .where('registration', 'is', null)
          .execute();
      }
    },

    async saveWanted(id, scopes) {
      const fields = { wanted_scopes: JSON.stringify(scopes), updated_at: Date.now() };
      await db.updateTable('oauth_tokens').set(fields).where('id', '=', id).execute();
    },

    async removeOfConfig(config_id) {
      // First, as below.
      await db.deleteFrom('oauth_flows').where('config_id', '=', config_id).execute();
      const result = await db.deleteFrom('oauth_tokens').where('config_id', '=', config_id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },

    async removeOfHolder(client_id, { mode, identity, label }) {
      // The sign-ins first: one that ends right now ends before this, or finds itself gone.
      for (const table of ['oauth_flows', 'oauth_tokens'] as const)
        await db
          .deleteFrom(table)
          .where('client_id', '=', client_id)
          .where('mode', '=', mode)
          .where('identity', '=', identity)
          .where('label', '=', label)
          .execute();
    },

    async remove(ids) {
      if (ids.length === 0) return;
      await db
        .deleteFrom('oauth_tokens')
        .where('id', 'in', [...ids])
        .execute();
    },
  };
}

function toRow(token: OAuthToken, encryption: Encryption): OAuthTokenTable {
  const { seal } = secretColumns(encryption, 'oauth_tokens', token.id);
  return {
    ...token,
    resource: token.resource ?? null,
    access: seal(token.access, 'access'),
    refresh: seal(token.refresh, 'refresh'),
    registration: registrationColumn(encryption, 'oauth_tokens', token.id).seal(token.registration),
    expires_at: token.expires_at ?? null,
    scopes: JSON.stringify(token.scopes),
    wanted_scopes: JSON.stringify(token.wanted_scopes),
    status_reason: token.status_reason ?? null,
    last_refreshed_at: token.last_refreshed_at ?? null,
  };
}

function fromRow(row: OAuthTokenTable, encryption: Encryption): OAuthToken {
  const { open } = secretColumns(encryption, 'oauth_tokens', row.id);
  return freeze({
    ...row,
    mode: row.mode as TokenMode,
    resource: row.resource ?? undefined,
    access: open(row.access, 'access'),
    refresh: open(row.refresh, 'refresh'),
    registration: registrationColumn(encryption, 'oauth_tokens', row.id).open(row.registration),
    expires_at: row.expires_at ?? undefined,
    scopes: JSON.parse(row.scopes) as string[],
    wanted_scopes: JSON.parse(row.wanted_scopes) as string[],
    status: row.status as TokenStatus,
    status_reason: row.status_reason ?? undefined,
    last_refreshed_at: row.last_refreshed_at ?? undefined,
  });
}
