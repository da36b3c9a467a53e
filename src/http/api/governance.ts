import { z } from 'zod';
import { BudgetView, RateLimitView } from '../../contract/governance.ts';
import type { Directory } from '../../governance/directory.ts';
import type { RequestHeaders } from '../identify.ts';
import { route, type Route } from '../route.ts';
import { virtualKeyRoutes } from './governance-keys.ts';
import { customerRoutes, teamRoutes } from './governance-owners.ts';
import { quotaRoute } from './governance-quota.ts';

interface Deps {
  readonly directory: Directory;
  /** The id of the virtual key that a request presents. Throws when there is none, or nobody has it. */
  readonly identifyKey: (headers: RequestHeaders) => string | Promise<string>;
  /** Settles when it is known what was used of budgets and limits; undefined: it always is. */
  readonly learnUsage?: () => Promise<void>;
}

/** `/api/governance/*`: virtual keys, teams, customers, budgets and rate limits. */
export function governanceRoutes({ directory, identifyKey, learnUsage }: Deps): readonly Route[] {
  const quota = async (id: string) => {
    await learnUsage?.();
    return directory.keys.quota(id);
  };
  const routes = [
    ...virtualKeyRoutes(directory.keys),
    ...teamRoutes(directory.teams),
    ...customerRoutes(directory.customers),
    ...limitRoutes(directory),
  ];
  return [quotaRoute({ quota, identifyKey }), ...routes.map((each) => withUsage(each, learnUsage))];
}

/** A route that says what was used, in its answer or in the record of a change: it learns that first. */
export function withUsage(route: Route, learnUsage: (() => Promise<void>) | undefined): Route {
  if (route.method === 'post' || learnUsage === undefined) return route;
  return {
    ...route,
    async run(...input) {
      await learnUsage();
      return route.run(...input);
    },
  };
}

function limitRoutes(directory: Directory): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/governance/budgets',
      summary: 'List the budgets',
      description: 'Of all keys, teams and customers, with what is used of them.',
      scope: 'read',
      response: z.object({ budgets: z.array(BudgetView), count: z.int() }),
      async handle() {
        const budgets = await directory.listBudgets();
        return { budgets, count: budgets.length };
      },
    }),
    route({
      method: 'get',
      path: '/api/governance/rate-limits',
      summary: 'List the rate limits',
      description: 'Of all keys, teams and customers, with what is used of them.',
      scope: 'read',
      response: z.object({ rate_limits: z.array(RateLimitView), count: z.int() }),
      async handle() {
        const rate_limits = await directory.listRateLimits();
        return { rate_limits, count: rate_limits.length };
      },
    }),
  ];
}
