import { expect, test } from 'vitest';
import { createOrder } from './in-order.ts';

test('one begins when the one before has ended, also when that failed', async () => {
  const inOrder = createOrder();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const work = (name: string, outcome: Promise<void>) => async (): Promise<string> => {
    seen.push(`${name} begins`);
    await outcome;
    seen.push(`${name} ends`);
    return name;
  };
  const first = inOrder(work('a', gate.promise));
  const second = inOrder(work('b', Promise.reject(new Error('b failed'))));
  const third = inOrder(work('c', Promise.resolve()));
  gate.resolve();
  expect(await first).toBe('a');
  await expect(second).rejects.toThrow('b failed');
  expect(await third).toBe('c');
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'c begins', 'c ends']);
});
