import { expect, test } from 'vitest';
import { growthOf } from '../../test/kit/old-generation.ts';
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
  const growth = growthOf((ballast, id) => {
    inFlight.set(id, ballast);
    inFlight.take(id - 32);
  });
  expect(growth).toBeLessThan(4_000_000);
});
