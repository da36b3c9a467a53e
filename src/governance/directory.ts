import type { BudgetView, RateLimitView } from '../contract/governance.ts';
import { createKeyDirectory } from './directory-keys.ts';
import type { DirectoryDeps } from './directory-deps.ts';
import { createCustomerDirectory, createTeamDirectory } from './directory-owners.ts';
import type { CustomerDirectory, TeamDirectory } from './directory-owners.ts';
import type { KeyDirectory } from './key-directory.ts';
import { budgetView, rateLimitView } from './limit-views.ts';

/** Virtual keys, teams and customers as the management API reads and writes them. A write is live when it resolves. */
export interface Directory {
  readonly keys: KeyDirectory;
  readonly teams: TeamDirectory;
  readonly customers: CustomerDirectory;
  listBudgets(): Promise<BudgetView[]>;
  listRateLimits(): Promise<RateLimitView[]>;
}

export function createDirectory(deps: DirectoryDeps): Directory {
  const { stores, usage } = deps;
  return {
    keys: createKeyDirectory(deps),
    teams: createTeamDirectory(deps),
    customers: createCustomerDirectory(deps),
    listBudgets: async () => (await stores.limits.listBudgets()).map((owned) => budgetView(owned, usage)),
    listRateLimits: async () => (await stores.limits.listRateLimits()).map(({ limit }) => rateLimitView(limit, usage)),
  };
}
