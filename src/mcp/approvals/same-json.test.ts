import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sameJson } from './same-json.ts';

test('white space and the order of members make no difference', () => {
  expect(sameJson('{ "b" : [1, {"y": 2,\t"x": 3}], "a": "x y" }')).toBe(sameJson('{"a":"x y","b":[1,{"x":3,"y":2}]}'));
});

test.for([
  ['{"n":12345678901234567890}', '{"n":12345678901234567891}'],
  ['{"n":1}', '{"n":1.0}'],
  ['{"n":1}', '{"n":"1"}'],
  ['{"a":2}', '{"a":1,"a":2}'],
  ['{"a":1,"a":2}', '{"a":2,"a":1}'],
  ['{"a":[1,2]}', '{"a":[2,1]}'],
  ['{"a":"x y"}', '{"a":"xy"}'],
  ['{"a":{}}', '{"a":[]}'],
])('%s is not the same as %s', ([one = '', other = '']) => {
  expect(sameJson(one)).not.toBe(sameJson(other));
});

test('arguments deeper than a person could look through are refused', () => {
  expect(() => sameJson('['.repeat(200) + ']'.repeat(200))).toThrow('nested');
});

test('it is still the same value, and writing it again changes nothing', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const same = sameJson(text);
      expect(JSON.parse(same)).toEqual(JSON.parse(text));
      expect(sameJson(same)).toBe(same);
    }),
  );
});
