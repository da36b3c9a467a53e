import type { BudgetView, RateLimitView } from '../contract/governance.ts';
import { toUsd } from '../lib/money.ts';
import type { WindowSpec } from '../lib/window.ts';
import type { Budget, Limited, OwnerKind, RateLimit } from '../store/governance.ts';
import type { Owned } from '../store/limits.ts';
import type { Usage } from './counters.ts';
import { budgetCounter, rateCounter } from './limits.ts';

/** What is used of a counter in its current window: nano-dollars, requests or tokens. */
export type ReadUsage = (spec: WindowSpec, counterId: string) => Usage;

/** Epoch milliseconds as the wire writes them. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** A budget as it is shown. */
export function budgetView({ limit, owner_kind, owner_id }: Owned<Budget>, usage: ReadUsage): BudgetView {
  const { quarter_start_month: month, override_amount: amount, override_until: until, ...budget } = limit;
  const { id, spec } = budgetCounter(limit);
  const { used, window_start } = usage(spec, id);
  const isOverridden = amount !== undefined && (until === undefined || until > Date.now());
  return {
    id: budget.id,
    max_limit: budget.max_limit,
    reset_duration: budget.reset_duration,
    calendar_aligned: budget.calendar_aligned,
    ...(month === undefined ? {} : { reset_config: { quarter_start_month: month } }),
    current_usage: toUsd(used),
    last_reset: isoTime(window_start),
    ...ownerPointer(owner_kind, owner_id),
    ...(isOverridden ? { override_amount: amount, override_mode: until === undefined ? 'forever' : 'cycles' } : {}),
    created_at: isoTime(budget.created_at),
    updated_at: isoTime(budget.updated_at),
  };
}

/** A rate limit as it is shown. */
export function rateLimitView(limit: RateLimit, usage: ReadUsage): RateLimitView {
  const half = (what: 'tokens' | 'requests'): { used: number; reset: string | null } => {
    const counter = rateCounter(limit, what);
    if (counter === undefined) return { used: 0, reset: null };
    const { used, window_start } = usage(counter.spec, counter.id);
    return { used, reset: isoTime(window_start) };
  };
  const tokens = half('tokens');
  const requests = half('requests');
  return {
    id: limit.id,
    token_max_limit: limit.token_max_limit ?? null,
    token_reset_duration: limit.token_reset_duration ?? null,
    token_current_usage: tokens.used,
    token_last_reset: tokens.reset,
    request_max_limit: limit.request_max_limit ?? null,
    request_reset_duration: limit.request_reset_duration ?? null,
    request_current_usage: requests.used,
    request_last_reset: requests.reset,
    created_at: isoTime(limit.created_at),
    updated_at: isoTime(limit.updated_at),
  };
}

/** The budgets and limits of one owner, as they are shown with it. */
export function limitsView(
  owner_kind: OwnerKind,
  owner_id: string,
  { budgets, rate_limit }: Limited,
  usage: ReadUsage,
) {
  return {
    budgets: budgets.map((limit) => budgetView({ owner_kind, owner_id, limit }, usage)),
    rate_limit_id: rate_limit?.id ?? null,
    ...(rate_limit === undefined ? {} : { rate_limit: rateLimitView(rate_limit, usage) }),
  };
}

function ownerPointer(kind: OwnerKind, id: string): Partial<BudgetView> {
  switch (kind) {
    case 'virtual_key':
      return { virtual_key_id: id };
    case 'team':
      return { team_id: id };
    case 'customer':
      return { customer_id: id };
    case 'provider_config':
      return { provider_config_id: Number(id) };
  }
}
