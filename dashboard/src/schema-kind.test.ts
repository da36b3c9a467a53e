import { expect, test } from 'vitest';
import { kindOf, type Schema } from './schema-kind.ts';

test.each<[string, Schema, object]>([
  ['text', { type: 'string' }, { kind: 'text' }],
  ['text or null', { type: ['string', 'null'] }, { kind: 'text' }],
  ['text or null, the long way', { anyOf: [{ type: 'string' }, { type: 'null' }] }, { kind: 'text' }],
  ['a whole number', { type: 'integer' }, { kind: 'number' }],
  ['yes or no', { type: 'boolean' }, { kind: 'boolean' }],
  [
    'an enumeration',
    { enum: ['a', 1] },
    {
      kind: 'choice',
      choices: [
        { value: 'a', label: 'a' },
        { value: 1, label: '1' },
      ],
    },
  ],
  [
    'titled choices',
    { oneOf: [{ const: 'a', title: 'A' }] },
    { kind: 'choice', choices: [{ value: 'a', label: 'A' }] },
  ],
  [
    'several of an enumeration',
    { type: 'array', items: { enum: ['a'] } },
    { kind: 'choices', choices: [{ value: 'a', label: 'a' }] },
  ],
  ['a list', { type: 'array', items: { type: 'number' } }, { kind: 'list', items: { type: 'number' } }],
  ['a list of anything', { type: 'array' }, { kind: 'json' }],
  ['one of several shapes', { oneOf: [{ type: 'string' }, { type: 'number' }] }, { kind: 'json' }],
  ['several types', { type: ['string', 'number'] }, { kind: 'json' }],
  ['a map', { type: 'object', additionalProperties: { type: 'string' } }, { kind: 'json' }],
  ['a combination', { type: 'object', properties: {}, allOf: [{}] }, { kind: 'json' }],
  ['nothing said', {}, { kind: 'json' }],
])('the control for %s', (_, schema, kind) => {
  expect(kindOf(schema, schema)).toEqual(kind);
});

test('the fields of an object, in their order, say whether they are required', () => {
  const schema = { type: 'object', properties: { b: { type: 'string' }, a: { type: 'number' } }, required: ['a'] };
  expect(kindOf(schema, schema)).toEqual({
    kind: 'object',
    fields: [
      { name: 'b', schema: { type: 'string' }, isRequired: false },
      { name: 'a', schema: { type: 'number' }, isRequired: true },
    ],
  });
});

test('references are followed inside the schema, and those that lead nowhere or in a circle are JSON', () => {
  const root = { $defs: { 'a/b': { type: 'string' }, self: { $ref: '#/$defs/self' } } };
  expect(kindOf({ $ref: '#/$defs/a~1b' }, root)).toEqual({ kind: 'text' });
  expect(kindOf({ $ref: '#/$defs/none' }, root)).toEqual({ kind: 'json' });
  expect(kindOf({ $ref: '#/$defs/self' }, root)).toEqual({ kind: 'json' });
  expect(kindOf({ $ref: 'https://example.com/a' }, root)).toEqual({ kind: 'json' });
});

test('a schema that contains itself ends as JSON', () => {
  const root = { type: 'object', properties: { child: { $ref: '#' } } };
  expect(kindOf(root, root, 5)).toEqual({ kind: 'json' });
});
