import type { Selectable } from 'kysely';
import type { Limited, ProviderConfig } from './governance.ts';
import { createLimitStore } from './limits.ts';
import type { Executor } from './schema.ts';
import type { ProviderConfigTable } from './tables/governance.ts';

/** The id of an entry that is not stored yet: the database gives it one. */
export const NEW_ID = 0;

/** Which providers the virtual keys may use. Loaded and written together with their key. */
export interface ProviderConfigStore {
  /** By id of the key, for some keys or all: three statements, however many they are. */
  load(keyIds?: readonly string[]): Promise<(keyId: string) => readonly ProviderConfig[]>;
  /** Makes these the only ones of a key. Entries keep their ids; {@link NEW_ID} gets a new one. */
  replace(keyId: string, configs: readonly ProviderConfig[]): Promise<void>;
}

export function createProviderConfigStore(db: Executor): ProviderConfigStore {
  const limits = createLimitStore(db);
  const select = (keyIds?: readonly string[]) =>
    db
      .selectFrom('provider_configs')
      .selectAll()
      .$if(keyIds !== undefined, (query) => query.where('virtual_key_id', 'in', keyIds ?? []))
      .orderBy('id')
      .execute();

  return {
    async load(keyIds) {
      const rows = await select(keyIds);
      const ids = keyIds === undefined ? undefined : rows.map((row) => String(row.id));
      const limitsOf = await limits.load('provider_config', ids);
      const byKey = Map.groupBy(rows, (row) => row.virtual_key_id);
      return (keyId) => (byKey.get(keyId) ?? []).map((row) => fromRow(row, limitsOf(String(row.id))));
    },

    async replace(keyId, configs) {
      const before = await select([keyId]);
      const ids = before.map((row) => String(row.id));
      await limits.remove('provider_config', ids);
      if (ids.length > 0) await db.deleteFrom('provider_configs').where('virtual_key_id', '=', keyId).execute();
      for (const config of configs) {
        const row = await db
          .insertInto('provider_configs')
          .values(toRow(keyId, config))
          .returning('id')
          .executeTakeFirstOrThrow();
        await limits.replace('provider_config', String(row.id), config);
      }
    },
  };
}

function toRow(virtual_key_id: string, config: ProviderConfig) {
  return {
    ...(config.id === NEW_ID ? {} : { id: config.id }),
    virtual_key_id,
    provider: config.provider,
    weight: config.weight ?? null,
    allowed_models: JSON.stringify(config.allowed_models),
    blacklisted_models: JSON.stringify(config.blacklisted_models),
    allow_all_keys: Number(config.allow_all_keys),
    key_ids: JSON.stringify(config.key_ids),
  };
}

function fromRow({ virtual_key_id: _key, ...row }: Selectable<ProviderConfigTable>, limited: Limited): ProviderConfig {
  return {
    ...row,
    weight: row.weight ?? undefined,
    allowed_models: JSON.parse(row.allowed_models) as string[],
    blacklisted_models: JSON.parse(row.blacklisted_models) as string[],
    allow_all_keys: row.allow_all_keys === 1,
    key_ids: JSON.parse(row.key_ids) as string[],
    ...limited,
  };
}
