import { createHash } from 'node:crypto';
import type { ClientSettingsPatch } from '../contract/client-settings.ts';
import { McpClientCreate } from '../contract/mcp-client.ts';
import { GatewayError } from '../lib/errors.ts';
import type { McpClient, McpClientStore } from '../store/mcp-clients.ts';
import type { SettingsStore } from '../store/settings.ts';

/** What became of one thing that the file or the database names. */
export interface Reconciled {
  readonly name: string;
  readonly outcome: 'kept' | 'updated' | 'inserted' | 'pruned' | 'refused';
}

/** Where the outcome is told, one line each. */
export interface ReconcileLog {
  info(message: string): void;
  error(message: string): void;
}

/** How a change of a server is stored, together with what is to be known about it later. */
export type CommitClient = (
  change: { readonly before?: McpClient; readonly after?: McpClient },
  write: (store: McpClientStore) => Promise<unknown>,
) => Promise<void>;

interface ClientsToReconcile {
  /** `mcp.client_configs`; undefined when the file has no such section, which then leaves the database alone. */
  readonly entries: readonly McpClientCreate[] | undefined;
  /** Delete the servers that the file does not name. */
  readonly isFileTheTruth: boolean;
  readonly store: McpClientStore;
  /** Stores one change and records it, both or neither; without an `after` the client is removed. */
  readonly commit: CommitClient;
  /** Makes a record of an entry, or throws the rule it breaks. */
  readonly fromCreate: (entry: McpClientCreate) => McpClient;
  readonly log: ReconcileLog;
}

/**
 * Brings the servers of config.json into the database. An entry that is still what the row was last written from keeps the
 * row, with whatever was changed over the API since; an entry that changed wins.
 */
export async function reconcileClients(work: ClientsToReconcile): Promise<Reconciled[]> {
  const { entries, isFileTheTruth, store, commit, log } = work;
  if (entries === undefined) return [];
  const rows = await store.list();
  const claimed = new Set<McpClient>();
  const results: Reconciled[] = [];
  const tell = (name: string, outcome: Reconciled['outcome'], reason?: string) => {
    results.push({ name, outcome });
    const message = `MCP client "${name}" of config.json: ${outcome}`;
    if (reason === undefined) log.info(message);
    else log.error(`${message}, ${reason}`);
  };

  const startedAt = Date.now();
  for (const [index, entry] of entries.entries()) {
    const row = match(entry, rows);
    if (row !== undefined && claimed.has(row)) {
      tell(entry.name, 'refused', 'an earlier entry names the same client');
      continue;
    }
    if (row !== undefined) claimed.add(row);
    try {
      // One after the other in time too: the order of the file decides which of two servers was there first.
      tell(entry.name, await reconcileEntry(entry, row, startedAt + index, work));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      tell(entry.name, 'refused', error.message);
    }
  }
  for (const row of isFileTheTruth ? rows.filter((row) => !claimed.has(row)) : []) {
    await commit({ before: row }, (stored) => stored.remove(row.client_id));
    tell(row.name, 'pruned');
  }
  return results;
}

/** By id, else by name. */
function match(entry: McpClientCreate, rows: readonly McpClient[]): McpClient | undefined {
  return rows.find((row) => row.client_id === entry.client_id) ?? rows.find((row) => row.name === entry.name);
}

async function reconcileEntry(
  entry: McpClientCreate,
  row: McpClient | undefined,
  created_at: number,
  { store, commit, fromCreate }: ClientsToReconcile,
): Promise<Reconciled['outcome']> {
  const config_hash = hashEntry(entry);
  if (row === undefined) {
    try {
      const after = { ...fromCreate(entry), created_at, config_hash };
      await commit({ after }, (stored) => stored.insert(after));
      return 'inserted';
    } catch (error) {
      // Another process that starts from the same file may have been faster.
      const rival = match(entry, await store.list());
      if (rival?.config_hash === config_hash) return 'kept';
      throw error;
    }
  }
  if (row.config_hash === config_hash) return 'kept';
  const fresh = fromCreate(entry);
  const after = {
    ...fresh,
    client_id: row.client_id,
    // Made by signing in, which the file cannot say.
    oauth_config_id: fresh.oauth_config_id ?? row.oauth_config_id,
    config_hash,
    created_at: row.created_at,
  };
  await commit({ before: row, after }, (stored) => stored.update(after));
  return 'updated';
}

/** The hash of what an entry means: known fields only, without the id, in any order. */
export function hashEntry(entry: McpClientCreate): string {
  const known = Object.keys(McpClientCreate.shape).filter((name) => name !== 'client_id');
  return hash(Object.fromEntries(known.map((name) => [name, entry[name]])));
}

const SETTINGS_HASH = 'config_hash.client';

/** How a change of the settings is stored, together with what is to be known about it later. */
export type CommitSettings = (write: (store: SettingsStore) => Promise<void>) => Promise<void>;

interface SettingsToReconcile {
  readonly settings: ClientSettingsPatch | undefined;
  readonly store: SettingsStore;
  readonly commit: CommitSettings;
  readonly log: ReconcileLog;
}

/** Brings the settings of config.json into the database, by the same rule as the servers. */
export async function reconcileSettings({ settings, store, commit, log }: SettingsToReconcile): Promise<void> {
  if (settings === undefined) return;
  const stored = await store.get(SETTINGS_HASH);
  const current = hash(settings);
  if (stored !== current) {
    await commit(async (stored) => {
      await stored.saveClientSettings(settings);
      await stored.put(SETTINGS_HASH, current);
    });
  }
  const changed = stored === undefined ? 'inserted' : 'updated';
  log.info(`Settings of config.json: ${stored === current ? 'kept' : changed}`);
}

/** The hash of what a value means, whatever the order of its keys. */
export function hash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** JSON with sorted keys, without what is null or undefined. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const fields = Object.entries(value).filter(([, part]) => part !== null && part !== undefined);
  const sorted = fields.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([name, part]) => `${JSON.stringify(name)}:${canonicalJson(part)}`).join(',')}}`;
}
