import { expect, test } from 'vitest';
import { budget, CENT, holder, requests } from '../../test/kit/limits.ts';
import { openSpendPlace, spendThrough } from '../../test/kit/spend-nodes.ts';
import { toNanos } from '../lib/money.ts';
import { compileLimits } from './limits.ts';

const LOAD = { callers: 64, calls: 200, estimate: CENT };

test.each([2, 3])(
  '64 callers at each of %i processes spend a budget to the last call and not beyond',
  async (count) => {
    await using place = await openSpendPlace();
    const nodes = await Promise.all(Array.from({ length: count }, () => place.startNode()));
    const limits = () =>
      compileLimits([
        holder('virtual_key', [budget('k', { max_limit: 1, reset_duration: '1Y' })]),
        holder('team', [budget('t', { max_limit: 50, reset_duration: '1Y' })]),
      ]);
    const ends = await Promise.all(nodes.map((node) => spendThrough(node, limits(), LOAD)));
    const succeeded = ends.reduce((sum, end) => sum + end.succeeded, 0);
    expect(succeeded).toBe(100);
    expect(ends.flatMap(({ codes }) => [...codes])).toEqual(ends.map(() => 'budget_exceeded'));
    for (const { ledger } of nodes) await ledger.flush();
    expect(await place.used('k')).toBe(100 * CENT);
    expect(await place.used('t')).toBe(100 * CENT);
  },
);

test('where the price does not divide the budget, all processes together overspend by less than one call', async () => {
  await using place = await openSpendPlace();
  const nodes = [await place.startNode(), await place.startNode()];
  const price = toNanos(0.007);
  const limits = () =>
    compileLimits([holder('virtual_key', [budget('k', { max_limit: 0.699, reset_duration: '1Y' })])]);
  const load = { ...LOAD, estimate: price, failing: 10 };
  const ends = await Promise.all(nodes.map((node) => spendThrough(node, limits(), load)));
  expect(ends.reduce((sum, end) => sum + end.succeeded, 0)).toBe(100);
  for (const { ledger } of nodes) await ledger.flush();
  expect(await place.used('k')).toBe(100 * price);
});

test('three processes never exceed a number of requests, and reach it', async () => {
  await using place = await openSpendPlace();
  const nodes = [await place.startNode(), await place.startNode(), await place.startNode()];
  const limit = { ...requests('r', 100), request_reset_duration: '1Y' };
  const ends = await Promise.all(
    nodes.map((node) =>
      spendThrough(node, compileLimits([holder('virtual_key', [], limit)]), { ...LOAD, estimate: 0 }),
    ),
  );
  expect(ends.reduce((sum, end) => sum + end.succeeded, 0)).toBe(100);
  for (const { ledger } of nodes) await ledger.flush();
  expect(await place.used('r:requests')).toBe(100);
});
