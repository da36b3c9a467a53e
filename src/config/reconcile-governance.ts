import type { CustomerEntry, GovernanceSection, TeamEntry, VirtualKeyEntry } from '../contract/config.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Customer, EntityStore, Team, VirtualKey } from '../store/governance.ts';
import type { GovernanceStores } from '../store/governance-stores.ts';
import type { Grant } from '../store/grants.ts';
import type { KeyName } from '../store/provider-keys.ts';
import { collectEntries, type Entry } from './governance-entries.ts';
import { hash, type Reconciled, type ReconcileLog } from './reconcile.ts';

/** What an entry may refer to, as it is in the database by then. */
export interface References {
  readonly now: number;
  readonly hasTeam: (id: string) => boolean;
  readonly hasCustomer: (id: string) => boolean;
  readonly providerKeys: readonly KeyName[];
}
type ClientNames = readonly { readonly client_id: string; readonly name: string }[];

/** Makes records of entries; each throws the rule that its entry breaks. See governance/from-config.ts. */
export interface EntryRules {
  readonly customerFromEntry: (entry: CustomerEntry, row: Customer | undefined, context: References) => Customer;
  readonly teamFromEntry: (entry: TeamEntry, row: Team | undefined, context: References) => Team;
  readonly keyFromEntry: (
    entry: VirtualKeyEntry,
    row: VirtualKey | undefined,
    context: References & { readonly clients: ClientNames },
  ) => { key: VirtualKey; grants: readonly Omit<Grant, 'id' | 'virtual_key_id'>[] };
  readonly refreshValue: (key: VirtualKey) => VirtualKey | undefined;
}

/**
 * How a change of an entity is stored, together with what is to be known about it later. `write` gives the id of what is there
 * after it; undefined: nothing is.
 */
export type CommitEntity = (
  change: {
    readonly entity: 'customer' | 'team' | 'virtual_key';
    /** Of what is there before it. */
    readonly id: string | undefined;
    readonly action?: 'rotate';
  },
  write: (stores: GovernanceStores) => Promise<string | undefined>,
) => Promise<void>;

interface Work {
  /** `governance` of the file; undefined leaves the database alone. */
  readonly section: GovernanceSection | undefined;
  /** Delete what a section of the file does not name. */
  readonly isFileTheTruth: boolean;
  readonly stores: GovernanceStores;
  /** Stores one change and records it, both or neither. */
  readonly commit: CommitEntity;
  readonly rules: EntryRules;
  readonly log: ReconcileLog;
}

/** One kind of entity: how its rows are made and written. */
interface Kind<E, T> {
  readonly label: string;
  readonly entity: 'customer' | 'team' | 'virtual_key';
  readonly entries: readonly Entry<E>[] | undefined;
  readonly store: (stores: GovernanceStores) => EntityStore<T & { readonly id: string }>;
  /** Writes the record of an entry, in a transaction; gives its id. */
  readonly write: (entry: E, row: T | undefined, at: GovernanceStores, record: RecordFields) => Promise<string>;
}
interface RecordFields {
  readonly config_hash: string;
  readonly created_at: number;
}
type Named = { readonly id?: string | undefined; readonly name: string };

/**
 * Brings the customers, teams and virtual keys of config.json into the database, by the rule of the servers: an entry that is
 * still what its row was last written from keeps the row, an entry that changed wins. Runs after the servers, which keys name.
 */
export async function reconcileGovernance(work: Work): Promise<Reconciled[]> {
  const { section = {}, stores, rules, log } = work;
  const entries = collectEntries(section);
  for (const orphan of entries.orphans) log.error(`config.json: ${orphan}`);
  /** What the file calls an entity, where its row has another id. */
  const rename = new Map<string, string>();
  const idOf = (pointer: string | null | undefined) => (pointer ? (rename.get(pointer) ?? pointer) : pointer);

  const customers = await reconcileKind<CustomerEntry, Customer>(work, rename, {
    label: 'Customer',
    entity: 'customer',
    entries: entries.customers,
    store: (stores) => stores.customers,
    async write(entry, row, at, record) {
      const customer = { ...rules.customerFromEntry(entry, row, await references(at)), ...record };
      await (row === undefined ? at.customers.insert(customer) : at.customers.update(customer));
      return customer.id;
    },
  });
  const teams = await reconcileKind<TeamEntry, Team>(work, rename, {
    label: 'Team',
    entity: 'team',
    entries: entries.teams,
    store: (stores) => stores.teams,
    async write(entry, row, at, record) {
      const resolved = { ...entry, customer_id: idOf(entry.customer_id) };
      const team = { ...rules.teamFromEntry(resolved, row, await references(at)), ...record };
      await (row === undefined ? at.teams.insert(team) : at.teams.update(team));
      return team.id;
    },
  });
  const clients = section.virtual_keys === undefined ? [] : await stores.clients.list();
  const keys = await reconcileKind<VirtualKeyEntry, VirtualKey>(work, rename, {
    label: 'Virtual key',
    entity: 'virtual_key',
    entries: entries.virtual_keys,
    store: (stores) => stores.keys,
    async write(entry, row, at, record) {
      const resolved = { ...entry, customer_id: idOf(entry.customer_id), team_id: idOf(entry.team_id) };
      const context = { ...(await references(at)), clients };
      const { key, grants } = rules.keyFromEntry(resolved, row, context);
      await (row === undefined ? at.keys.insert({ ...key, ...record }) : at.keys.update({ ...key, ...record }));
      await at.grants.replaceOfKey(key.id, grants);
      return key.id;
    },
  });
  await refreshValues(work);
  return [...customers, ...teams, ...keys];
}

