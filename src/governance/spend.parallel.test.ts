import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { budget, CENT, holder, requests } from '../../test/kit/limits.ts';
import { GatewayError } from '../lib/errors.ts';
import { toNanos, toUsd } from '../lib/money.ts';
import { createCounters } from './counters.ts';
import { compileLimits, type Limits } from './limits.ts';
import { createSpend } from './spend.ts';

const CALLERS = 64;

/** Lets many callers call, each again and again, until `enough` calls have been made or refused; one in ten fails. */
async function runCallers(limits: Limits | undefined, price: number, enough: number) {
  const charged = new Map<string, number>();
  const counters = createCounters({
    charge: ({ counter_id, amount }) => void charged.set(counter_id, (charged.get(counter_id) ?? 0) + amount),
  });
  const spend = createSpend({ counters });
  const ends = { succeeded: 0, failed: 0, refused: 0, mostAtOnce: 0 };
  let atOnce = 0;
  const call = async () => {
    using reservation = spend.reserve(limits, price);
    ends.mostAtOnce = Math.max(ends.mostAtOnce, (atOnce += 1));
    await wait(Math.random() * 3);
    atOnce -= 1;
    if (Math.random() < 0.1) {
      ends.failed += 1;
      return;
    }
    reservation.settle(price);
    ends.succeeded += 1;
  };
  const caller = async () => {
    while (ends.succeeded + ends.failed + ends.refused < enough) {
      await call().catch((error: unknown) => {
        if (!(error instanceof GatewayError)) throw error;
        ends.refused += 1;
      });
      await wait(Math.random() * 2);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return { ...ends, charged, standing: spend.peek(limits) };
}

test('64 callers at once on a budget with room for 100 calls make 100, and each is charged once', async () => {
  const limits = compileLimits([
    holder('virtual_key', [budget('k', { max_limit: 1, reset_duration: '1Y' })]),
    holder('team', [budget('t', { max_limit: 50, reset_duration: '1Y' })]),
  ]);
  const { succeeded, failed, refused, mostAtOnce, charged, standing } = await runCallers(limits, CENT, 1_500);
  expect(succeeded).toBe(100);
  expect(failed).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(1_000);
  expect(mostAtOnce).toBeGreaterThan(32);
  expect(charged).toEqual(
    new Map([
      ['k', 100 * CENT],
      ['t', 100 * CENT],
    ]),
  );
  expect(standing).toMatchObject([
    { used: 100 * CENT, pending: 0, isExhausted: true },
    { used: 100 * CENT, pending: 0, isExhausted: false },
  ]);
});

test('when the price does not divide the budget, the last call overspends by less than its price', async () => {
  const price = toNanos(0.007);
  const limits = compileLimits([
    holder('virtual_key', [budget('k', { max_limit: 0.7 - 0.001, reset_duration: '1Y' })]),
  ]);
  const { succeeded, charged } = await runCallers(limits, price, 1_500);
  expect(succeeded).toBe(100);
  expect(toUsd(charged.get('k') ?? 0)).toBe(0.7);
});

test('64 callers at once never exceed a request limit', async () => {
  const limit = { ...requests('r', 100), request_reset_duration: '1Y' };
  const { succeeded, charged } = await runCallers(compileLimits([holder('virtual_key', [], limit)]), 0, 1_500);
  expect(succeeded).toBe(100);
  expect(charged).toEqual(new Map([['r:requests', 100]]));
});
