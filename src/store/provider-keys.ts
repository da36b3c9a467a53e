import type { Insertable } from 'kysely';
import type { Encryption } from '../lib/encryption.ts';
import { GatewayError } from '../lib/errors.ts';
import { freeze } from '../lib/freeze.ts';
import type { Secret } from '../lib/secret.ts';
import { uniqueViolation } from './dialect.ts';
import type { ProviderKey } from './providers.ts';
import type { Executor } from './schema.ts';
import type { ProviderKeyTable } from './tables/models.ts';
import { secretColumns } from './secret-columns.ts';

/** A key as it is stored: with the hash of the config.json entry that it was last written from, if there was one. */
export interface StoredKey extends ProviderKey {
  readonly config_hash: string;
}

/** What a key is called, and by whose name. */
export interface KeyName {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
}

/** The keys of the providers. */
export interface ProviderKeyStore {
  /** The same store inside a transaction. */
  with(tx: Executor): ProviderKeyStore;
  /** Of one provider or of all, oldest first. */
  list(provider?: string): Promise<StoredKey[]>;
  find(id: string): Promise<StoredKey | undefined>;
  /** All of them, without what is secret; oldest first. */
  names(): Promise<KeyName[]>;
  /** A name that is taken, at whatever provider, is a `conflict`. */
  insert(key: StoredKey): Promise<void>;
  /** Replaces every field but `id`, `provider` and `created_at`. */
  update(key: StoredKey): Promise<void>;
  /** False when there was none. */
  remove(id: string): Promise<boolean>;
}

export function createProviderKeyStore(db: Executor, encryption: Encryption): ProviderKeyStore {
  return {
    with: (tx) => createProviderKeyStore(tx, encryption),

    async list(provider) {
      const rows = await db
        .selectFrom('provider_keys')
        .selectAll()
        .$if(provider !== undefined, (query) => query.where('provider', '=', provider ?? ''))
        .orderBy('created_at')
        .orderBy('name')
        .orderBy('id')
        .execute();
      return rows.map((row) => fromRow(row, encryption));
    },

    async find(id) {
      const row = await db.selectFrom('provider_keys').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : fromRow(row, encryption);
    },

    names: () =>
      db.selectFrom('provider_keys').select(['id', 'name', 'provider']).orderBy('created_at').orderBy('name').execute(),

    async insert(key) {
      const query = db.insertInto('provider_keys').values(toRow(key, encryption));
      await query.execute().catch((error: unknown) => refuseConflict(error, key));
    },

    async update(key) {
      const { id, provider: _provider, created_at: _, ...fields } = toRow(key, encryption);
      const query = db.updateTable('provider_keys').set(fields).where('id', '=', id);
      const [result] = await query.execute().catch((error: unknown) => refuseConflict(error, key));
      if (result?.numUpdatedRows !== 1n) throw new GatewayError('not_found', `there is no key "${id}"`);
    },

    async remove(id) {
      const result = await db.deleteFrom('provider_keys').where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

function refuseConflict(cause: unknown, key: StoredKey): never {
  const field = uniqueViolation(cause);
  if (field !== 'name' && field !== 'id') throw cause;
  const message = `A provider key with the ${field} "${key[field]}" already exists`;
  throw new GatewayError('conflict', message, { cause, details: { field } });
}

/** What is not secret of the three clouds; a member is there when the key has settings for that cloud. */
interface Cloud {
  readonly azure?: { readonly api_version: string };
  readonly bedrock?: { readonly region: string };
  readonly vertex?: { readonly project_id: string; readonly region: string };
}

function toRow(key: StoredKey, encryption: Encryption): Insertable<ProviderKeyTable> {
  const { value, azure, bedrock, vertex, ...plain } = key;
  const secrets: Record<string, Secret> = {
    value,
    ...(azure && { azure_endpoint: azure.endpoint }),
    ...(bedrock && {
      bedrock_access_key: bedrock.access_key,
      bedrock_secret_key: bedrock.secret_key,
      bedrock_session_token: bedrock.session_token,
    }),
    ...(vertex && { vertex_auth_credentials: vertex.auth_credentials }),
  };
  const cloud: Cloud = {
    ...(azure && { azure: { api_version: azure.api_version } }),
    ...(bedrock && { bedrock: { region: bedrock.region } }),
    ...(vertex && { vertex: { project_id: vertex.project_id, region: vertex.region } }),
  };
  return {
    ...plain,
    secrets: JSON.stringify(secretColumns(encryption, 'provider_keys', key.id).sealAll(secrets, 'secrets')),
    cloud: JSON.stringify(cloud),
    models: JSON.stringify(key.models),
    blacklisted_models: JSON.stringify(key.blacklisted_models),
    enabled: Number(key.enabled),
    aliases: JSON.stringify(key.aliases),
  };
}

function fromRow({ secrets, cloud, ...row }: ProviderKeyTable, encryption: Encryption): StoredKey {
  const sealed = JSON.parse(secrets) as Record<string, string>;
  const { open } = secretColumns(encryption, 'provider_keys', row.id);
  const secret = (name: string): Secret => open(sealed[name] ?? '', `secrets.${name}`);
  const { azure, bedrock, vertex } = JSON.parse(cloud) as Cloud;
  return freeze({
    ...row,
    value: secret('value'),
    models: JSON.parse(row.models) as string[],
    blacklisted_models: JSON.parse(row.blacklisted_models) as string[],
    enabled: row.enabled === 1,
    aliases: JSON.parse(row.aliases) as Record<string, string>,
    azure: azure && { ...azure, endpoint: secret('azure_endpoint') },
    bedrock: bedrock && {
      ...bedrock,
      access_key: secret('bedrock_access_key'),
      secret_key: secret('bedrock_secret_key'),
      session_token: secret('bedrock_session_token'),
    },
    vertex: vertex && { ...vertex, auth_credentials: secret('vertex_auth_credentials') },
  });
}
