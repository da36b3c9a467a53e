import { expect, test } from 'vitest';
import { createLatest } from './latest.ts';

test('a value is made once, and again when it was forgotten', () => {
  const latest = createLatest<number, { made: number }>(4);
  let made = 0;
  const get = (key: number) => latest.get(key, () => ({ made: (made += 1) }));
  expect(get(1)).toBe(get(1));
  for (let key = 2; key < 10; key += 1) get(key);
  expect(get(9)).toEqual({ made: 9 });
  expect(get(1)).toEqual({ made: 10 });
});

test('a value that is used over and over is never forgotten', () => {
  const latest = createLatest<number, object>(4);
  const value = latest.get(0, () => ({}));
  for (let key = 1; key < 100; key += 1) {
    latest.get(key, () => ({}));
    expect(latest.get(0, () => ({}))).toBe(value);
  }
});

test('after a clear everything is made anew', () => {
  const latest = createLatest<string, object>(4);
  const value = latest.get('a', () => ({}));
  latest.clear();
  expect(latest.get('a', () => ({}))).not.toBe(value);
});
