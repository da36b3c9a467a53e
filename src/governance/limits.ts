import { toNanos } from '../lib/money.ts';
import { windowAt, type Window, type WindowSpec } from '../lib/window.ts';
import type { Budget, Limited, OwnerKind, RateLimit } from '../store/governance.ts';

/** Somebody on whose account a call goes. */
export interface Holder {
  readonly kind: OwnerKind;
  readonly name: string;
  readonly limited: Limited;
}

/** One counter with the most that it may reach. */
export interface Meter {
  readonly counter_id: string;
  readonly kind: OwnerKind;
  readonly name: string;
  /** `budget` counts nano-dollars. */
  readonly what: 'budget' | 'requests' | 'tokens';
  readonly max: number;
  /** More than `max`, until `overrideUntil`. */
  readonly override: number;
  readonly overrideUntil: number;
  readonly spec: WindowSpec;
  /** The window that was asked for last. */
  window: Window;
}

/** The two halves of a rate limit, either of which may be absent. */
export interface RateMeters {
  readonly requests: Meter | undefined;
  readonly tokens: Meter | undefined;
}

/** All limits that hold for one caller, ready to be checked. */
export interface Limits {
  /** In the order in which they are asked: provider of the key, key, team, customer. */
  readonly rates: readonly RateMeters[];
  readonly budgets: readonly Meter[];
  /** All of them, rates first. */
  readonly meters: readonly Meter[];
}

/** The limits of a caller, from the key to the customer; undefined when nothing limits it. To be made when the policy changes. */
export function compileLimits(chain: readonly Holder[]): Limits | undefined {
  const rates = chain.flatMap((holder) => rateMeters(holder));
  const budgets = chain.flatMap((holder) => holder.limited.budgets.map((budget) => budgetMeter(holder, budget)));
  return rates.length + budgets.length === 0 ? undefined : limitsOf(rates, budgets);
}

/** Both together, those of the first asked first; undefined when there are none. */
export function joinLimits(first: Limits | undefined, second: Limits | undefined): Limits | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return limitsOf([...first.rates, ...second.rates], [...first.budgets, ...second.budgets]);
}

function limitsOf(rates: readonly RateMeters[], budgets: readonly Meter[]): Limits {
  const halves = rates.flatMap(({ requests, tokens }) => [requests, tokens]).filter((meter) => meter !== undefined);
  return { rates, budgets, meters: [...halves, ...budgets] };
}

/** The counter and the windows of a budget. */
export function budgetCounter(budget: Budget): { readonly id: string; readonly spec: WindowSpec } {
  const {
    id,
    reset_duration: duration,
    calendar_aligned: isCalendar,
    created_at: anchor,
    quarter_start_month,
  } = budget;
  return { id, spec: { duration, isCalendar, anchor, quarterStartMonth: quarter_start_month } };
}

/** The counter and the windows of one half of a rate limit; undefined when it has no such half. */
export function rateCounter(
  limit: RateLimit,
  what: 'requests' | 'tokens',
): { readonly id: string; readonly spec: WindowSpec; readonly max: number } | undefined {
  const max = what === 'requests' ? limit.request_max_limit : limit.token_max_limit;
  const duration = what === 'requests' ? limit.request_reset_duration : limit.token_reset_duration;
  if (max === undefined || duration === undefined) return undefined;
  return { id: `${limit.id}:${what}`, max, spec: { duration, isCalendar: false, anchor: limit.created_at } };
}

/** The most that a meter may reach now. */
export function maxAt(meter: Meter, now: number): number {
  return now < meter.overrideUntil ? meter.max + meter.override : meter.max;
}

/** The window that a meter is in now. Worked out once per window. */
export function windowOf(meter: Meter, now: number): Window {
  if (now < meter.window.start || now >= meter.window.end) meter.window = windowAt(meter.spec, now);
  return meter.window;
}

const NEVER: Window = Object.freeze({ start: Infinity, end: Infinity });

function budgetMeter({ kind, name }: Holder, budget: Budget): Meter {
  const { id, spec } = budgetCounter(budget);
  return {
    counter_id: id,
    kind,
    name,
    what: 'budget',
    max: toNanos(budget.max_limit),
    override: toNanos(budget.override_amount ?? 0),
    overrideUntil: budget.override_until ?? Infinity,
    spec,
    window: NEVER,
  };
}

function rateMeters(holder: Holder): RateMeters[] {
  const { rate_limit: limit } = holder.limited;
  if (limit === undefined) return [];
  const requests = rateMeter(holder, limit, 'requests');
  const tokens = rateMeter(holder, limit, 'tokens');
  return requests === undefined && tokens === undefined ? [] : [{ requests, tokens }];
}

function rateMeter({ kind, name }: Holder, limit: RateLimit, what: 'requests' | 'tokens'): Meter | undefined {
  const counter = rateCounter(limit, what);
  if (counter === undefined) return undefined;
  const { id, max, spec } = counter;
  return { counter_id: id, kind, name, what, max, override: 0, overrideUntil: 0, spec, window: NEVER };
}
