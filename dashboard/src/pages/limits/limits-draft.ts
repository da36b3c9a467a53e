import type { BudgetInput, BudgetView, RateLimitInput, RateLimitView } from '../../../../src/contract/governance.ts';

/** A budget as it is edited. */
export type BudgetDraft = Pick<BudgetView, 'max_limit' | 'reset_duration' | 'calendar_aligned'>;

/** A limit as it is edited; without a maximum its half does not exist. */
export interface RateDraft {
  readonly request_max_limit: number | null;
  readonly request_reset_duration: string;
  readonly token_max_limit: number | null;
  readonly token_reset_duration: string;
}

/** The budgets and limits of a key, a team or a customer. */
export interface LimitsDraft {
  readonly budgets: readonly BudgetDraft[];
  readonly rate_limit: RateDraft;
}

interface Limited {
  readonly budgets: readonly BudgetView[];
  readonly rate_limit?: RateLimitView | undefined;
}

/** What is stored as a draft. */
export function limitsDraftOf({ budgets, rate_limit }: Limited): LimitsDraft {
  return {
    budgets: budgets.map(({ max_limit, reset_duration, calendar_aligned }) => ({
      max_limit,
      reset_duration,
      calendar_aligned,
    })),
    rate_limit: {
      request_max_limit: rate_limit?.request_max_limit ?? null,
      request_reset_duration: rate_limit?.request_reset_duration ?? '1m',
      token_max_limit: rate_limit?.token_max_limit ?? null,
      token_reset_duration: rate_limit?.token_reset_duration ?? '1m',
    },
  };
}

/** The changed limits as the API takes them. */
export function limitsUpdate({ budgets, rate_limit }: Partial<LimitsDraft>): {
  budgets?: BudgetInput[];
  rate_limit?: RateLimitInput;
} {
  return {
    ...(budgets === undefined ? {} : { budgets: [...budgets] }),
    ...(rate_limit === undefined ? {} : { rate_limit: rateUpdate(rate_limit) }),
  };
}

function rateUpdate(rate: RateDraft): RateLimitInput {
  const half = (name: 'request' | 'token'): RateLimitInput => {
    const max = rate[`${name}_max_limit`];
    return max === null
      ? {}
      : { [`${name}_max_limit`]: max, [`${name}_reset_duration`]: rate[`${name}_reset_duration`] };
  };
  return { ...half('request'), ...half('token') };
}
