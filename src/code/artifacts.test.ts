import { expect, test } from 'vitest';
import { createArtifacts } from './artifacts.ts';

const HOUR = 3_600_000;

test('what a run kept is there, until it is removed', () => {
  const artifacts = createArtifacts();
  expect(artifacts.load('s')).toBeUndefined();
  artifacts.save('s', { set: { a: '[1]', __proto__: '2', 'b"': '"x"' }, removed: [] });
  artifacts.save('s', { set: { a: '[2]' }, removed: ['b"', 'unknown'] });
  expect(artifacts.load('s')).toBe('{"a":[2]}');
  expect(artifacts.load('t')).toBeUndefined();
});

test('what is too large, or no JSON, is not kept and is named', () => {
  const artifacts = createArtifacts({ perSession: 20 });
  const lost = artifacts.save('s', { set: { a: '"1234"', b: '"1234567890123"', c: '1},"x":{' }, removed: [] });
  expect(lost).toEqual(['b', 'c']);
  expect(artifacts.list('s')).toEqual(['a']);
});

test('sessions that nobody used for an hour are forgotten, and when there are too many, the oldest first', () => {
  let now = 0;
  const artifacts = createArtifacts({ now: () => now, total: 10 });
  artifacts.save('old', { set: { a: '1' }, removed: [] });
  now = HOUR - 1;
  artifacts.save('new', { set: { a: '1' }, removed: [] });
  expect(artifacts.load('old')).toBe('{"a":1}');
  now = HOUR;
  expect(artifacts.load('old')).toBeUndefined();
  artifacts.save('newer', { set: { a: '12345678' }, removed: [] });
  expect([artifacts.load('new'), artifacts.load('newer')]).toEqual([undefined, '{"a":12345678}']);
});
