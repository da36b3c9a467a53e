import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeText } from './describe-text.ts';
import { valuesAt } from './json-path.ts';
import { readPart, type Part } from './read-part.ts';

const part = (changes: Partial<Part>): Part => ({
  offset: 0,
  length: 100,
  grep: undefined,
  jsonPath: undefined,
  ...changes,
});
const read = (text: string, changes: Partial<Part>): string => readPart({ text, whole: undefined }, part(changes));

test('pieces that are read one after the other make the text again', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 500 }), fc.integer({ min: 1, max: 90 }), (text, length) => {
      let all = '';
      for (let offset = 0; offset < text.length; offset += length)
        all += read(text, { offset, length }).replace(/\n\n\[characters \d+ to \d+ of \d+[^\]]*\]$/, '');
      expect(all).toBe(text);
    }),
  );
});

test('every place with a word is found, one page after the other', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('x', 'needle', '\n', 'yy', 'Needle '), { maxLength: 60 }), (pieces) => {
      const text = pieces.join('');
      const lines = text.split('\n').filter((line) => line.toLowerCase().includes('needle'));
      const shown: string[] = [];
      let offset: number | undefined = 0;
      while (offset !== undefined) {
        const page = read(text, { grep: 'NEEDLE', offset, length: 20 });
        const next = /go on with offset (\d+)\]$/.exec(page)?.[1];
        shown.push(...page.split('\n').filter((line) => /^\d+: /.test(line)));
        offset = next === undefined ? undefined : Number(next);
      }
      expect(shown.map((line) => line.replace(/^\d+: /, ''))).toEqual(lines);
    }),
  );
});

test('in a text on one line a place comes with what is around it', () => {
  const text = `${'a'.repeat(1_000)}needle${'b'.repeat(1_000)}`;
  expect(read(text, { grep: 'needle' })).toBe(`1000: …${'a'.repeat(160)}needle${'b'.repeat(160)}…`);
  expect(read(text, { grep: 'thread' })).toBe('[nothing has "thread" in it]');
});

test.each([
  ['$', [{ a: [{ b: 1 }, { b: 2 }, { c: 3 }], 'd.e': 4 }]],
  ['a[0].b', [1]],
  ['$.a[*].b', [1, 2]],
  ['$.a[-1]', [{ c: 3 }]],
  ['$.a[1:].b', [2]],
  ["$['d.e']", [4]],
  ['$.*', [[{ b: 1 }, { b: 2 }, { c: 3 }], 4]],
  ['$.constructor', []],
  ['$.a.length', []],
] as const)('%s leads to %j', (path, values) => {
  expect(valuesAt({ a: [{ b: 1 }, { b: 2 }, { c: 3 }], 'd.e': 4 }, path)).toEqual(values);
});

test.each(['$..a', '$.a[?(@.b)]', 'a[', "a['b"])('%s is no path', (path) => {
  expect(() => valuesAt({}, path)).toThrow('jsonPath: cannot be read from');
});

test.each([
  ['one\ntwo\n', '8 characters in 2 lines'],
  [
    '{"a":1,"b":[{"c":2}]}',
    '21 characters in 1 line, JSON: an object with a (a number), b (an array of 1, the first an object with c)',
  ],
  ['[[1],2]', '7 characters in 1 line, JSON: an array of 2, the first an array of 1, the first a number'],
  ['{broken', '7 characters in 1 line'],
])('%j is described', (text, said) => {
  expect(describeText(text)).toBe(said);
});
