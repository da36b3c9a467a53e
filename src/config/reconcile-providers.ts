import type { ConfigFile } from '../contract/config.ts';
import type { ProviderEntry, ProviderKeyEntry, ProviderSettings } from '../contract/provider.ts';
import { GatewayError } from '../lib/errors.ts';
import type { GovernanceStores } from '../store/governance-stores.ts';
import type { StoredKey } from '../store/provider-keys.ts';
import type { ProviderRecord } from '../store/providers.ts';
import { hash, type Reconciled, type ReconcileLog } from './reconcile.ts';

/** What a record is known by, and what of it an entry cannot say. */
interface RecordFields {
  readonly config_hash: string;
  readonly created_at: number;
}

/** Makes records of entries; each throws the rule that its entry breaks. See governance/providers-from-config.ts. */
export interface ProviderEntryRules {
  readonly providerFromEntry: (
    entry: ProviderSettings,
    record: RecordFields & { readonly name: string },
  ) => ProviderRecord;
  readonly providerKeyFromEntry: (
    entry: ProviderKeyEntry,
    provider: ProviderRecord,
    record: RecordFields & { readonly id: string | undefined },
  ) => StoredKey;
  /** Why a key cannot be used as things are. */
  readonly keyProblem: (key: StoredKey) => string | undefined;
}

/** How a change is stored, together with what is to be known about it later. */
export type CommitProvider = (
  change: { readonly entity: 'provider' | 'provider_key'; readonly id: string },
  write: (stores: GovernanceStores) => Promise<void>,
) => Promise<void>;

interface Work {
  /** `providers` of the file; undefined leaves the database alone. */
  readonly section: ConfigFile['providers'];
  /** Delete what the file does not name. */
  readonly isFileTheTruth: boolean;
  readonly stores: GovernanceStores;
  readonly commit: CommitProvider;
  readonly rules: ProviderEntryRules;
  readonly log: ReconcileLog;
}

/**
 * Brings the providers of config.json and their keys into the database, by the rule of the servers: an entry that is still what
 * its row was last written from keeps the row, an entry that changed wins. Settings and each key are entries of their own. Runs
 * before the virtual keys, which name keys of providers.
 */
export async function reconcileProviders(work: Work): Promise<Reconciled[]> {
  const { section, isFileTheTruth, stores, commit } = work;
  if (section === undefined) return [];
  const results: Reconciled[] = [];
  const startedAt = Date.now();
  for (const [index, [name, entry]] of Object.entries(section).entries()) {
    // One after the other in time too, so that lists keep the order of the file.
    results.push(...(await reconcileProvider(work, name, entry, startedAt + index)));
  }
  for (const { name } of isFileTheTruth ? await stores.providers.list() : []) {
    if (Object.hasOwn(section, name)) continue;
    await commit({ entity: 'provider', id: name }, async (at) => void (await at.providers.remove(name)));
    results.push(tell(work, 'Provider', name, 'pruned'));
  }
  return results;
}

async function reconcileProvider(
  work: Work,
  name: string,
  { keys, ...settings }: ProviderEntry,
  now: number,
): Promise<Reconciled[]> {
  const { stores, commit, rules } = work;
  const config_hash = hash(settings);
  const results: Reconciled[] = [];
  await attempt(work, results, 'Provider', name, async () => {
    const row = await stores.providers.find(name);
    if (row?.config_hash === config_hash) return 'kept';
    const record = rules.providerFromEntry(settings, { name, config_hash, created_at: row?.created_at ?? now });
    await commit({ entity: 'provider', id: name }, async (at) => {
      // Another process that starts from the same file may have been faster.
      const exists = (await at.providers.find(name)) !== undefined;
      await (exists ? at.providers.update(record) : at.providers.insert(record));
    });
    return row === undefined ? 'inserted' : 'updated';
  });
  const provider = await stores.providers.find(name);
  if (provider === undefined || keys === undefined) return results;
  return [...results, ...(await reconcileKeys(work, provider, keys, now))];
}

async function reconcileKeys(
  work: Work,
  provider: ProviderRecord,
  entries: readonly ProviderKeyEntry[],
  startedAt: number,
): Promise<Reconciled[]> {
  const { stores, commit, rules, isFileTheTruth, log } = work;
  const results: Reconciled[] = [];
  const claimed = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    await attempt(work, results, 'Provider key', entry.name, async () => {
      const rows = await stores.providerKeys.list(provider.name);
      const row = rows.find(({ id }) => id === entry.id) ?? rows.find(({ name }) => name === entry.name);
      if (row !== undefined && claimed.has(row.id))
        throw new GatewayError('conflict', 'an earlier entry names the same one');
      if (row !== undefined) claimed.add(row.id);
      const { id: wanted, ...meaning } = entry;
      const config_hash = hash(meaning);
      if (row?.config_hash === config_hash) return 'kept';
      const record = { id: row?.id ?? wanted, config_hash, created_at: row?.created_at ?? startedAt + index };
      const key = rules.providerKeyFromEntry(entry, provider, record);
      claimed.add(key.id);
      return writeKey(work, key, row !== undefined);
    });
  }
  for (const key of await stores.providerKeys.list(provider.name)) {
    const problem = rules.keyProblem(key);
    if (problem !== undefined) log.error(`Provider key "${key.name}": ${problem}; the key cannot be used`);
    if (!isFileTheTruth || claimed.has(key.id)) continue;
    await commit({ entity: 'provider_key', id: key.id }, async (at) => void (await at.providerKeys.remove(key.id)));
    results.push(tell(work, 'Provider key', key.name, 'pruned'));
  }
  return results;
}

async function writeKey(
  { commit, stores }: Work,
  key: StoredKey,
  isStored: boolean,
): Promise<'kept' | 'updated' | 'inserted'> {
  try {
    await commit({ entity: 'provider_key', id: key.id }, (at) => {
      return isStored ? at.providerKeys.update(key) : at.providerKeys.insert(key);
    });
    return isStored ? 'updated' : 'inserted';
  } catch (error) {
    // Another process that starts from the same file may have been faster.
    const rivals = await stores.providerKeys.list(key.provider);
    if (rivals.some(({ name, config_hash }) => name === key.name && config_hash === key.config_hash)) return 'kept';
    throw error;
  }
}

async function attempt(
  work: Work,
  results: Reconciled[],
  label: string,
  name: string,
  run: () => Promise<Reconciled['outcome']>,
): Promise<void> {
  try {
    results.push(tell(work, label, name, await run()));
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    results.push(tell(work, label, name, 'refused', error.message));
  }
}

function tell({ log }: Work, label: string, name: string, outcome: Reconciled['outcome'], reason?: string): Reconciled {
  const message = `${label} "${name}" of config.json: ${outcome}`;
  if (reason === undefined) log.info(message);
  else log.error(`${message}, ${reason}`);
  return { name, outcome };
}
