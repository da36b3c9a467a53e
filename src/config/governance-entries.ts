import type { CustomerEntry, GovernanceSection, TeamEntry, VirtualKeyEntry } from '../contract/config.ts';
import { GatewayError } from '../lib/errors.ts';

type Budgets = NonNullable<VirtualKeyEntry['budgets']>;
type Limits = Pick<VirtualKeyEntry, 'budgets' | 'budget' | 'rate_limit'> & {
  readonly rate_limit_id?: string | null | undefined;
};

/** An entry with its budgets and limits in place, or why that cannot be. */
export interface Entry<E> {
  readonly entry: E;
  readonly fault: GatewayError | undefined;
}

/** The entries of the file; undefined for a section that it does not have. */
export interface GovernanceEntries {
  readonly customers: readonly Entry<CustomerEntry>[] | undefined;
  readonly teams: readonly Entry<TeamEntry>[] | undefined;
  readonly virtual_keys: readonly Entry<VirtualKeyEntry>[] | undefined;
  /** What is written but belongs to nothing. */
  readonly orphans: readonly string[];
}

/** Brings the budgets and rate limits that stand in lists of their own to their owners. */
export function collectEntries(section: GovernanceSection): GovernanceEntries {
  const { budgets = [], rate_limits = [] } = section;
  const used = new Set<object>();

  const settle = <L extends Limits>(limits: L, isOwner: (budget: (typeof budgets)[number]) => boolean): L => {
    const own = budgets.filter(isOwner);
    for (const budget of own) used.add(budget);
    const pointed = own.map(
      ({
        id: _id,
        virtual_key_id: _key,
        team_id: _team,
        customer_id: _customer,
        provider_config_id: _config,
        ...budget
      }) => budget,
    );
    if (limits.budgets && limits.budget)
      throw new GatewayError('invalid_request', 'budget: send either budget or budgets, not both');
    const inline: Budgets = limits.budgets ?? (limits.budget ? [limits.budget] : []);
    return { ...limits, budget: undefined, budgets: [...inline, ...pointed], rate_limit: findLimit(limits) };
  };
  const findLimit = ({ rate_limit, rate_limit_id: id }: Limits): Limits['rate_limit'] => {
    // What stands with its owner wins: an entry copied from the API has both.
    if (rate_limit || !id) return rate_limit;
    const found = rate_limits.find((limit) => limit.id === id);
    // Without its limit the owner would be let do more than the file means.
    if (found === undefined)
      throw new GatewayError('invalid_request', `rate_limit_id: there is no rate limit "${id}" in the file`);
    const { id: _id, ...limit } = found;
    return limit;
  };
  const attempt = <E extends Limits>(entry: E, run: () => E): Entry<E> => {
    try {
      return { entry: run(), fault: undefined };
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { entry, fault: error };
    }
  };

  const customers = section.customers?.map((entry) => {
    return attempt(entry, () => settle(entry, ({ customer_id: id }) => isNamed(entry, id)));
  });
  const teams = section.teams?.map((entry) =>
    attempt(entry, () => settle(entry, ({ team_id: id }) => isNamed(entry, id))),
  );
  const virtual_keys = section.virtual_keys?.map((entry) =>
    attempt(entry, () => ({
      ...settle(entry, ({ virtual_key_id: id }) => isNamed(entry, id)),
      provider_configs: entry.provider_configs?.map((config) => {
        return settle(config, ({ provider_config_id: id }) => id != null && id === config.id);
      }),
    })),
  );
  const orphans = budgets.flatMap((budget, index) => {
    return used.has(budget)
      ? []
      : [`governance.budgets[${index}] names no owner that is in this file; it has no effect`];
  });
  return { customers, teams, virtual_keys, orphans };
}

/** Owners are named by id, or by name where the file gives them none. */
function isNamed(
  { id, name }: { readonly id?: string | undefined; readonly name: string },
  pointer: string | null | undefined,
): boolean {
  return Boolean(pointer) && pointer === (id ?? name);
}
