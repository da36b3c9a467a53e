import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { BudgetInput, RateLimitInput } from '../contract/governance.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Budget, Limited, RateLimit } from '../store/governance.ts';

/** The error for a field that breaks a rule. */
export function invalid(field: string, rule: string): GatewayError {
  return new GatewayError('invalid_request', `${field}: ${rule}`, { details: { field } });
}

/** The budgets and limits of a body. */
export interface LimitsInput {
  readonly budgets?: readonly BudgetInput[] | null | undefined;
  /** Older spelling of a list with one budget. */
  readonly budget?: BudgetInput | null | undefined;
  readonly rate_limit?: RateLimitInput | null | undefined;
}

/** What the rules for limits need to know besides the body. */
export interface LimitContext {
  readonly now: number;
  /** Where in the body the limits are, such as "provider_configs[0]."; empty at its top. */
  readonly place: string;
  /** The body creates its record: ids in it can only come from a copy, and are passed over. */
  readonly isNew: boolean;
  /** Alignment of new budgets that do not say it themselves. */
  readonly aligned: boolean;
  /** Set when this write changes the alignment: then budgets that it does not speak of follow. */
  readonly realigned: boolean | undefined;
}

/** The budgets and limits after a write. Absent keeps; null, [] and {} clear. */
export function applyLimits(stored: Limited, body: LimitsInput, context: LimitContext): Limited {
  return {
    budgets: applyBudgets(stored.budgets, body, context),
    rate_limit: applyRateLimit(stored.rate_limit, body.rate_limit, context),
  };
}

/** Entries are matched by `reset_duration`: a match keeps its id, and with it what is used of it. */
function applyBudgets(stored: readonly Budget[], body: LimitsInput, context: LimitContext): readonly Budget[] {
  const { aligned, realigned, isNew } = context;
  const { entries, place } = budgetEntries(body, context.place);
  if (entries === undefined) {
    if (realigned === undefined) return stored;
    return stored.map((budget) => touch(budget, { calendar_aligned: realigned }, context));
  }
  const seen = new Set<string>();
  return entries.map((entry, index) => {
    const field = place(index);
    if (seen.has(entry.reset_duration)) throw invalid(`${field}.reset_duration`, `duplicate "${entry.reset_duration}"`);
    seen.add(entry.reset_duration);
    if (entry.id && !isNew && !stored.some((budget) => budget.id === entry.id)) {
      throw invalid(`${field}.id`, `there is no budget "${entry.id}" here`);
    }
    const match = stored.find((budget) => budget.reset_duration === entry.reset_duration);
    const values = {
      max_limit: entry.max_limit,
      calendar_aligned: entry.calendar_aligned ?? realigned ?? match?.calendar_aligned ?? aligned,
      quarter_start_month: quarterStart(entry, match),
    };
    // Created one after the other: the order of the list is the order of their times. Never in the future.
    const created_at = context.now - (entries.length - 1 - index);
    return match === undefined ? newBudget(entry.reset_duration, values, created_at) : touch(match, values, context);
  });
}

function budgetEntries({ budgets, budget }: LimitsInput, place: string) {
  if (budget && budgets) throw invalid(`${place}budget`, 'send either budget or budgets, not both');
  // `budget: null` beside a list says nothing more; alone it clears.
  const single = budget === null && budgets === undefined ? [] : budget ? [budget] : undefined;
  const entries = single ?? (budgets === null ? [] : budgets);
  return { entries, place: (index: number) => (budget ? `${place}budget` : `${place}budgets[${index}]`) };
}

function quarterStart({ reset_config: config }: BudgetInput, match: Budget | undefined): number | undefined {
  if (config === undefined) return match?.quarter_start_month;
  return config === null ? undefined : config.quarter_start_month;
}

type BudgetValues = Pick<Budget, 'max_limit' | 'calendar_aligned' | 'quarter_start_month'>;

function newBudget(reset_duration: string, values: BudgetValues, created_at: number): Budget {
  const override = { override_amount: undefined, override_until: undefined };
  return { id: randomUUID(), reset_duration, ...values, ...override, created_at, updated_at: created_at };
}

function touch<T extends object>(stored: T, values: Partial<T>, { now }: LimitContext): T {
  const next = { ...stored, ...values };
  return isDeepStrictEqual(next, stored) ? stored : { ...next, updated_at: now };
}

const HALVES = ['token', 'request'] as const;

function applyRateLimit(
  stored: RateLimit | undefined,
  sent: RateLimitInput | null | undefined,
  context: LimitContext,
): RateLimit | undefined {
  if (sent === undefined) return stored;
  if (sent === null || Object.keys(sent).length === 0) return undefined;
  const field = `${context.place}rate_limit`;
  const known = HALVES.flatMap((half) => [`${half}_max_limit`, `${half}_reset_duration`] as const);
  if (!known.some((name) => Object.hasOwn(sent, name))) throw invalid(field, `must name one of ${known.join(', ')}`);
  for (const half of HALVES) {
    const [max, duration] = [sent[`${half}_max_limit`] ?? undefined, sent[`${half}_reset_duration`] ?? undefined];
    if (max !== undefined && duration === undefined) {
      throw invalid(`${field}.${half}_reset_duration`, `is needed with ${half}_max_limit`);
    }
    if (max === undefined && duration !== undefined) {
      throw invalid(`${field}.${half}_max_limit`, `is needed with ${half}_reset_duration`);
    }
  }
  const values = {
    token_max_limit: sent.token_max_limit ?? undefined,
    token_reset_duration: sent.token_reset_duration ?? undefined,
    request_max_limit: sent.request_max_limit ?? undefined,
    request_reset_duration: sent.request_reset_duration ?? undefined,
  };
  if (Object.values(values).every((value) => value === undefined)) return undefined;
  if (stored !== undefined) return touch(stored, values, context);
  return { id: randomUUID(), ...values, created_at: context.now, updated_at: context.now };
}
