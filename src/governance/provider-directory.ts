import { GatewayError } from '../lib/errors.ts';
import { oneAtATime } from '../lib/one-at-a-time.ts';
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
  readonly onChange?: () => void;
  readonly onError: (error: unknown) => void;
}

interface Snapshot {
  readonly byName: ReadonlyMap<string, ConfiguredProvider>;
  readonly list: readonly ConfiguredProvider[];
}

/** Loads all providers and follows their changes, those of other processes included. */
export async function createProviderDirectory(deps: Deps): Promise<ProviderDirectory> {
  const { providers, providerKeys, changes, onChange = () => {}, onError } = deps;
  // Undefined after a failed reload: a key that may have been withdrawn must not go on being used.
  let snapshot: Snapshot | undefined;
  let reloading: Promise<void> = Promise.resolve();
  let isLoaded = false;

  changes.subscribe(async (table) => {
    if (table === 'providers') await reload();
  });
  await reload();
  isLoaded = true;

  /** One after the other, so that the newest state is also the last to arrive. There are few providers: all are read. */
  function reload(): Promise<void> {
    reloading = reloading.then(async () => {
      try {
        snapshot = takeSnapshot(await providers.list(), await providerKeys.list());
      } catch (error) {
        snapshot = undefined;
        onError(error);
      }
      if (isLoaded) onChange();
    });
    return reloading;
  }

  const tryAgain = oneAtATime(reload);

  function demandSnapshot(): Snapshot {
    if (snapshot !== undefined) return snapshot;
    tryAgain();
    throw new GatewayError('database_unavailable', 'the providers cannot be read at the moment');
  }

  return {
    find: (name) => demandSnapshot().byName.get(name),
    list: () => demandSnapshot().list,
  };
}

function takeSnapshot(records: readonly ProviderRecord[], keys: readonly ProviderKey[]): Snapshot {
  const byProvider = Map.groupBy(keys, (key) => key.provider);
  const list = records.map((record) =>
    Object.freeze({ record, keys: Object.freeze(byProvider.get(record.name) ?? []) }),
  );
  return { byName: new Map(list.map((entry) => [entry.record.name, entry])), list: Object.freeze(list) };
}
