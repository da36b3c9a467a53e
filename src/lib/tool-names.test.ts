import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasHash, MAX_TOOL_NAME, modelToolName, publicToolName } from './tool-names.ts';

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

test('models know a tool by a name that their providers take, and no two tools by one', () => {
  expect(modelToolName('c1-read_file')).toBe('c1-read_file');
  expect(modelToolName('c1-files.read')).toMatch(/^c1-files_read-/);
  fc.assert(
    fc.property(fc.uniqueArray(tool, { maxLength: 50 }), (tools) => {
      const names = tools.map((name) => modelToolName(publicToolName('c.1', name)));
      expect(new Set(names).size).toBe(tools.length);
      for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      expect(names.every(hasHash)).toBe(true);
    }),
  );
});
