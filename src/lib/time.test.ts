import { expect, test } from 'vitest';
import { parseDuration } from './time.ts';

test.each([
  ['10m', 600_000],
  ['1h30m', 5_400_000],
  ['45s', 45_000],
  ['1.5s', 1500],
  ['250ms', 250],
  ['2us', 0.002],
  ['2µs', 0.002],
  ['-1m30s', -90_000],
  ['0', 0],
  [600_000_000_000, 600_000],
])('the duration %s is %d ms', (input, expected) => {
  expect(parseDuration(input)).toBeCloseTo(expected, 9);
});

test.each(['', '10', '10 m', 'm', '1d', '1m-1s', '1h30', '..1s'])('"%s" is not a duration', (input) => {
  expect(() => parseDuration(input)).toThrow('is not a duration');
});
