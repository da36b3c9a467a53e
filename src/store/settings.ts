import { DEFAULT_SETTINGS, type ClientSettings, type ClientSettingsPatch } from '../contract/client-settings.ts';
import type { Executor } from './schema.ts';

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

  async function loadClientSettings(): Promise<ClientSettings> {
    const keys = NAMES.map((name) => PREFIX + name);
    const rows = await db.selectFrom('settings').selectAll().where('key', 'in', keys).execute();
    const stored = rows.map(({ key, value }) => [key.slice(PREFIX.length), JSON.parse(value)]);
    const settings = { ...DEFAULT_SETTINGS, ...Object.fromEntries(stored) } as ClientSettings;
    const oauth2_server_config = { ...DEFAULT_SETTINGS.oauth2_server_config, ...settings.oauth2_server_config };
    return Object.freeze({ ...settings, oauth2_server_config: Object.freeze(oauth2_server_config) });
  }

  /** The one setting that is a group: what the patch leaves out of it stays. */
  async function wholeGroup(patch: ClientSettingsPatch['oauth2_server_config']): Promise<object | undefined> {
    if (patch === undefined) return undefined;
    const changed = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
    return { ...(await loadClientSettings()).oauth2_server_config, ...changed };
  }

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

    loadClientSettings,

    async saveClientSettings(patch) {
      const whole = { ...patch, oauth2_server_config: await wholeGroup(patch.oauth2_server_config) };
      const rows = NAMES.map((name) => ({ key: PREFIX + name, value: whole[name] }));
      const changed = rows.filter(({ value }) => value !== undefined);
      if (changed.length > 0) await upsert(changed).execute();
    },
  };
}
