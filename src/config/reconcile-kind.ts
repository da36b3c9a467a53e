import { GatewayError } from '../lib/errors.ts';
import type { GovernanceStores } from '../store/governance-stores.ts';
import type { Entry } from './governance-entries.ts';
import { hash, type Reconciled, type ReconcileLog } from './reconcile.ts';

/** Everything under `governance` that has entries and rows. */
export type EntityName = 'customer' | 'team' | 'virtual_key' | 'pricing_override';

/**
 * How a change of an entity is stored, together with what is to be known about it later. `write` gives the id of what is there
 * after it; undefined: nothing is.
 */
export type CommitEntity = (
  change: {
    readonly entity: EntityName;
    /** Of what is there before it. */
    readonly id: string | undefined;
    readonly action?: 'rotate';
  },
  write: (stores: GovernanceStores) => Promise<string | undefined>,
) => Promise<void>;

/** What all kinds of entities are reconciled with. */
export interface KindWork {
  /** Delete what a section of the file does not name. */
  readonly isFileTheTruth: boolean;
  readonly stores: GovernanceStores;
  /** Stores one change and records it, both or neither. */
  readonly commit: CommitEntity;
  readonly log: ReconcileLog;
}

/** What an entry is known by. */
export type Named = { readonly id?: string | undefined; readonly name: string };

/** What is to be known of a row to find out whether its entry has changed. */
export interface KnownRow {
  readonly id: string;
  readonly name: string;
  readonly config_hash: string | null | undefined;
  readonly created_at: number;
}

/** What of a row its entry cannot say. */
export interface RecordFields {
  readonly config_hash: string;
  readonly created_at: number;
}

/** One kind of entity: how its rows are made and written. */
export interface Kind<E extends Named, T extends KnownRow> {
  readonly label: string;
  readonly entity: EntityName;
  /** Undefined for a section that the file does not have. */
  readonly entries: readonly Entry<E>[] | undefined;
  readonly store: (stores: GovernanceStores) => { list(): Promise<T[]>; remove(id: string): Promise<boolean> };
  /** Writes the record of an entry, in a transaction; gives its id. */
  readonly write: (entry: E, row: T | undefined, at: GovernanceStores, record: RecordFields) => Promise<string>;
}

/** Brings the entries of one kind into the database; a bad one is refused alone. */
export async function reconcileKind<E extends Named, T extends KnownRow>(
  work: KindWork,
  kind: Kind<E, T>,
): Promise<Reconciled[]> {
  const { isFileTheTruth, commit, stores, log } = work;
  if (kind.entries === undefined) return [];
  const rows = await kind.store(stores).list();
  const { claims, claimed } = claimRows(kind.entries, rows);
  const results: Reconciled[] = [];
  const tell = (name: string, outcome: Reconciled['outcome'], reason?: string) => {
    results.push({ name, outcome });
    const message = `${kind.label} "${name}" of config.json: ${outcome}`;
    if (reason === undefined) log.info(message);
    else log.error(`${message}, ${reason}`);
  };

  // Before the others: an entry that was renamed may have what only one row can have.
  for (const row of isFileTheTruth ? rows.filter((row) => !claimed.has(row)) : []) {
    await commit({ entity: kind.entity, id: row.id }, async (at) => {
      await kind.store(at).remove(row.id);
      return undefined;
    });
    tell(row.name, 'pruned');
  }
  const startedAt = Date.now();
  for (const [index, { entry, fault, row }] of claims.entries()) {
    try {
      if (fault !== undefined) throw fault;
      // One after the other in time too, so that lists keep the order of the file.
      tell(entry.name, await reconcileEntry(entry, row, startedAt + index, work, kind));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      tell(entry.name, 'refused', error.message);
    }
  }
  return results;
}

/** Entries may point to others by the id in the file, or by name, though the row had an id already: gives what both mean. */
export async function readIds<E extends Named, T extends KnownRow>(
  stores: GovernanceStores,
  { entries, store }: Kind<E, T>,
): Promise<Map<string, string>> {
  if (entries === undefined) return new Map();
  const match = matcher(await store(stores).list());
  const found = entries.flatMap(({ entry }) => {
    const row = match(entry);
    return row === undefined ? [] : [{ entry, id: row.id }];
  });
  return new Map([
    ...found.map(({ entry, id }): [string, string] => [entry.name, id]),
    // After the names: an id means its own entry, also when another one is called the same.
    ...found.flatMap(({ entry, id }): [string, string][] => (entry.id === undefined ? [] : [[entry.id, id]])),
  ]);
}

/** Gives each entry its row. What an earlier entry has, or is called, is not for a later one. */
function claimRows<E extends Named, T extends KnownRow>(entries: readonly Entry<E>[], rows: readonly T[]) {
  const match = matcher(rows);
  const claimed = new Set<T>();
  const taken = new Set<string>();
  const claims = entries.map(({ entry, fault }) => {
    const row = match(entry);
    const marks = [`name ${entry.name}`, ...(entry.id === undefined ? [] : [`id ${entry.id}`])];
    if ((row !== undefined && claimed.has(row)) || marks.some((mark) => taken.has(mark)))
      return { entry, row, fault: new GatewayError('conflict', 'an earlier entry names the same one') };
    if (row !== undefined) claimed.add(row);
    for (const mark of marks) taken.add(mark);
    return { entry, row, fault };
  });
  return { claims, claimed };
}

/** Finds the row of an entry: by id, else by name. */
function matcher<T extends KnownRow>(rows: readonly T[]): (entry: Named) => T | undefined {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const byName = new Map(rows.map((row) => [row.name, row]));
  return ({ id, name }) => (id === undefined ? undefined : byId.get(id)) ?? byName.get(name);
}

async function reconcileEntry<E extends Named, T extends KnownRow>(
  entry: E,
  row: T | undefined,
  now: number,
  { commit, stores }: KindWork,
  kind: Kind<E, T>,
): Promise<Reconciled['outcome']> {
  const { id: _, ...meaning } = entry;
  const config_hash = hash(meaning);
  if (row?.config_hash === config_hash) return 'kept';
  const record = { config_hash, created_at: row?.created_at ?? now };
  try {
    await commit({ entity: kind.entity, id: row?.id }, (at) => kind.write(entry, row, at, record));
    return row === undefined ? 'inserted' : 'updated';
  } catch (error) {
    if (row !== undefined) throw error;
    // Another process that starts from the same file may have been faster.
    const rival = matcher(await kind.store(stores).list())(entry);
    if (rival?.config_hash === config_hash) return 'kept';
    throw error;
  }
}
