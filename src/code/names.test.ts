import { stripTypeScriptTypes } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearest, toIdentifier, toIdentifiers } from './names.ts';

test.for([
  ['create_issue', 'create_issue'],
  ['create-issue', 'create_issue'],
  ['a.b/c d', 'a_b_c_d'],
  ['2fa', '_2fa'],
  ['list!', 'list'],
  ['delete', 'delete_'],
  ['console', 'console_'],
  ['Promise', 'Promise_'],
  ['__asbru', '__asbru_'],
  ['', '_'],
  ['é', '_'],
] as const)('%j is %s in code', ([name, identifier]) => {
  expect(toIdentifier(name)).toBe(identifier);
});

test('any list of names becomes as many different variables', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (names) => {
      const identifiers = toIdentifiers(names);
      expect(new Set(identifiers).size).toBe(names.length);
      const declared = identifiers.map((name) => `const ${name} = 1;`).join('');
      expect(stripTypeScriptTypes(declared)).toBe(declared);
    }),
    { numRuns: 50 },
  );
});

test('names that are nearly right are found, and others not', () => {
  const names = ['create_issue', 'list_issues', 'close_issue'];
  expect(nearest('createIssue', names)[0]).toBe('create_issue');
  expect(nearest('list_isues', names)[0]).toBe('list_issues');
  expect(nearest('weather', names)).toEqual([]);
});
