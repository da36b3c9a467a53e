import type { CustomerEntry, GovernanceSection, TeamEntry, VirtualKeyEntry } from '../contract/config.ts';
import type { Customer, Team, VirtualKey } from '../store/governance.ts';
import type { GovernanceStores } from '../store/governance-stores.ts';
import type { Grant } from '../store/grants.ts';
import type { KeyName } from '../store/provider-keys.ts';
import { collectEntries } from './governance-entries.ts';
import { readIds, reconcileKind, type Kind, type KindWork } from './reconcile-kind.ts';
import type { Reconciled } from './reconcile.ts';

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

interface Work extends KindWork {
  /** `governance` of the file; undefined leaves the database alone. */
  readonly section: GovernanceSection | undefined;
  readonly rules: EntryRules;
}

/**
 * Brings the customers, teams and virtual keys of config.json into the database, by the rule of the servers: an entry that is
 * still what its row was last written from keeps the row, an entry that changed wins. Runs after the servers, which keys name.
 */
export async function reconcileGovernance(work: Work): Promise<Reconciled[]> {
  const { section = {}, stores, rules, log } = work;
  const entries = collectEntries(section);
  for (const orphan of entries.orphans) log.error(`config.json: ${orphan}`);

  const customers: Kind<CustomerEntry, Customer> = {
    label: 'Customer',
    entity: 'customer',
    entries: entries.customers,
    store: (stores) => stores.customers,
    async write(entry, row, at, record) {
      const customer = { ...rules.customerFromEntry(entry, row, await references(at)), ...record };
      await (row === undefined ? at.customers.insert(customer) : at.customers.update(customer));
      return customer.id;
    },
  };
  const results = await reconcileKind(work, customers);
  const customerId = renamer(await readIds(stores, customers));
  const teams: Kind<TeamEntry, Team> = {
    label: 'Team',
    entity: 'team',
    entries: entries.teams,
    store: (stores) => stores.teams,
    async write(entry, row, at, record) {
      const resolved = { ...entry, customer_id: customerId(entry.customer_id) };
      const team = { ...rules.teamFromEntry(resolved, row, await references(at)), ...record };
      await (row === undefined ? at.teams.insert(team) : at.teams.update(team));
      return team.id;
    },
  };
  results.push(...(await reconcileKind(work, teams)));
  const teamId = renamer(await readIds(stores, teams));
  const clients = section.virtual_keys === undefined ? [] : await stores.clients.list();
  const keys: Kind<VirtualKeyEntry, VirtualKey> = {
    label: 'Virtual key',
    entity: 'virtual_key',
    entries: entries.virtual_keys,
    store: (stores) => stores.keys,
    async write(entry, row, at, record) {
      const resolved = { ...entry, customer_id: customerId(entry.customer_id), team_id: teamId(entry.team_id) };
      const context = { ...(await references(at)), clients };
      const { key, grants } = rules.keyFromEntry(resolved, row, context);
      await (row === undefined ? at.keys.insert({ ...key, ...record }) : at.keys.update({ ...key, ...record }));
      await at.grants.replaceOfKey(key.id, grants);
      return key.id;
    },
  };
  results.push(...(await reconcileKind(work, keys)));
  await refreshValues(work);
  return results;
}

/** Gives the id of what the file points to, where its row has another one than the file says. */
function renamer(ids: ReadonlyMap<string, string>) {
  return (pointer: string | null | undefined) => (pointer ? (ids.get(pointer) ?? pointer) : pointer);
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
