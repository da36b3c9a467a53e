import type { Insertable } from 'kysely';
import type { OAuthConfigStatus, OAuthTraceStep, TokenAuthMethod } from '../contract/oauth.ts';
import type { Encryption } from '../lib/encryption.ts';
import { freeze } from '../lib/freeze.ts';
import type { Secret } from '../lib/secret.ts';
import type { Executor } from './schema.ts';
import type { OAuthConfigTable } from './tables/credentials.ts';
import { secretColumns } from './secret-columns.ts';

/** What is known of an authorization server. */
export interface OAuthServer {
  /** What its credentials are kept under; the origin of the token endpoint where no metadata says it. */
  readonly issuer: string;
  /** False when the issuer is only a guess, so that an `iss` in a response cannot be compared with it. */
  readonly isVerified: boolean;
  /** Undefined where only machines sign in. */
  readonly authorization_endpoint: string | undefined;
  readonly token_endpoint: string;
  readonly registration_endpoint: string | undefined;
  readonly scopes_supported: readonly string[];
  /** Undefined when it does not say. */
  readonly token_endpoint_auth_methods_supported: readonly string[] | undefined;
  readonly client_id_metadata_document_supported: boolean;
  readonly authorization_response_iss_parameter_supported: boolean;
}

/** How the gateway signs in to one server, as it is stored. Frozen: a change makes a new one. */
export interface OAuthConfig {
  readonly id: string;
  /** Undefined while the client is not registered yet. */
  readonly mcp_client_id: string | undefined;
  /** The client that waits for the sign-in, as the one who registers it wrote it down. */
  readonly pending_client: string | undefined;
  readonly grant_type: 'authorization_code' | 'client_credentials';
  /** The authorization server that `client_id` belongs to: it is never shown to another. */
  readonly issuer: string | undefined;
  /** As the operator gave them. */
  readonly authorize_url: string | undefined;
  readonly token_url: string | undefined;
  readonly registration_url: string | undefined;
  /** As it was found at the latest sign-in. */
  readonly server: OAuthServer | undefined;
  readonly client_id: string | undefined;
  readonly client_secret: Secret;
  readonly registration: 'given' | 'cimd' | 'dynamic' | undefined;
  /** The redirect URI that a dynamic registration is good for; undefined when it is good for nothing any more. */
  readonly registered_redirect_uri: string | undefined;
  /** The scopes that it may ask for; undefined when it did not name any. */
  readonly registered_scopes: readonly string[] | undefined;
  readonly client_secret_expires_at: number | undefined;
  readonly token_endpoint_auth_method: TokenAuthMethod | undefined;
  readonly private_key: Secret;
  /** As the operator gave them; empty where the server is asked. */
  readonly scopes: readonly string[];
  readonly resource: string | undefined;
  readonly status: OAuthConfigStatus;
  readonly status_reason: string | undefined;
  readonly created_at: number;
  readonly updated_at: number;
  /** End of the time to sign in and to complete; undefined when nothing is waited for. */
  readonly expires_at: number | undefined;
}

/** The OAuth configurations. */
export interface OAuthConfigStore {
  list(): Promise<OAuthConfig[]>;
  find(id: string): Promise<OAuthConfig | undefined>;
  insert(config: OAuthConfig): Promise<void>;
  /** Replaces these fields; what else somebody has changed meanwhile stays. */
  update(config: OAuthConfig, fields: readonly (keyof OAuthConfig)[]): Promise<void>;
  setStatus(id: string, status: OAuthConfigStatus, reason: string | undefined): Promise<void>;
  /** The authorization server does not know this client any more: the next sign-in registers anew, if that is how it came to be. */
  forgetRegistration(id: string, client_id: string | undefined): Promise<void>;
  saveTrace(id: string, trace: readonly OAuthTraceStep[]): Promise<void>;
  loadTrace(id: string): Promise<OAuthTraceStep[]>;
  /** Pending ones whose time is over become `expired`; gives their ids. */
  expire(now: number): Promise<string[]>;
  /** Removes those that belong to no client and ended before `before`, with their tokens; gives their ids. */
  removeAbandoned(before: number): Promise<string[]>;
}

