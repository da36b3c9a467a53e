import { expect, test } from 'vitest';
import { prettyJson } from './pretty-json.ts';

test('JSON is laid out as JSON.stringify does it', () => {
  const value = { a: [1, { b: 'x: "{,}" \\ ]' }], empty: {}, none: [], text: 'two  spaces' };
  expect(prettyJson(JSON.stringify(value))).toBe(JSON.stringify(value, undefined, 2));
  expect(prettyJson(JSON.stringify(value, undefined, 4))).toBe(JSON.stringify(value, undefined, 2));
});

test('what parsing would change stays as it is', () => {
  expect(prettyJson('{"id":12345678901234567890,"x":1.10}')).toBe('{\n  "id": 12345678901234567890,\n  "x": 1.10\n}');
});
