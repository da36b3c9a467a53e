import { stripTypeScriptTypes } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../lib/json-rpc.ts';
import { asComment, documentedTypeOf, typeOf } from './stubs.ts';

const object = (properties: Record<string, JsonValue>, required: string[] = []): JsonValue => ({
  type: 'object',
  properties,
  required,
});

describe('the type of a schema', () => {
  test.for<[JsonValue | undefined, string]>([
    [undefined, 'unknown'],
    [true, 'unknown'],
    [false, 'never'],
    [{}, 'unknown'],
    [{ type: 'integer' }, 'number'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ enum: ['a', 1, null] }, '"a" | 1 | null'],
    [{ const: 'x' }, '"x"'],
    [{ type: 'array', items: { type: 'string' } }, 'string[]'],
    [{ type: 'array', items: { enum: ['a', 'b'] } }, 'Array<"a" | "b">'],
    [{ type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] }, '[string, number]'],
    [{ type: 'array' }, 'unknown[]'],
    [object({ a: { type: 'string' }, 'b-c': { type: 'boolean' } }, ['a']), '{ a: string; "b-c"?: boolean }'],
    [{ type: 'object' }, 'Record<string, unknown>'],
    [{ type: 'object', additionalProperties: { type: 'number' } }, 'Record<string, number>'],
    [{ type: 'object', additionalProperties: false }, '{}'],
    [{ anyOf: [{ type: 'string' }, { type: 'string' }, { type: 'null' }] }, 'string | null'],
    [{ anyOf: [{ type: 'string' }, {}] }, 'unknown'],
    [
      { allOf: [object({ a: { type: 'string' } }), { oneOf: [{ type: 'string' }, { type: 'number' }] }] },
      '{ a?: string } & (string | number)',
    ],
    [{ $defs: { id: { type: 'string' } }, ...(object({ id: { $ref: '#/$defs/id' } }) as object) }, '{ id?: string }'],
    [{ $ref: 'https://example.com/schema' }, 'unknown'],
    [{ $ref: '#/nowhere' }, 'unknown'],
  ])('%j is %s', ([schema, type]) => {
    expect(typeOf(schema)).toBe(type);
  });

  test('that refers to itself comes to an end', () => {
    const tree = { type: 'object', properties: { children: { type: 'array', items: { $ref: '#' } } } };
    expect(typeOf(tree)).toMatch(/^\{ children\?: .*unknown.*\}$/);
    // Ten million schemas, if each were followed.
    const wide = {
      properties: Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`p${index}`, { $ref: '#' }])),
    };
    expect(documentedTypeOf(wide).length).toBeLessThan(100_000);
  });

  test('is cut where it is too long for a line', () => {
    const wide = (depth: number): JsonValue =>
      depth === 0
        ? { type: 'string' }
        : object(Object.fromEntries('abcdefgh'.split('').map((name) => [name.repeat(8), wide(depth - 1)])));
    expect(typeOf(wide(4)).length).toBeLessThan(3_000);
    expect(typeOf(wide(4))).toContain('unknown');
  });

  test('carries descriptions where it has room', () => {
    const schema = object({ path: { type: 'string', description: 'Where */ it\nlies', default: '/' } }, ['path']);
    expect(documentedTypeOf(schema)).toBe('{\n  /** Where *\\/ it lies Default: "/". */\n  path: string;\n}');
  });

  test('is TypeScript, whatever a server calls a schema', () => {
    const leaf = fc.oneof(
      fc.jsonValue(),
      fc.record({ type: fc.constantFrom('string', 'integer', 'object', 'array', 'null', 'other') }),
      fc.record({ enum: fc.array(fc.jsonValue()), description: fc.string({ unit: 'binary' }) }),
      fc.record({ $ref: fc.constantFrom('#', '#/properties', '#/a~1b', 'x') }),
    );
    const { schema } = fc.letrec((tie) => ({
      schema: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.record({
          type: fc.constant('object'),
          properties: fc.dictionary(fc.string({ unit: 'binary' }), tie('schema')),
        }),
        fc.record({ type: fc.constant('array'), items: tie('schema') }),
        fc.record({ anyOf: fc.array(tie('schema')) }),
        fc.record({ allOf: fc.array(tie('schema')) }),
        fc.record({ type: fc.array(fc.constantFrom('string', 'object', 'null')), additionalProperties: tie('schema') }),
      ),
    }));
    fc.assert(
      fc.property(schema, (value) => {
        const types = [typeOf(value as JsonValue), documentedTypeOf(value as JsonValue)];
        expect(stripTypeScriptTypes(types.map((type) => `type It = ${type};`).join('\n')).trim()).toBe('');
      }),
      { numRuns: 60 },
    );
  });
});

test('a comment is one line that no text can end', () => {
  expect(asComment(' a\n*/ b\u2028c ')).toBe('a *\\/ b c');
});
