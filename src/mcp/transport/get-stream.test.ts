import { expect, test } from 'vitest';
import { pauseOf } from './get-stream.ts';

test('a pause is as long as the server said, never a busy loop, and longer while it cannot be reached', () => {
  expect(pauseOf({ retryMs: 500 }, 0, true)).toBe(500);
  expect(pauseOf({ retryMs: 500 }, 9, true)).toBe(500);
  expect(pauseOf({ retryMs: 0 }, 0, true)).toBe(20);
  expect(pauseOf({ retryMs: 1e12 }, 0, true)).toBe(2 ** 31 - 1);
  expect(pauseOf({ retryMs: 500 }, 9, false)).toBeGreaterThanOrEqual(15_000);
  expect(pauseOf({}, 9, true)).toBeGreaterThanOrEqual(15_000);
});
