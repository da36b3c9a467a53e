import { expect, test } from 'vitest';
import { compactSchema } from './compact-schema.ts';

const text = { type: 'string' };

test.each([
  [{ type: 'object', properties: { a: text, b: { type: 'integer' } }, required: ['b'] }, '{ b: integer; a?: string }'],
  [{ type: 'object', properties: { 'a-b': text } }, '{ "a-b"?: string }'],
  [{ properties: { s: { enum: ['x', 'y', null] } } }, '{ s?: "x" | "y" | null }'],
  [{ properties: { s: { type: ['string', 'null'] } } }, '{ s?: string | null }'],
  [{ properties: { l: { type: 'array', items: text }, m: { type: 'array' } } }, '{ l?: string[]; m?: any[] }'],
  [{ properties: { l: { type: 'array', items: { anyOf: [text, { type: 'null' }] } } } }, '{ l?: (string | null)[] }'],
  [
    { properties: { n: { ...text, description: 'A\n  name */.', default: 'x' } } },
    '{ n?: string /* A name .; default "x" */ }',
  ],
  [{ properties: { r: { $ref: '#/$defs/R' } }, $defs: { R: { properties: { q: text } } } }, '{ r?: { q?: string } }'],
  [{ type: 'object', additionalProperties: text }, '{ [name]: string }'],
  [{ type: 'object' }, 'object'],
  [{ type: 'object', properties: {} }, '{}'],
  [undefined, 'any'],
  ['nonsense', 'any'],
  [{ properties: { r: { $ref: 'https://elsewhere.example/schema' } } }, '{ r?: any }'],
])('%j is written as %s', (schema, written) => {
  expect(compactSchema(schema as never)).toBe(written);
});

test('a schema that refers to itself, goes deep or wide, comes to an end', () => {
  const self = { $ref: '#/$defs/A', $defs: { A: { properties: { next: { $ref: '#/$defs/A' } } } } };
  expect(compactSchema(self)).toBe('{ next?: { next?: any } }');
  const wide = { properties: Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`p${at}`, text])) };
  expect(compactSchema(wide)).toContain('p29?: string; … }');
  expect(compactSchema(wide)).not.toContain('p30');
});
