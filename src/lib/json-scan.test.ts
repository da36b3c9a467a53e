import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scanArray, scanObject } from './json-scan.ts';

const spaces = fc.constantFrom(undefined, 1, '\t');

test('the members of any object are found, byte for byte', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), spaces, (object, indent) => {
      const text = JSON.stringify(object, undefined, indent);
      const bytes = Buffer.from(text);
      const found: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
      const end = scanObject(bytes, (key, from, to) => {
        found[key] = JSON.parse(bytes.toString('utf8', from, to));
      });
      expect(end).toBe(bytes.length);
      expect(found).toEqual(Object.assign(Object.create(null), JSON.parse(text)));
    }),
  );
});

test('the elements of any array are found, byte for byte', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), spaces, (array, indent) => {
      const bytes = Buffer.from(JSON.stringify(array, undefined, indent));
      const found: unknown[] = [];
      scanArray(bytes, (from, to) => found.push(JSON.parse(bytes.toString('utf8', from, to))));
      expect(found).toEqual(JSON.parse(bytes.toString()));
    }),
  );
});

test('strings of every length with escapes at every place end where they end', () => {
  for (let length = 0; length < 120; length += 1) {
    for (const tail of ['', '\\', '"', '\\"', '\\\\']) {
      const bytes = Buffer.from(JSON.stringify({ a: 'x'.repeat(length) + tail, b: 1 }));
      const keys: string[] = [];
      scanObject(bytes, (key) => keys.push(key));
      expect(keys).toEqual(['a', 'b']);
    }
  }
});

test('an escaped key is read as what it means', () => {
  const keys: string[] = [];
  scanObject(Buffer.from('{"\\u006eame":1,"é":2}'), (key) => keys.push(key));
  expect(keys).toEqual(['name', 'é']);
});

test.each([
  '',
  '{',
  '{"a"',
  '{"a":',
  '{"a":1',
  '{"a":1,}',
  '{"a" 1}',
  '[]',
  '{"a":"x}',
  '{"a":[1,2}',
  '{a:1}',
  '<html>',
])('broken structure is refused: %s', (text) => {
  expect(() => scanObject(Buffer.from(text), () => undefined)).toThrow(SyntaxError);
});
