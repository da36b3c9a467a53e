import v8 from 'node:v8';
import vm from 'node:vm';
import { expect, test } from 'vitest';
import { createInFlight } from './in-flight.ts';

test('what was taken is given once and is no longer there', () => {
  const inFlight = createInFlight<number, string>();
  inFlight.set(1, 'one');
  inFlight.set(2, 'two');
  expect(inFlight.get(1)).toBe('one');
  expect(inFlight.take(1)).toBe('one');
  expect(inFlight.take(1)).toBeUndefined();
  expect(inFlight.get(1)).toBeUndefined();
  expect(inFlight.size()).toBe(1);
  expect(inFlight.values()).toEqual(['two']);
});

test('what was taken is garbage for the next small collection', () => {
  const inFlight = createInFlight<number, number[]>();
  expect(growthOf(inFlight.set, inFlight.take)).toBeLessThan(2_000_000);
});

/** Bytes by which the old generation grows while 20,000 things of 1 KB come and go, 32 at once. */
function growthOf(set: (id: number, value: number[]) => void, remove: (id: number) => unknown): number {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void;
  collect({ type: 'major' });
  const before = oldBytes();
  for (let id = 0; id < 20_000; id += 1) {
    set(id, new Array<number>(128).fill(id));
    remove(id - 32);
    if (id % 500 === 0) collect({ type: 'minor' });
  }
  return oldBytes() - before;
}

function oldBytes(): number {
  return v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0;
}
