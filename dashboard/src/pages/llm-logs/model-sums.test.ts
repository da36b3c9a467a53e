import { expect, test } from 'vitest';
import { byModel } from './model-sums.ts';

test('what each model was asked and cost is summed over the buckets, the most asked first', () => {
  const count = (total: number) => ({ total, success: total, error: 0 });
  const counts = {
    models: ['a', 'b', 'free'],
    buckets: [
      { timestamp: '', by_model: { a: count(1) } },
      { timestamp: '', by_model: { a: count(2), b: count(9), free: count(1) } },
    ],
  };
  const cost = { buckets: [{ timestamp: '', total_cost: 1.5, by_model: { a: 1, b: 0.5 } }] };
  expect(byModel(counts, cost)).toEqual([
    { name: 'b', count: 9, cost: 0.5 },
    { name: 'a', count: 3, cost: 1 },
    { name: 'free', count: 1, cost: 0 },
  ]);
});
