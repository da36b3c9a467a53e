import { GatewayError } from '../../src/lib/errors.ts';
import { createCounters } from '../../src/governance/counters.ts';
import { compileLimits, type Holder } from '../../src/governance/limits.ts';
import { createSpend } from '../../src/governance/spend.ts';
import { toNanos } from '../../src/lib/money.ts';
import type { Budget, RateLimit } from '../../src/store/governance.ts';
import type { Charge } from '../../src/store/ledger-rows.ts';

/** In nano-dollars. */
export const CENT = toNanos(0.01);

/** A budget of one dollar a day, unless said otherwise. */
export function budget(id: string, patch: Partial<Budget> = {}): Budget {
  return {
    id,
    max_limit: 1,
    reset_duration: '1d',
    calendar_aligned: false,
    quarter_start_month: undefined,
    override_amount: undefined,
    override_until: undefined,
    created_at: 0,
    updated_at: 0,
    ...patch,
  };
}

/** A rate limit with no half, unless said otherwise. */
export function rate(id: string, patch: Partial<RateLimit>): RateLimit {
  return {
    id,
    token_max_limit: undefined,
    token_reset_duration: undefined,
    request_max_limit: undefined,
    request_reset_duration: undefined,
    created_at: 0,
    updated_at: 0,
    ...patch,
  };
}

/** So many requests a minute. */
export const requests = (id: string, max: number) => rate(id, { request_max_limit: max, request_reset_duration: '1m' });
/** So many tokens an hour. */
export const tokens = (id: string, max: number) => rate(id, { token_max_limit: max, token_reset_duration: '1h' });

/** Somebody with these limits. */
export function holder(kind: Holder['kind'], budgets: Budget[], rate_limit?: RateLimit): Holder {
  return { kind, name: `the ${kind}`, limited: { budgets, rate_limit } };
}

/** A spend with a clock that stands still, and everything that it charges. */
export function setUpSpend(...chain: Holder[]) {
  const clock = { time: 0 };
  const charges: Charge[] = [];
  const counters = createCounters({ charge: (charge) => void charges.push(charge), now: () => clock.time });
  const spend = createSpend({ counters, now: () => clock.time });
  const limits = compileLimits(chain);
  return { clock, charges, counters, spend, limits, reserve: (estimate = CENT) => spend.reserve(limits, estimate) };
}

/** What a refused call is told. */
export function refusal(reserve: () => unknown): GatewayError {
  try {
    reserve();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
