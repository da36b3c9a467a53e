import fc from 'fast-check';
import { expect, test } from 'vitest';
import { replaceStrings } from './json-replace.ts';

const swap = (text: string) =>
  replaceStrings(Buffer.from(text), (path, value) => (path.at(-1) === 'a' ? `${value}!` : undefined)).toString();

test('members are replaced wherever they stand, and every other byte stays', () => {
  expect(swap('{ "a" : "x",\n"n":1.0e2, "l":[{"a":"y", "big":12345678901234567890 }, ["a",{"b":{"a":""}}]] }')).toBe(
    '{ "a" : "x!",\n"n":1.0e2, "l":[{"a":"y!", "big":12345678901234567890 }, ["a",{"b":{"a":"!"}}]] }',
  );
});

test('a key or a value may be spelled with escapes', () => {
  expect(swap(String.raw`{"\u0061":"\"\u00e9"}`)).toBe(String.raw`{"\u0061":"\"é!"}`);
});

test('only strings are replaced, and without any the same bytes come back', () => {
  const bytes = Buffer.from('{"a":1,"b":["a"],"c":{"a":null}}');
  expect(replaceStrings(bytes, () => 'never')).toBe(bytes);
});

test('the path names the keys that lead to a string', () => {
  const paths: string[] = [];
  replaceStrings(Buffer.from('{"x":[{"y":{"z":"1"}},[{"w":"2"}]],"v":"3"}'), (path) => void paths.push(path.join('.')));
  expect(paths).toEqual(['x..y.z', 'x...w', 'v']);
});

test('whatever the text, it means the same but for what is replaced', () => {
  const revived = (text: string) =>
    JSON.parse(text, (key, value: unknown) =>
      key === 'a' && typeof value === 'string' ? `${value}!` : value,
    ) as unknown;
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b'), fc.jsonValue()), fc.constantFrom(0, 1), (object, indent) => {
      const text = JSON.stringify(object, undefined, indent);
      expect(JSON.parse(swap(text))).toEqual(revived(text));
    }),
  );
});
