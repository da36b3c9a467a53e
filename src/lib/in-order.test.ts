import { expect, test } from 'vitest';
import { createOrder, createOrderByKey } from './in-order.ts';

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

test('by key, only what has the same key waits', async () => {
  const inOrder = createOrderByKey();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const failing = inOrder('a', async () => {
    await gate.promise;
    seen.push('a');
    throw new Error('a failed');
  });
  const next = inOrder('a', () => Promise.resolve(seen.push('a again')));
  await inOrder('b', () => Promise.resolve(seen.push('b')));
  gate.resolve();
  await expect(failing).rejects.toThrow('a failed');
  await next;
  expect(seen).toEqual(['b', 'a', 'a again']);
});
