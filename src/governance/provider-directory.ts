import { createKeptCopy } from '../lib/kept-copy.ts';
import type { Changes } from '../store/changes.ts';
import type { ProviderKeyStore } from '../store/provider-keys.ts';
import type { ProviderKey, ProviderRecord, ProviderStore } from '../store/providers.ts';

/** A provider with its keys. Frozen; a change makes a new one. */
export interface ConfiguredProvider {
  readonly record: ProviderRecord;
  /** Oldest first, those that are switched off included. */
  readonly keys: readonly ProviderKey[];
}

/** The providers that there are, in memory. What is not configured does not exist. */
export interface ProviderDirectory {
  /** Throws `database_unavailable` when nobody can tell; so does `list`. */
  find(name: string): ConfiguredProvider | undefined;
  /** Oldest first. The same list until something changes. */
  list(): readonly ConfiguredProvider[];
}

interface Deps {
  readonly providers: Pick<ProviderStore, 'list'>;
  readonly providerKeys: Pick<ProviderKeyStore, 'list'>;
  readonly changes: Pick<Changes, 'subscribe'>;
  readonly onError: (error: unknown) => void;
}

interface Snapshot {
  readonly byName: ReadonlyMap<string, ConfiguredProvider>;
  readonly list: readonly ConfiguredProvider[];
}

/** Loads all providers and follows their changes, those of other processes included. */
export async function createProviderDirectory(deps: Deps): Promise<ProviderDirectory> {
  const { providers, providerKeys, changes, onError } = deps;
  // There are few providers: all are read.
  const read = async (): Promise<Snapshot> => takeSnapshot(await providers.list(), await providerKeys.list());
  const snapshot = createKeptCopy({ read, onError, refusal: 'the providers cannot be read at the moment' });

  changes.subscribe((table) => (table === 'providers' ? snapshot.refresh() : undefined));
  await snapshot.refresh();

  return {
    find: (name) => snapshot.get().byName.get(name),
    list: () => snapshot.get().list,
  };
}

function takeSnapshot(records: readonly ProviderRecord[], keys: readonly ProviderKey[]): Snapshot {
  const byProvider = Map.groupBy(keys, (key) => key.provider);
  const list = records.map((record) =>
    Object.freeze({ record, keys: Object.freeze(byProvider.get(record.name) ?? []) }),
  );
  return { byName: new Map(list.map((entry) => [entry.record.name, entry])), list: Object.freeze(list) };
}
