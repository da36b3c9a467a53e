import { expect, test } from 'vitest';
import { durationText, percentileOf, usdText } from './numbers.ts';

test('times are told in the unit that fits', () => {
  expect([0.44, 12.4, 999, 3_400, 300_000].map((ms) => durationText(ms))).toEqual([
    '0.4 ms',
    '12 ms',
    '999 ms',
    '3.4 s',
    '5 min',
  ]);
  expect(durationText(undefined)).toBe('–');
});

test('a cost that nobody knows is not zero', () => {
  expect([usdText(null), usdText(0), usdText(0.000_123_4), usdText(12.5)]).toEqual([
    'unknown',
    '$0',
    '$0.000123',
    '$12.50',
  ]);
});

test('percentiles are values that were there', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([50, 95, 99].map((percent) => percentileOf(values, percent))).toEqual([50, 95, 99]);
  expect(percentileOf([7], 99)).toBe(7);
  expect(percentileOf([], 50)).toBeNull();
});
