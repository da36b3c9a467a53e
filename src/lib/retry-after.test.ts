import { expect, test, vi } from 'vitest';
import { readRetryAfter } from './retry-after.ts';

const NOW = Date.UTC(1994, 10, 6, 8, 47, 37, 500);

test('both forms of Retry-After are read, the second with every form of a date', () => {
  vi.stubEnv('TZ', 'Asia/Tokyo'); // the date is never one of the place where the gateway runs
  const dates = ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'];
  expect(dates.map((date) => readRetryAfter(date, NOW))).toEqual([120, 120, 120]);
  expect(['120', ' 120 ', '1.5', ['7']].map((seconds) => readRetryAfter(seconds, NOW))).toEqual([120, 120, 2, 7]);
  vi.unstubAllEnvs();
});

test('what asks for no time to wait gives none', () => {
  const nothing = [undefined, '', '0', '-5', 'Infinity', 'soon', 'May 5, 2090', '2090-05-05', 'Sunday', ['1', '2']];
  for (const field of nothing) expect(readRetryAfter(field, NOW), String(field)).toBeUndefined();
  expect(readRetryAfter('Sun, 06 Nov 1994 08:47:37 GMT', NOW)).toBeUndefined();
});
