import type {
  CustomerCreate,
  CustomerUpdate,
  CustomerView,
  TeamCreate,
  TeamUpdate,
  TeamView,
} from '../contract/governance.ts';
import type { Customer, EntityStore, Team } from '../store/governance.ts';
import type { GovernanceStores } from '../store/governance-stores.ts';
import type { NameRow } from '../store/owner-names.ts';
import { writeInTurn } from '../store/write-lock.ts';
import type { DirectoryDeps } from './directory-deps.ts';
import { announce, byId, loadRuleContext, unknownEntity } from './directory-writes.ts';
import { applyCustomer, applyTeam, newCustomer, newTeam, type RuleContext } from './entity-rules.ts';
import { customerView, teamView } from './entity-views.ts';

/** Reads and writes of one kind of owner. */
interface OwnerDirectory<Create, Update, View> {
  /** Oldest first. */
  list(): Promise<View[]>;
  get(id: string): Promise<View>;
  create(body: Create): Promise<View>;
  update(id: string, body: Update): Promise<View>;
  /** What belonged to it stays, on its own. */
  remove(id: string): Promise<void>;
}
export type TeamDirectory = OwnerDirectory<TeamCreate, TeamUpdate, TeamView>;
export type CustomerDirectory = OwnerDirectory<CustomerCreate, CustomerUpdate, CustomerView>;

/** What is different between teams and customers. */
interface Kind<T extends Customer, Create, Update, View> {
  readonly name: 'team' | 'customer';
  readonly table: 'teams' | 'customers';
  store(stores: GovernanceStores): EntityStore<T>;
  make(body: Create, context: RuleContext): T;
  apply(stored: T, body: Update, context: RuleContext): T;
  views(entities: readonly T[]): Promise<View[]>;
  /** The rows that lose their owner, by table. */
  detached(stores: GovernanceStores, id: string): Promise<{ keys: readonly NameRow[]; teams: readonly NameRow[] }>;
}

export function createTeamDirectory(deps: DirectoryDeps): TeamDirectory {
  return createOwnerDirectory<Team, TeamCreate, TeamUpdate, TeamView>(deps, {
    name: 'team',
    table: 'teams',
    store: ({ teams }) => teams,
    make: newTeam,
    apply: (stored, body, context) => applyTeam(stored, body, context),
    async views(teams) {
      const { names } = deps.stores;
      const keys = Map.groupBy(await names.attachedKeys(), (key) => key.team_id);
      const customers = byId(await names.customers());
      return teams.map((team) => teamView(team, { keys: keys.get(team.id) ?? [], customers }, deps));
    },
    async detached({ names }, id) {
      return { keys: (await names.attachedKeys()).filter((key) => key.team_id === id), teams: [] };
    },
  });
}

export function createCustomerDirectory(deps: DirectoryDeps): CustomerDirectory {
  return createOwnerDirectory<Customer, CustomerCreate, CustomerUpdate, CustomerView>(deps, {
    name: 'customer',
    table: 'customers',
    store: ({ customers }) => customers,
    make: newCustomer,
    apply: (stored, body, context) => applyCustomer(stored, body, context),
    async views(customers) {
      const { names } = deps.stores;
      const keys = Map.groupBy(await names.attachedKeys(), (key) => key.customer_id);
      const teams = Map.groupBy(await names.teams(), (team) => team.customer_id);
      return customers.map((customer) => {
        return customerView(customer, { keys: keys.get(customer.id) ?? [], teams: teams.get(customer.id) ?? [] }, deps);
      });
    },
    async detached({ names }, id) {
      const isOf = (row: NameRow) => row.customer_id === id;
      return { keys: (await names.attachedKeys()).filter(isOf), teams: (await names.teams()).filter(isOf) };
    },
  });
}

function createOwnerDirectory<T extends Customer, Create extends CustomerCreate, Update extends CustomerUpdate, View>(
  deps: DirectoryDeps,
  kind: Kind<T, Create, Update, View>,
): OwnerDirectory<Create, Update, View> {
  const { database, stores, changes } = deps;

  const get = async (id: string): Promise<View> => {
    const entity = await kind.store(stores).find(id);
    const [view] = entity === undefined ? [] : await kind.views([entity]);
    if (view === undefined) throw unknownEntity(kind.name, id);
    return view;
  };

  return {
    get,
    list: async () => kind.views(await kind.store(stores).list()),

    async create(body) {
      const { id } = await writeInTurn(database, async (tx) => {
        const at = stores.with(tx);
        const entity = kind.make(body, await loadRuleContext(at, body));
        await kind.store(at).insert(entity);
        return entity;
      });
      await announce(changes, kind.table, [id]);
      return get(id);
    },

    async update(id, body) {
      const { budgets } = await writeInTurn(database, async (tx) => {
        const at = stores.with(tx);
        const stored = await kind.store(at).find(id);
        if (stored === undefined) throw unknownEntity(kind.name, id);
        const entity = kind.apply(stored, body, await loadRuleContext(at, body));
        await kind.store(at).update(entity);
        return entity;
      });
      await announce(changes, kind.table, [id]);
      if (body.reset_budget_usage === true) await deps.resetUsage(budgets.map((budget) => budget.id));
      return get(id);
    },

    async remove(id) {
      const detached = await writeInTurn(database, async (tx) => {
        const at = stores.with(tx);
        const rows = await kind.detached(at, id);
        if (!(await kind.store(at).remove(id))) throw unknownEntity(kind.name, id);
        return rows;
      });
      await announce(changes, kind.table, [id]);
      await announce(
        changes,
        'teams',
        detached.teams.map((team) => team.id),
      );
      await announce(
        changes,
        'virtual_keys',
        detached.keys.map((key) => key.id),
      );
    },
  };
}
