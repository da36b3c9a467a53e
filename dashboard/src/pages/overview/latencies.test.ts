import { expect, test } from 'vitest';
import { latenciesOf } from './latencies.ts';

test('each call counts in the bucket in which it began, and one that still runs counts nowhere', () => {
  const at = (second: number): string => new Date(second * 1_000).toISOString();
  const calls = [
    { timestamp: at(600), latency: 10 },
    { timestamp: at(659), latency: 30 },
    { timestamp: at(725), latency: 50 },
    { timestamp: at(670) },
  ];
  expect(latenciesOf(calls, [600, 660, 720], 60)).toEqual([
    [10, null, 50],
    [30, null, 50],
    [30, null, 50],
  ]);
});
