import { setImmediate } from 'node:timers/promises';
import type { BudgetView, CustomerView, TeamView, VirtualKeyView } from '../contract/governance.ts';
import type { Budget, Customer, Team, VirtualKey } from '../store/governance.ts';
import type { GovernanceStores } from '../store/governance-stores.ts';
import { byId, unknownEntity } from './directory-writes.ts';
import { customerView, keyView, teamView, type ViewContext } from './entity-views.ts';
import { budgetView } from './limit-views.ts';

/** Keys that are put into words at a stretch: others wait no longer than that. */
const AT_ONCE = 200;

/** Keys as reads show them. `areFew`: few enough to name each in a statement. */
export async function viewKeys(
  { names, grants, providerKeys: keysOfProviders }: GovernanceStores,
  keys: readonly VirtualKey[],
  context: ViewContext,
  areFew: boolean,
): Promise<VirtualKeyView[]> {
  const filter = areFew ? { virtual_key_id: keys.map((key) => key.id) } : {};
  const byKey = Map.groupBy(keys.length === 0 ? [] : await grants.list(filter), (grant) => grant.virtual_key_id);
  const teams = byId(keys.some((key) => key.team_id !== undefined) ? await names.teams() : []);
  const customers = byId(keys.some((key) => key.customer_id !== undefined) ? await names.customers() : []);
  const providerKeys = keys.some((key) => key.provider_configs.length > 0) ? await keysOfProviders.names() : [];
  const told = { ...context, describeClient: onceEach(context.describeClient) };
  const views: VirtualKeyView[] = [];
  for (const key of keys) {
    if (views.length > 0 && views.length % AT_ONCE === 0) await setImmediate();
    views.push(keyView(key, { grants: byKey.get(key.id) ?? [], teams, customers, providerKeys }, told));
  }
  return views;
}

/** Asks once for each server, and not once for each grant. */
function onceEach(describe: ViewContext['describeClient']): ViewContext['describeClient'] {
  const known = new Map<string, Readonly<Record<string, unknown>>>();
  return (id) => {
    const described = known.get(id) ?? { ...describe(id), client_id: id };
    known.set(id, described);
    return described;
  };
}

/** One key as reads show it. Throws `not_found` when there is none. */
export async function viewKey(stores: GovernanceStores, id: string, context: ViewContext): Promise<VirtualKeyView> {
  const [view] = await viewKeys(stores, [await findKey(stores, id)], context, true);
  if (view === undefined) throw unknownEntity('virtual key', id);
  return view;
}

/** Throws `not_found` when there is none. */
export async function findKey({ keys }: GovernanceStores, id: string): Promise<VirtualKey> {
  const key = await keys.find(id);
  if (key === undefined) throw unknownEntity('virtual key', id);
  return key;
}

/** Teams as reads show them. */
export async function viewTeams(
  { names }: GovernanceStores,
  teams: readonly Team[],
  context: ViewContext,
): Promise<TeamView[]> {
  const keys = Map.groupBy(await names.attachedKeys(), (key) => key.team_id);
  const customers = byId(await names.customers());
  return teams.map((team) => teamView(team, { keys: keys.get(team.id) ?? [], customers }, context));
}

/** Customers as reads show them. */
export async function viewCustomers(
  { names }: GovernanceStores,
  customers: readonly Customer[],
  context: ViewContext,
): Promise<CustomerView[]> {
  const keys = Map.groupBy(await names.attachedKeys(), (key) => key.customer_id);
  const teams = Map.groupBy(await names.teams(), (team) => team.customer_id);
  return customers.map((customer) => {
    const of = { keys: keys.get(customer.id) ?? [], teams: teams.get(customer.id) ?? [] };
    return customerView(customer, of, context);
  });
}

/** A budget of a key, or of one of its providers, as reads show it. */
export function viewBudgetOf(key: VirtualKey, limit: Budget, { usage }: ViewContext): BudgetView {
  const has = (budgets: readonly Budget[]) => budgets.some(({ id }) => id === limit.id);
  const config = key.provider_configs.find((config) => has(config.budgets));
  return config === undefined
    ? budgetView({ owner_kind: 'virtual_key', owner_id: key.id, limit }, usage)
    : budgetView({ owner_kind: 'provider_config', owner_id: String(config.id), limit }, usage);
}
