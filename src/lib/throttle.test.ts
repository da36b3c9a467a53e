import { expect, test, vi } from 'vitest';
import { createThrottle } from './throttle.ts';

function start() {
  const clock = { now: 1_000_000 };
  const throttle = createThrottle({ free: 3, firstMs: 1_000, longestMs: 8_000 }, () => clock.now);
  const fail = (key: string, times = 1) => Array.from({ length: times }, () => throttle.count(key));
  return { clock, throttle, fail };
}

test('the first failures are free, then each doubles the delay up to the longest', () => {
  const { throttle, fail, clock } = start();
  fail('a', 2);
  expect(throttle.delay('a')).toBe(0);
  const delays = [0, 0, 0, 0, 0].map(() => {
    fail('a');
    return throttle.delay('a');
  });
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 8_000]);
  expect(throttle.delay('b')).toBe(0);
  clock.now += 7_999;
  expect(throttle.delay('a')).toBe(1);
  clock.now += 1;
  expect(throttle.delay('a')).toBe(0);
  fail('a');
  expect(throttle.delay('a')).toBe(8_000);
});

test('a failure that was none is taken back, and a key is forgiven or, after an hour, forgotten', () => {
  const { throttle, fail, clock } = start();
  fail('a', 3);
  throttle.takeBack('a');
  expect(throttle.delay('a')).toBe(0);
  fail('a', 3);
  throttle.takeBack('a');
  expect(throttle.delay('a')).toBeGreaterThan(0); // still above what is free
  throttle.forgive('a');
  expect(throttle.delay('a')).toBe(0);
  fail('b', 9);
  clock.now += 3_600_000;
  fail('b');
  expect(throttle.delay('b')).toBe(0);
});

test('ten thousand other keys do not push out one that is under attack', () => {
  const { throttle, fail } = start();
  fail('target', 4);
  for (let key = 0; key < 25_000; key += 1) {
    throttle.count(`other-${key}`);
    if (key % 5_000 === 0) throttle.count('target');
  }
  expect(throttle.delay('target')).toBeGreaterThan(0);
});

test('a clock that is set back locks nobody out for longer', () => {
  const throttle = createThrottle({ free: 1, firstMs: 1_000, longestMs: 1_000 });
  throttle.count('a');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
  try {
    expect(throttle.delay('a')).toBeLessThanOrEqual(1_000);
  } finally {
    vi.useRealTimers();
  }
});
