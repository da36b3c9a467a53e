import { describe, expect, test } from 'vitest';
import { EMPTY_OFFER } from './offer.ts';
import { createToolFilter, paramHeadersOf, readParamHeaders } from './param-headers.ts';

type Schema = Record<string, unknown>;

function tool(properties: Schema, more: Schema = {}): string {
  return JSON.stringify({ name: 'any', inputSchema: { type: 'object', properties, ...more } });
}

const region = { type: 'string', 'x-mcp-header': 'Region' };

function reasonFor(json: string): string | undefined {
  const read = readParamHeaders(json);
  return read.valid ? undefined : read.reason;
}

describe('what a definition says', () => {
  test('is each annotated property with its header in lower case', () => {
    const json = tool({ region, size: { type: 'integer', 'x-mcp-header': 'SIZE' }, query: { type: 'string' } });
    expect(readParamHeaders(json)).toEqual({
      valid: true,
      headers: [
        { name: 'mcp-param-region', path: ['region'] },
        { name: 'mcp-param-size', path: ['size'] },
      ],
    });
  });

  test('includes nested properties by their path', () => {
    const json = tool({
      outer: { type: 'object', properties: { 'in.ner': { type: 'object', properties: { region } } } },
    });
    expect(readParamHeaders(json)).toEqual({
      valid: true,
      headers: [{ name: 'mcp-param-region', path: ['outer', 'in.ner', 'region'] }],
    });
  });

  test('is nothing for a tool without annotations', () => {
    for (const json of ['{"name":"any"}', '{"inputSchema":true}', tool({ text: { type: 'string' } })]) {
      expect(readParamHeaders(json)).toEqual({ valid: true, headers: [] });
    }
  });

  test('is found behind escapes too', () => {
    expect(readParamHeaders(tool({ region }).replace('x-mcp', '\\u0078-mcp'))).toEqual(
      readParamHeaders(tool({ region })),
    );
  });

  test.for(['string', 'integer', 'boolean', ['string', 'null'], ['integer', 'string']])('may annotate %j', (type) => {
    expect(readParamHeaders(tool({ value: { type, 'x-mcp-header': 'V' } }))).toHaveProperty('headers.length', 1);
  });

  test('may use any token as a name', () => {
    const name = "!#$%&'*+-.^_`|~09azAZ";
    const read = readParamHeaders(tool({ value: { type: 'string', 'x-mcp-header': name } }));
    expect(read).toMatchObject({ headers: [{ name: `mcp-param-${name.toLowerCase()}` }] });
  });

  test('may speak of the annotation where no schema stands', () => {
    const data = { default: region, const: region, enum: [region], examples: [region] };
    const json = tool(
      { 'x-mcp-header': { type: 'string' }, value: { type: 'object', ...data } },
      { 'x-other': region },
    );
    expect(readParamHeaders(json)).toEqual({ valid: true, headers: [] });
  });
});

describe('a definition is invalid', () => {
  test.for(['', 'My Region', 'Region:', 'Région', 'Region\t1', 'a\r\nb', 'a\n', '(a)', 'a/b', 1, null, true, ['a']])(
    'with the name %j',
    (name) => {
      expect(reasonFor(tool({ value: { type: 'string', 'x-mcp-header': name } }))).toContain('at value');
    },
  );

  test.for(['object', 'array', 'null', 'number', 'text', undefined, [], ['null'], ['string', 'number'], 1])(
    'on a property of type %j',
    (type) => {
      expect(reasonFor(tool({ value: { type, 'x-mcp-header': 'V' } }))).toContain('string, integer or boolean');
    },
  );

  test('when a name is used twice, whatever the case and the depth', () => {
    expect(reasonFor(tool({ a: region, b: region }))).toContain('at b');
    const shouted = { type: 'string', 'x-mcp-header': 'REGION' };
    expect(reasonFor(tool({ a: region, b: { type: 'object', properties: { c: shouted } } }))).toContain('at b.c');
  });

  const misplaced: Record<string, string> = {
    items: tool({ list: { type: 'array', items: region } }),
    'properties within items': tool({ list: { items: { properties: { region } } } }),
    'items as an array': tool({ list: { type: 'array', items: [{}, region] } }),
    prefixItems: tool({ list: { prefixItems: [region] } }),
    additionalProperties: tool({}, { additionalProperties: region }),
    patternProperties: tool({}, { patternProperties: { '^r': region } }),
    oneOf: tool({ value: { oneOf: [region] } }),
    anyOf: tool({}, { anyOf: [{ properties: { region } }] }),
    allOf: tool({}, { allOf: [{ properties: { region } }] }),
    not: tool({}, { not: { properties: { region } } }),
    if: tool({}, { if: { properties: { region } } }),
    then: tool({}, { then: { properties: { region } } }),
    else: tool({}, { else: { properties: { region } } }),
    dependentSchemas: tool({}, { dependentSchemas: { a: { properties: { region } } } }),
    $defs: tool({ value: { $ref: '#/$defs/region' } }, { $defs: { region } }),
    definitions: tool({}, { definitions: { region } }),
    'the schema itself': tool({}, { 'x-mcp-header': 'Region' }),
  };
  test.for(Object.keys(misplaced))('with an annotation in %s', (where) => {
    expect(reasonFor(misplaced[where] ?? '')).toContain('only `properties`');
  });

  test('with an annotation deeper than any caller nests, and a schema of any depth is read', () => {
    const deep = (depth: number): string =>
      `{"inputSchema":${'{"properties":{"a":'.repeat(depth)}${JSON.stringify(region)}${'}}'.repeat(depth)}}`;
    expect(readParamHeaders(deep(60))).toHaveProperty('headers.length', 1);
    expect(reasonFor(deep(20_000))).toContain('only `properties`');
  });
});

test('a tool is read once', () => {
  const listed = { name: 'any', json: tool({ region }) };
  expect(paramHeadersOf(listed)).toBe(paramHeadersOf(listed));
  expect(paramHeadersOf(listed)).toEqual(readParamHeaders(listed.json));
});

test('invalid tools are left out of an offer, and each is told once', () => {
  const told: string[] = [];
  const filter = createToolFilter((name, reason) => told.push(`${name}: ${reason}`));
  const good = { name: 'good', json: tool({ region }) };
  const bad = { name: 'bad', json: tool({ region: { ...region, type: 'number' } }) };
  const reason = 'bad: x-mcp-header at region: the type must be string, integer or boolean';
  expect(filter({ ...EMPTY_OFFER, tools: [bad, good] }).tools).toEqual([good]);
  expect(filter({ ...EMPTY_OFFER, tools: [{ ...bad }, good] }).tools).toEqual([good]);
  expect(told).toEqual([reason]);
  const untouched = { ...EMPTY_OFFER, tools: [good] };
  expect(filter(untouched)).toBe(untouched);
  filter({ ...EMPTY_OFFER, tools: [bad] });
  expect(told).toEqual([reason, reason]);
});
