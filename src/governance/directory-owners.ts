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
import type { Actor } from './audit.ts';
import type { DirectoryDeps } from './directory-deps.ts';
import { viewCustomers, viewTeams } from './directory-views.ts';
import { announce, loadRuleContext, unknownEntity, writeRecorded } from './directory-writes.ts';
import { applyCustomer, applyTeam, newCustomer, newTeam, type RuleContext } from './entity-rules.ts';
import { budgetResets, entityChange } from './recorded-changes.ts';

/** Reads and writes of one kind of owner. */
interface OwnerDirectory<Create, Update, View> {
  /** Oldest first. */
  list(): Promise<View[]>;
  get(id: string): Promise<View>;
  create(body: Create, actor: Actor): Promise<View>;
  update(id: string, body: Update, actor: Actor): Promise<View>;
  /** What belonged to it stays, on its own. */
  remove(id: string, actor: Actor): Promise<void>;
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
  views(stores: GovernanceStores, entities: readonly T[]): Promise<View[]>;
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
    views: (stores, teams) => viewTeams(stores, teams, deps),
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
    views: (stores, customers) => viewCustomers(stores, customers, deps),
    async detached({ names }, id) {
      const isOf = (row: NameRow) => row.customer_id === id;
      return { keys: (await names.attachedKeys()).filter(isOf), teams: (await names.teams()).filter(isOf) };
    },
  });
}

function createOwnerDirectory<
  T extends Customer,
  Create extends CustomerCreate,
  Update extends CustomerUpdate,
  View extends TeamView | CustomerView,
>(deps: DirectoryDeps, kind: Kind<T, Create, Update, View>): OwnerDirectory<Create, Update, View> {
  const { stores, changes } = deps;

  const find = async (at: GovernanceStores, id: string): Promise<T> => {
    const entity = await kind.store(at).find(id);
    if (entity === undefined) throw unknownEntity(kind.name, id);
    return entity;
  };
  const get = async (id: string, at = stores): Promise<View> => {
    const [view] = await kind.views(at, [await find(at, id)]);
    if (view === undefined) throw unknownEntity(kind.name, id);
    return view;
  };

  return {
    get: (id) => get(id),
    list: async () => kind.views(stores, await kind.store(stores).list()),

    async create(body, actor) {
      const { id } = await writeRecorded(deps, actor, async (at) => {
        const entity = kind.make(body, await loadRuleContext(at, body));
        await kind.store(at).insert(entity);
        return { result: entity, record: entityChange(kind.name, undefined, await get(entity.id, at)) };
      });
      await announce(changes, kind.table, [id]);
      return get(id);
    },

    async update(id, body, actor) {
      const isReset = body.reset_budget_usage === true;
      const { budgets } = await writeRecorded(deps, actor, async (at) => {
        const before = await get(id, at);
        const entity = kind.apply(await find(at, id), body, await loadRuleContext(at, body));
        await kind.store(at).update(entity);
        const after = await get(id, at);
        const resets = isReset ? budgetResets(after, after.budgets) : [];
        return { result: entity, record: [...entityChange(kind.name, before, after), ...resets] };
      });
      await announce(changes, kind.table, [id]);
      if (isReset) await deps.resetUsage(budgets.map((budget) => budget.id));
      return get(id);
    },

    async remove(id, actor) {
      const detached = await writeRecorded(deps, actor, async (at) => {
        // Names what belonged to it, and so what is set free.
        const before = await get(id, at);
        const rows = await kind.detached(at, id);
        await kind.store(at).remove(id);
        return { result: rows, record: entityChange(kind.name, before, undefined) };
      });
      const idOf = (row: NameRow): string => row.id;
      await announce(changes, kind.table, [id]);
      await announce(changes, 'teams', detached.teams.map(idOf));
      await announce(changes, 'virtual_keys', detached.keys.map(idOf));
    },
  };
}
