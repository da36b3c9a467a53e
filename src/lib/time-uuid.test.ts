import { expect, test } from 'vitest';
import { timeUuid } from './time-uuid.ts';

test('a time UUID is one of version 7, with the time first', () => {
  const time = Date.UTC(2026, 7, 1);
  const id = timeUuid(time);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(time);
});

test('time UUIDs sort by time, and those of one moment in the order in which they were made', () => {
  const times = [1, 1_700_000_000_000, 1_700_000_000_001, 2_000_000_000_000];
  const ids = times.map((time) => timeUuid(time));
  expect(ids.toSorted()).toEqual(ids);
  const ofOneMoment = Array.from({ length: 1_000 }, () => timeUuid(5));
  expect(ofOneMoment.toSorted()).toEqual(ofOneMoment);
});

test('more time UUIDs than a moment has counts for are still all different', () => {
  const made = Array.from({ length: 10_000 }, () => timeUuid(6));
  expect(new Set(made).size).toBe(10_000);
});

test('each moment has random bits of its own', () => {
  const [first, second] = [timeUuid(7), timeUuid(8)];
  expect(first.slice(-20)).not.toBe(second.slice(-20));
});