/** Rows of oauth_configs in, entities out; secrets are encrypted on the way. */
export function createOAuthConfigStore(db: Executor, encryption: Encryption): OAuthConfigStore {
  return {
    async list() {
      const rows = await db.selectFrom('oauth_configs').selectAll().orderBy('created_at').execute();
      return rows.map((row) => fromRow(row, encryption));
    },

    async find(id) {
      const row = await db.selectFrom('oauth_configs').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : fromRow(row, encryption);
    },

    async insert(config) {
      await db
        .insertInto('oauth_configs')
        .values({ ...toRow(config, encryption), trace: null })
        .execute();
    },

    async update(config, fields) {
      const row = toRow(config, encryption);
      const changed = Object.fromEntries(fields.map((field) => [field, row[field]]));
      await db.updateTable('oauth_configs').set(changed).where('id', '=', config.id).execute();
    },

    async setStatus(id, status, reason) {
      const fields = { status, status_reason: reason ?? null, updated_at: Date.now() };
      await db.updateTable('oauth_configs').set(fields).where('id', '=', id).execute();
    },

    async forgetRegistration(id, client_id = '') {
      await db
        .updateTable('oauth_configs')
        .set({ registered_redirect_uri: null, updated_at: Date.now() })
        .where('id', '=', id)
        .where('client_id', '=', client_id)
        .where('registration', '=', 'dynamic')
        .execute();
    },

    async saveTrace(id, trace) {
      await db
        .updateTable('oauth_configs')
        .set({ trace: JSON.stringify(trace) })
        .where('id', '=', id)
        .execute();
    },

    async loadTrace(id) {
      const row = await db.selectFrom('oauth_configs').select('trace').where('id', '=', id).executeTakeFirst();
      return JSON.parse(row?.trace ?? '[]') as OAuthTraceStep[];
    },

    async expire(now) {
      const rows = await db
        .updateTable('oauth_configs')
        .set({ status: 'expired', updated_at: now })
        .where('status', '=', 'pending')
        .where('expires_at', '<=', now)
        .returning('id')
        .execute();
      return rows.map(({ id }) => id);
    },

    async removeAbandoned(before) {
      const rows = await db
        .deleteFrom('oauth_configs')
        .where('mcp_client_id', 'is', null)
        .where('expires_at', '<=', before)
        .returning('id')
        .execute();
      const ids = rows.map(({ id }) => id);
      if (ids.length > 0) await db.deleteFrom('oauth_tokens').where('config_id', 'in', ids).execute();
      return ids;
    },
  };
}

function toRow(config: OAuthConfig, encryption: Encryption): Omit<Insertable<OAuthConfigTable>, 'trace'> {
  const { seal } = secretColumns(encryption, 'oauth_configs', config.id);
  const pending = config.pending_client ?? '';
  return {
    id: config.id,
    mcp_client_id: config.mcp_client_id ?? null,
    // As a whole, whatever it looks like: a text that begins with "env." is no reference here.
    pending_client: pending === '' ? '' : encryption.encrypt(pending, `oauth_configs:pending_client:${config.id}`),
    grant_type: config.grant_type,
    issuer: config.issuer ?? null,
    authorize_url: config.authorize_url ?? null,
    token_url: config.token_url ?? null,
    registration_url: config.registration_url ?? null,
    server: config.server === undefined ? null : JSON.stringify(config.server),
    client_id: config.client_id ?? null,
    client_secret: seal(config.client_secret, 'client_secret'),
    registration: config.registration ?? null,
    registered_redirect_uri: config.registered_redirect_uri ?? null,
    registered_scopes: config.registered_scopes === undefined ? null : JSON.stringify(config.registered_scopes),
    client_secret_expires_at: config.client_secret_expires_at ?? null,
    token_endpoint_auth_method: config.token_endpoint_auth_method ?? null,
    private_key: seal(config.private_key, 'private_key'),
    scopes: JSON.stringify(config.scopes),
    resource: config.resource ?? null,
    status: config.status,
    status_reason: config.status_reason ?? null,
    created_at: config.created_at,
    updated_at: config.updated_at,
    expires_at: config.expires_at ?? null,
  };
}

function fromRow(stored: OAuthConfigTable, encryption: Encryption): OAuthConfig {
  const { trace: _, ...row } = stored;
  const { open } = secretColumns(encryption, 'oauth_configs', row.id);
  return freeze({
    ...row,
    mcp_client_id: row.mcp_client_id ?? undefined,
    pending_client:
      row.pending_client === ''
        ? undefined
        : encryption.decrypt(row.pending_client, `oauth_configs:pending_client:${row.id}`),
    grant_type: row.grant_type as OAuthConfig['grant_type'],
    issuer: row.issuer ?? undefined,
    authorize_url: row.authorize_url ?? undefined,
    token_url: row.token_url ?? undefined,
    registration_url: row.registration_url ?? undefined,
    server: row.server === null ? undefined : (JSON.parse(row.server) as OAuthServer),
    client_id: row.client_id ?? undefined,
    client_secret: open(row.client_secret, 'client_secret'),
    registration: (row.registration ?? undefined) as OAuthConfig['registration'],
    registered_redirect_uri: row.registered_redirect_uri ?? undefined,
    registered_scopes: row.registered_scopes === null ? undefined : (JSON.parse(row.registered_scopes) as string[]),
    client_secret_expires_at: row.client_secret_expires_at ?? undefined,
    token_endpoint_auth_method: (row.token_endpoint_auth_method ?? undefined) as TokenAuthMethod | undefined,
    private_key: open(row.private_key, 'private_key'),
    scopes: JSON.parse(row.scopes) as string[],
    resource: row.resource ?? undefined,
    status: row.status as OAuthConfigStatus,
    status_reason: row.status_reason ?? undefined,
    expires_at: row.expires_at ?? undefined,
  });
}
