import type { BudgetView, RateLimitView } from '../contract/governance.ts';
import type { Budget, Limited, OwnerKind, RateLimit } from '../store/governance.ts';
import type { Owned } from '../store/limits.ts';

/** What is used of a budget or limit in its current window. */
export interface Usage {
  /** Nano-dollars, requests or tokens, whole. */
  readonly used: number;
  /** Epoch milliseconds. */
  readonly window_start: number;
  readonly window_end: number;
}

/** Usage by counter: the id of a budget, `<id>:requests` or `<id>:tokens` of a rate limit. Undefined: nothing was counted. */
export type ReadUsage = (counterId: string) => Usage | undefined;

const NANO = 1e9;

/** Epoch milliseconds as the wire writes them. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** A budget as it is shown. */
export function budgetView({ limit, owner_kind, owner_id }: Owned<Budget>, usage: ReadUsage): BudgetView {
  const { quarter_start_month: month, override_amount: amount, override_until: until, ...budget } = limit;
  const now = usage(budget.id);
  const isOverridden = amount !== undefined && (until === undefined || until > Date.now());
  return {
    id: budget.id,
    max_limit: budget.max_limit,
    reset_duration: budget.reset_duration,
    calendar_aligned: budget.calendar_aligned,
    ...(month === undefined ? {} : { reset_config: { quarter_start_month: month } }),
    current_usage: (now?.used ?? 0) / NANO,
    last_reset: isoTime(now?.window_start ?? budget.created_at),
    ...ownerPointer(owner_kind, owner_id),
    ...(isOverridden ? { override_amount: amount, override_mode: until === undefined ? 'forever' : 'cycles' } : {}),
    created_at: isoTime(budget.created_at),
    updated_at: isoTime(budget.updated_at),
  };
}

/** A rate limit as it is shown. */
export function rateLimitView(limit: RateLimit, usage: ReadUsage): RateLimitView {
  const half = (max: number | undefined, counter: string) => {
    const now = usage(`${limit.id}:${counter}`);
    return { used: now?.used ?? 0, reset: max === undefined ? null : isoTime(now?.window_start ?? limit.created_at) };
  };
  const tokens = half(limit.token_max_limit, 'tokens');
  const requests = half(limit.request_max_limit, 'requests');
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
