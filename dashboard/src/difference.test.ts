import { expect, test } from 'vitest';
import { differencesOf } from './difference.ts';

test('only what differs is told, by its path', () => {
  const before = { name: 'a', headers: { 'X-A': '1' }, tools: ['x', 'y'], same: { deep: [1] }, gone: true };
  const after = { name: 'b', headers: {}, tools: ['x', 'z'], same: { deep: [1] } };
  expect(differencesOf(before, after)).toEqual([
    { path: 'name', kind: 'changed', before: 'a', after: 'b' },
    { path: 'headers.X-A', kind: 'removed', before: '1', after: undefined },
    { path: 'tools[1]', kind: 'changed', before: 'y', after: 'z' },
    { path: 'gone', kind: 'removed', before: true, after: undefined },
    { path: 'headers', kind: 'added', before: undefined, after: {} },
  ]);
});

test('what was made has additions only, and what was deleted removals only', () => {
  expect(differencesOf(null, { id: 1 })).toEqual([{ path: 'id', kind: 'added', before: undefined, after: 1 }]);
  expect(differencesOf({ id: null }, null)).toEqual([{ path: 'id', kind: 'removed', before: null, after: undefined }]);
});
