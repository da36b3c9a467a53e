import { expect, test } from 'vitest';
import { callEnd, callStart, openTestLedger, unexpected } from '../../test/kit/ledger.ts';
import { freeLocks } from '../../test/kit/locks.ts';
import { createRetention } from './retention.ts';

const DAY = 86_400_000;

test('old logs are deleted, calls of dead processes closed, and the hour is not forgotten', async () => {
  await using store = await openTestLedger('memory');
  const now = Date.UTC(2026, 5, 1);
  let [clock, days] = [now, 365];
  const at = (age: number) => callStart({ timestamp: now - age * DAY });
  const completed = [1, 10, 364, 366, 500].map((age) => ({ start: at(age), end: callEnd() }));
  await store.write({ node: 'dead', seq: 1, started: [at(0)], ended: [], completed, charges: [] });

  const retention = createRetention({
    store,
    dialect: freeLocks,
    node: 'me',
    days: () => days,
    now: () => clock,
    onError: unexpected,
  });
  await retention.sweep(); // joins the one that the start began
  expect(await store.total({})).toMatchObject({ count: 4, error: 1 });
  days = 5;
  await retention.sweep();
  expect((await store.total({})).count).toBe(4);
  clock += 3_600_000;
  await retention.sweep();
  expect((await store.total({})).count).toBe(2);
  retention.stop();
});

test('a failure is told and does not end the sweeping', async () => {
  let [failures, sweeps] = [0, 0];
  const failed = Promise.withResolvers<void>();
  const retention = createRetention({
    store: {
      closeStale: () => {
        sweeps += 1;
        return Promise.reject(new Error('gone'));
      },
      prune: () => Promise.resolve(0),
    },
    dialect: freeLocks,
    node: 'me',
    days: () => 1,
    sweepMs: 5,
    onError: () => {
      failures += 1;
      if (failures === 3) failed.resolve();
    },
  });
  await failed.promise;
  expect(sweeps).toBeGreaterThanOrEqual(3);
  retention.stop();
});
