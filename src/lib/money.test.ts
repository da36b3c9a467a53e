import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_NANOS, toNanos, toUsd } from './money.ts';

test('whole nano-dollars survive the way to USD and back', () => {
  fc.assert(
    fc.property(fc.integer({ min: -MAX_NANOS, max: MAX_NANOS }), (nanos) => {
      expect(toNanos(toUsd(nanos))).toBe(nanos);
    }),
    { numRuns: 2_000 },
  );
});

test('USD with up to nine decimals survive the way to nano-dollars and back', () => {
  const usd = fc
    .record({ whole: fc.nat(999_999), decimals: fc.nat(999_999_999) })
    .map(({ whole, decimals }) => Number(`${whole}.${String(decimals).padStart(9, '0')}`));
  fc.assert(
    fc.property(usd, (value) => {
      expect(toUsd(toNanos(value))).toBe(value);
    }),
    { numRuns: 2_000 },
  );
});

test('amounts that no binary fraction can hold are whole', () => {
  expect(toNanos(0.1) + toNanos(0.2)).toBe(toNanos(0.3));
  expect(toNanos(0.000_000_001)).toBe(1);
  expect(toNanos(1_000_000)).toBe(MAX_NANOS);
});
