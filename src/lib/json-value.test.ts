import { expect, test } from 'vitest';
import {
  asWord,
  countOf,
  defined,
  given,
  isObject,
  objectOf,
  objectsOf,
  parseObject,
  textOf,
  without,
} from './json-value.ts';

test('only an object is an object', () => {
  expect([{}, { a: 1 }].map(isObject)).toEqual([true, true]);
  expect([null, undefined, [], 'text', 1, true].map(isObject)).toEqual(Array(6).fill(false));
});

test('what is something else reads as an empty value of the kind that was asked for', () => {
  expect([objectOf([1]), objectsOf({ a: 1 }), textOf(1), countOf(-1), asWord('')]).toEqual([{}, [], '', 0, undefined]);
});

test('the objects of a list leave out what else it holds', () => {
  expect(objectsOf([1, { a: 1 }, null, ['x'], { b: 2 }])).toEqual([{ a: 1 }, { b: 2 }]);
});

test('a text is an object only if it is one whole JSON object', () => {
  expect(parseObject(' {"a": 1}\n')).toEqual({ a: 1 });
  for (const text of ['', '[]', 'null', '{"a": ', '{} {}']) expect(parseObject(text), text).toBeUndefined();
});

test('null is defined but says nothing', () => {
  const object = { a: undefined, b: null, c: 0 };
  expect(Object.entries(defined(object))).toEqual([
    ['b', null],
    ['c', 0],
  ]);
  expect(given(object)).toEqual({ c: 0 });
  expect(given({ a: undefined, b: null })).toBeUndefined();
  expect(Object.keys(without(object, new Set(['c'])))).toEqual(['b']);
});
