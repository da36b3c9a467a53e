import type { Insertable } from 'kysely';
import type { Encryption } from '../lib/encryption.ts';
import { GatewayError } from '../lib/errors.ts';
import { freeze } from '../lib/freeze.ts';
import type { Secret } from '../lib/secret.ts';
import { uniqueViolation } from './dialect.ts';
import type { Executor } from './schema.ts';
import type { ProviderTable } from './tables/models.ts';
import { secretColumns } from './secret-columns.ts';

/** How the gateway reaches a provider. */
export interface ProviderNetwork {
  /** Without a slash at its end; undefined: the provider's public address. */
  readonly base_url: string | undefined;
  readonly extra_headers: Readonly<Record<string, Secret>>;
  /** Seconds until the head of the answer, or the whole of one that is not streamed. */
  readonly default_request_timeout_in_seconds: number;
  readonly max_retries: number;
  /** Milliseconds. */
  readonly retry_backoff_initial: number;
  readonly retry_backoff_max: number;
  /** Seconds between two pieces of a stream. */
  readonly stream_idle_timeout_in_seconds: number;
  readonly insecure_skip_verify: boolean;
  readonly ca_cert_pem: Secret;
  /** Private addresses are refused unless this, or a `base_url` of an administrator that names one, allows them. */
  readonly allow_private_network: boolean;
}

/** A provider that is another one by a different name and address. */
export interface CustomProvider {
  /** The kind of provider whose formats it speaks, such as "openai". */
  readonly base_provider_type: string;
  readonly is_key_less: boolean;
  /** When given, kinds of requests that are not true are refused. */
  readonly allowed_requests: Readonly<Record<string, boolean>> | undefined;
  readonly request_path_overrides: Readonly<Record<string, string>>;
}

/** A provider of models, without its keys. */
export interface ProviderRecord {
  /** Lower case; the part before the slash in "openai/gpt-5". */
  readonly name: string;
  readonly description: string;
  readonly network: ProviderNetwork;
  readonly concurrency: number;
  readonly buffer_size: number;
  readonly custom: CustomProvider | undefined;
  readonly send_back_raw_request: boolean;
  readonly send_back_raw_response: boolean;
  readonly store_raw_request_response: boolean;
  readonly config_hash: string;
  readonly created_at: number;
  readonly updated_at: number;
}

/** A credential of a provider. */
export interface ProviderKey {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  /** Empty for what needs none. */
  readonly value: Secret;
  /** ["*"] all, [] none. */
  readonly models: readonly string[];
  /** Beats `models`. */
  readonly blacklisted_models: readonly string[];
  readonly weight: number;
  readonly enabled: boolean;
  /** Requested name → the provider's name or deployment. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly description: string;
  readonly azure: { readonly endpoint: Secret; readonly api_version: string } | undefined;
  readonly bedrock:
    | {
        readonly access_key: Secret;
        readonly secret_key: Secret;
        readonly session_token: Secret;
        readonly region: string;
      }
    | undefined;
  readonly vertex:
    | { readonly project_id: string; readonly region: string; readonly auth_credentials: Secret }
    | undefined;
  readonly created_at: number;
  readonly updated_at: number;
}

/** The configured providers. */
export interface ProviderStore {
  /** The same store inside a transaction. */
  with(tx: Executor): ProviderStore;
  /** All of them, oldest first. */
  list(): Promise<ProviderRecord[]>;
  find(name: string): Promise<ProviderRecord | undefined>;
  /** A name that is taken is a `conflict`. */
  insert(provider: ProviderRecord): Promise<void>;
  /** Replaces every field but `name` and `created_at`. Its keys stay. */
  update(provider: ProviderRecord): Promise<void>;
  /** With its keys. False when there was none. */
  remove(name: string): Promise<boolean>;
}

export function createProviderStore(db: Executor, encryption: Encryption): ProviderStore {
  return {
    with: (tx) => createProviderStore(tx, encryption),

    async list() {
      const rows = await db.selectFrom('providers').selectAll().orderBy('created_at').orderBy('name').execute();
      return rows.map((row) => fromRow(row, encryption));
    },

    async find(name) {
      const row = await db.selectFrom('providers').selectAll().where('name', '=', name).executeTakeFirst();
      return row === undefined ? undefined : fromRow(row, encryption);
    },

    async insert(provider) {
      const query = db.insertInto('providers').values(toRow(provider, encryption));
      await query.execute().catch((cause: unknown) => {
        if (uniqueViolation(cause) !== 'name') throw cause;
        const message = `A provider with the name "${provider.name}" already exists`;
        throw new GatewayError('conflict', message, { cause, details: { field: 'name' } });
      });
    },

    async update(provider) {
      const { name, created_at: _, ...fields } = toRow(provider, encryption);
      const result = await db.updateTable('providers').set(fields).where('name', '=', name).executeTakeFirst();
      if (result.numUpdatedRows !== 1n) throw new GatewayError('not_found', `there is no provider "${name}"`);
    },

    async remove(name) {
      await db.deleteFrom('provider_keys').where('provider', '=', name).execute();
      const result = await db.deleteFrom('providers').where('name', '=', name).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

function toRow(provider: ProviderRecord, encryption: Encryption): Insertable<ProviderTable> {
  const { network: settings, custom, ...plain } = provider;
  const { extra_headers, ca_cert_pem, ...network } = settings;
  const { seal, sealAll } = secretColumns(encryption, 'providers', provider.name);
  return {
    ...plain,
    network: JSON.stringify(network),
    extra_headers: JSON.stringify(sealAll(extra_headers, 'extra_headers')),
    ca_cert_pem: seal(ca_cert_pem, 'ca_cert_pem'),
    custom: custom === undefined ? null : JSON.stringify(custom),
    send_back_raw_request: Number(provider.send_back_raw_request),
    send_back_raw_response: Number(provider.send_back_raw_response),
    store_raw_request_response: Number(provider.store_raw_request_response),
  };
}

function fromRow(stored: ProviderTable, encryption: Encryption): ProviderRecord {
  const { network, extra_headers, ca_cert_pem, custom, ...row } = stored;
  const { open, openAll } = secretColumns(encryption, 'providers', row.name);
  // JSON leaves out what is undefined.
  const settings = JSON.parse(network) as Omit<ProviderNetwork, 'base_url'> & { base_url?: string };
  const kind = custom === null ? undefined : (JSON.parse(custom) as CustomProvider);
  return freeze({
    ...row,
    network: {
      ...settings,
      base_url: settings.base_url,
      extra_headers: openAll(JSON.parse(extra_headers) as Record<string, string>, 'extra_headers'),
      ca_cert_pem: open(ca_cert_pem, 'ca_cert_pem'),
    },
    custom: kind && { ...kind, allowed_requests: kind.allowed_requests },
    send_back_raw_request: row.send_back_raw_request === 1,
    send_back_raw_response: row.send_back_raw_response === 1,
    store_raw_request_response: row.store_raw_request_response === 1,
  });
}