async function references({ names, providerKeys }: GovernanceStores): Promise<References> {
  const ids = async (rows: Promise<{ id: string }[]>) => new Set((await rows).map(({ id }) => id));
  const [teams, customers] = [await ids(names.teams()), await ids(names.customers())];
  return {
    now: Date.now(),
    hasTeam: (id) => teams.has(id),
    hasCustomer: (id) => customers.has(id),
    providerKeys: await providerKeys.names(),
  };
}

async function reconcileKind<E extends Named, T extends Customer>(
  work: Work,
  rename: Map<string, string>,
  kind: Kind<E, T>,
): Promise<Reconciled[]> {
  const { isFileTheTruth, commit, stores, log } = work;
  if (kind.entries === undefined) return [];
  const rows = await kind.store(stores).list();
  const match = matcher(rows);
  const claimed = new Set<T>();
  const results: Reconciled[] = [];
  const tell = (name: string, outcome: Reconciled['outcome'], reason?: string) => {
    results.push({ name, outcome });
    const message = `${kind.label} "${name}" of config.json: ${outcome}`;
    if (reason === undefined) log.info(message);
    else log.error(`${message}, ${reason}`);
  };

  const startedAt = Date.now();
  for (const [index, { entry, fault }] of kind.entries.entries()) {
    const row = match(entry);
    if (row !== undefined && claimed.has(row)) {
      tell(entry.name, 'refused', 'an earlier entry names the same one');
      continue;
    }
    if (row !== undefined) claimed.add(row);
    try {
      if (fault !== undefined) throw fault;
      // One after the other in time too, so that lists keep the order of the file.
      tell(entry.name, await reconcileEntry(entry, row, startedAt + index, work, kind));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      tell(entry.name, 'refused', error.message);
    }
  }
  for (const row of isFileTheTruth ? rows.filter((row) => !claimed.has(row)) : []) {
    await commit({ entity: kind.entity, id: row.id }, async (at) => {
      await kind.store(at).remove(row.id);
      return undefined;
    });
    tell(row.name, 'pruned');
  }
  await noteIds(kind, stores, rename);
  return results;
}

/** Other entries may point to a row by the id in the file, or by its name, though the row had an id already. */
async function noteIds<E extends Named, T extends Customer>(
  { entries = [], store }: Kind<E, T>,
  stores: GovernanceStores,
  rename: Map<string, string>,
): Promise<void> {
  const match = matcher(await store(stores).list());
  const found = entries.flatMap(({ entry }) => {
    const row = match(entry);
    return row === undefined ? [] : [{ entry, id: row.id }];
  });
  for (const { entry, id } of found) rename.set(entry.name, id);
  // After the names: an id means its own entry, also when another one is called the same.
  for (const { entry, id } of found) if (entry.id !== undefined) rename.set(entry.id, id);
}

/** Finds the row of an entry: by id, else by name. */
function matcher<T extends Customer>(rows: readonly T[]): (entry: Named) => T | undefined {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const byName = new Map(rows.map((row) => [row.name, row]));
  return ({ id, name }) => (id === undefined ? undefined : byId.get(id)) ?? byName.get(name);
}

async function reconcileEntry<E extends Named, T extends Customer>(
  entry: E,
  row: T | undefined,
  now: number,
  { commit, stores }: Work,
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

/** Values that the environment or a file holds are looked up by their hash, which is made anew at each start. */
async function refreshValues({ commit, stores, rules, log }: Work): Promise<void> {
  for (const key of await stores.keys.listReferences()) {
    if (rules.refreshValue(key) === undefined) continue;
    await commit({ entity: 'virtual_key', id: key.id, action: 'rotate' }, async ({ keys }) => {
      const stored = await keys.find(key.id);
      const fresh = stored && rules.refreshValue(stored);
      if (fresh !== undefined) await keys.update(fresh);
      return stored?.id;
    });
    const { problem } = key.value;
    if (problem === undefined) log.info(`Virtual key "${key.name}": its value was read again`);
    else log.error(`Virtual key "${key.name}": ${problem}; the key opens nothing`);
  }
}
