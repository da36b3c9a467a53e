import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_TOOL_NAME, publicToolName } from './tool-names.ts';

const client = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_.]{0,80}$/);
const tool = fc.stringMatching(/^[a-zA-Z0-9_.-]{1,128}$/);

test('a short name is the client, a hyphen and the tool', () => {
  expect(publicToolName('github', 'create_issue')).toBe('github-create_issue');
});

test('no name is longer than 64 characters and different tools have different names', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(client, tool), { selector: ([c, t]) => `${c} ${t}`, maxLength: 50 }),
      (pairs) => {
        const names = pairs.map(([c, t]) => publicToolName(c, t));
        expect(new Set(names).size).toBe(pairs.length);
        expect(Math.max(0, ...names.map((name) => name.length))).toBeLessThanOrEqual(MAX_TOOL_NAME);
      },
    ),
  );
});

test('a tool cannot take the short name of another', () => {
  const long = publicToolName('c', 'x'.repeat(100));
  const impostor = publicToolName('c', long.slice(2));
  expect(long).toHaveLength(MAX_TOOL_NAME);
  expect(impostor).not.toBe(long);
});
