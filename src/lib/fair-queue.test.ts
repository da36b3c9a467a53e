import { expect, test } from 'vitest';
import { GatewayError } from './errors.ts';
import { createFairQueue } from './fair-queue.ts';

const never = new AbortController().signal;

const queueOf = (places: () => number) =>
  createFairQueue({ places, room: () => 16, busy: () => new GatewayError('code_busy', 'busy') });

/** Lets everything that is settled take effect. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('as many run at once as there are places, and a change of their number counts at once', async () => {
  let places = 2;
  const queue = queueOf(() => places);
  const leave = await Promise.all([queue.enter('a', never), queue.enter('a', never)]);
  const third = queue.enter('a', never);
  expect([queue.running, queue.waiting]).toEqual([2, 1]);
  leave[0]?.();
  leave[0]?.(); // counts once
  const leaveThird = await third;
  expect([queue.running, queue.waiting]).toEqual([2, 0]);
  places = 1;
  leave[1]?.();
  const fourth = queue.enter('a', never);
  expect([queue.running, queue.waiting]).toEqual([1, 1]);
  leaveThird();
  await fourth;
});

test('a caller with one run does not wait for all those of another', async () => {
  const queue = queueOf(() => 2);
  const order: string[] = [];
  const run = async (owner: string): Promise<() => void> => {
    const leave = await queue.enter(owner, never);
    order.push(owner);
    return leave;
  };
  const many = Array.from({ length: 6 }, () => run('many'));
  const one = run('one');
  (await many[0])?.();
  await one;
  expect(order).toEqual(['many', 'many', 'one']);
});

test('who gives up leaves the queue, and too many are refused', async () => {
  const queue = queueOf(() => 1);
  const leave = await queue.enter('a', never);
  const gone = new AbortController();
  const waiting = queue.enter('a', gone.signal);
  gone.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  expect(queue.waiting).toBe(0);
  const others = Array.from({ length: 16 }, () => queue.enter('a', never));
  await expect(queue.enter('b', never)).rejects.toMatchObject({ code: 'code_busy' });
  leave();
  await others[0];
  await settle();
  expect([queue.running, queue.waiting]).toEqual([1, 15]);
});
