import { expect, test } from 'vitest';
import { timeUuid } from './time-uuid.ts';

test('a time UUID is one of version 7, with the time first', () => {
  const time = Date.UTC(2026, 7, 1);
  const id = timeUuid(time);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(time);
});

test('time UUIDs sort by time, and those of one moment differ', () => {
  const times = [1, 1_700_000_000_000, 1_700_000_000_001, 2_000_000_000_000];
  const ids = times.map((time) => timeUuid(time));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(Array.from({ length: 1_000 }, () => timeUuid(5))).size).toBe(1_000);
});
