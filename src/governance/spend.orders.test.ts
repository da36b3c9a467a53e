import fc from 'fast-check';
import { expect, test } from 'vitest';
import { budget, CENT, holder, rate, refusal, setUpSpend } from '../../test/kit/limits.ts';
import { windowAt } from '../lib/window.ts';
import type { Limits, Meter } from './limits.ts';
import type { Reservation } from './spend.ts';

const duration = fc.constantFrom('1s', '3s', '1m');
const money = fc.integer({ min: 0, max: 30 }).map((cents) => cents / 100);
const anyBudget = fc.record({
  max_limit: money,
  reset_duration: duration,
  override_amount: fc.option(money, { nil: undefined }),
  override_until: fc.option(fc.nat(5_000), { nil: undefined }),
});
const anyRate = fc.record({
  request_max_limit: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
  token_max_limit: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
  request_reset_duration: duration,
  token_reset_duration: duration,
});
const chain = fc
  .array(fc.record({ budgets: fc.array(anyBudget, { maxLength: 2 }), limit: fc.option(anyRate) }), { maxLength: 3 })
  .map((holders) =>
    holders.map(({ budgets, limit }, index) => {
      const kind = (['virtual_key', 'team', 'customer'] as const)[index] ?? 'customer';
      const own = budgets.map((patch, number) => budget(`${kind}${number}`, patch));
      return holder(kind, own, limit === null ? undefined : rate(kind, limit));
    }),
  );
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('reserve' as const), estimate: fc.nat(5).map((n) => n * CENT) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(),
      share: fc.constantFrom(0, 0.5, 1),
      tokens: fc.nat(9),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), by: fc.nat(1_500) }) },
);

interface Call {
  readonly reservation: Reservation;
  readonly estimate: number;
}
interface Settled {
  readonly time: number;
  readonly cost: number;
  readonly tokens: number;
}

/** What a meter must show, from the whole history. */
function account(meter: Meter, time: number, open: readonly Call[], settled: readonly Settled[]) {
  const { start, end } = windowAt(meter.spec, time);
  const count = ({ cost, tokens }: Settled) => ({ budget: cost, requests: 1, tokens })[meter.what];
  const held = ({ estimate }: Call) => ({ budget: estimate, requests: 1, tokens: 0 })[meter.what];
  const used = settled
    .filter((call) => call.time >= start && call.time < end)
    .reduce((sum, call) => sum + count(call), 0);
  const pending = open.reduce((sum, call) => sum + held(call), 0);
  const max = meter.max + (time < meter.overrideUntil ? meter.override : 0);
  return { used, pending, max, isExhausted: used + pending >= max };
}

/** The code of the refusal that must come, or undefined. */
function verdict(limits: Limits | undefined, isExhausted: (meter: Meter | undefined) => boolean): string | undefined {
  for (const { requests, tokens } of limits?.rates ?? []) {
    if (isExhausted(requests)) return isExhausted(tokens) ? 'rate_limited' : 'request_limited';
    if (isExhausted(tokens)) return 'token_limited';
  }
  return limits?.budgets.some(isExhausted) ? 'budget_exceeded' : undefined;
}

test('any order of calls is decided and counted as the plain account says, and overspends by one call at most', () => {
  fc.assert(
    fc.property(chain, fc.array(step, { maxLength: 60 }), (chain, steps) => {
      const { clock, charges, spend, limits } = setUpSpend(...chain);
      const open: Call[] = [];
      const settled: Settled[] = [];
      const take = (which: number) => open.splice(which % Math.max(open.length, 1), 1)[0];
      for (const step of steps) {
        if (step.do === 'wait') clock.time += step.by;
        else if (step.do === 'release') take(step.which)?.reservation.release();
        else if (step.do === 'settle') {
          const call = take(step.which);
          if (call === undefined) continue;
          const cost = Math.floor(call.estimate * step.share);
          call.reservation.settle(cost, step.tokens);
          settled.push({ time: clock.time, cost, tokens: step.tokens });
        } else {
          const expected = verdict(limits, (meter) => {
            return meter !== undefined && account(meter, clock.time, open, settled).isExhausted;
          });
          if (expected === undefined)
            open.push({ reservation: spend.reserve(limits, step.estimate), estimate: step.estimate });
          else expect(refusal(() => spend.reserve(limits, step.estimate)).code).toBe(expected);
        }
        const accounts = (limits?.meters ?? []).map((meter) => account(meter, clock.time, open, settled));
        expect(spend.peek(limits)).toMatchObject(accounts);
      }
      for (const meter of limits?.meters ?? []) {
        checkNeverOver(meter, settled);
        const charged = charges.filter(({ counter_id }) => counter_id === meter.counter_id);
        const sum = charged.reduce((sum, { amount }) => sum + amount, 0);
        const all = account({ ...meter, spec: { ...meter.spec, duration: '100Y' } }, 0, [], settled);
        expect(sum).toBe(all.used);
      }
    }),
    { numRuns: 1_500 },
  );
});

/** In no window more than one call above the most that the budget allowed at any time, and never one request too many. */
function checkNeverOver(meter: Meter, settled: readonly Settled[]): void {
  if (meter.what === 'tokens') return; // not known before a call, and so not reserved
  for (const { time } of settled) {
    const { used } = account(meter, time, [], settled);
    expect(used).toBeLessThan(meter.what === 'requests' ? meter.max + 1 : meter.max + meter.override + 5 * CENT);
  }
}
