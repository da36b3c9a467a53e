import { DEFAULT_SETTINGS, type ClientSettings } from '../contract/config.ts';
import type { Executor } from './schema.ts';

/** Some of the gateway-wide settings; what is undefined is left alone. */
export type ClientSettingsPatch = { readonly [K in keyof ClientSettings]?: ClientSettings[K] | undefined };

/** Single values by key, and the gateway-wide settings. */
export interface SettingsStore {
  /** The same store inside a transaction. */
  with(tx: Executor): SettingsStore;
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown): Promise<void>;
  /** Leaves a value that is already there, so that of several processes one wins. */
  putIfAbsent(key: string, value: unknown): Promise<void>;
  /** What is stored over the defaults. */
  loadClientSettings(): Promise<ClientSettings>;
  saveClientSettings(patch: ClientSettingsPatch): Promise<void>;
}

// Each setting is a row of its own: two patches at once can then never undo each other.
const PREFIX = 'client.';
const NAMES = Object.keys(DEFAULT_SETTINGS) as (keyof ClientSettings)[];

/** The settings table: JSON values by key. */
export function createSettingsStore(db: Executor): SettingsStore {
  const insert = (rows: readonly { key: string; value: unknown }[]) =>
    db.insertInto('settings').values(rows.map(({ key, value }) => ({ key, value: JSON.stringify(value) })));
  const upsert = (rows: readonly { key: string; value: unknown }[]) =>
    insert(rows).onConflict((conflict) =>
      conflict.column('key').doUpdateSet((row) => ({ value: row.ref('excluded.value') })),
    );

  return {
    with: (tx) => createSettingsStore(tx),

    async get(key) {
      const row = await db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst();
      return row === undefined ? undefined : JSON.parse(row.value);
    },

    async put(key, value) {
      await upsert([{ key, value }]).execute();
    },

    async putIfAbsent(key, value) {
      await insert([{ key, value }])
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },

    async loadClientSettings() {
      const keys = NAMES.map((name) => PREFIX + name);
      const rows = await db.selectFrom('settings').selectAll().where('key', 'in', keys).execute();
      const stored = rows.map(({ key, value }) => [key.slice(PREFIX.length), JSON.parse(value)]);
      return Object.freeze({ ...DEFAULT_SETTINGS, ...Object.fromEntries(stored) } as ClientSettings);
    },

    async saveClientSettings(patch) {
      const rows = NAMES.map((name) => ({ key: PREFIX + name, value: patch[name] }));
      const changed = rows.filter(({ value }) => value !== undefined);
      if (changed.length > 0) await upsert(changed).execute();
    },
  };
}
