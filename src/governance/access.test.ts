import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canUseServer, canUseTool, createToolFilter, grantOf, readToolFilter, type Guarded } from './access.ts';

const TOOLS = ['read', 'write', 'drop'];

function server(change: Partial<Guarded['client']> = {}, grants: Record<string, string[]> = {}): Guarded {
  const client = {
    name: 'wiki',
    disabled: false,
    tools_to_execute: ['*'],
    allow_on_all_virtual_keys: false,
    ...change,
  };
  return { client, grants: new Map(Object.entries(grants)) };
}
const named = (own: string) => ({ name: `wiki-${own}`, own });
const filterOf = (tools?: string, clients?: string) =>
  readToolFilter({
    ...(tools !== undefined && { 'x-bf-mcp-include-tools': tools }),
    ...(clients !== undefined && { 'x-bf-mcp-include-clients': clients }),
  });

const whiteList: fc.Arbitrary<string[]> = fc.oneof(fc.constant<string[]>(['*']), fc.subarray(TOOLS));
const guarded = fc
  .record({ list: whiteList, row: fc.option(whiteList), isOpen: fc.boolean(), disabled: fc.boolean() })
  .map(({ list, row, isOpen, disabled }) =>
    server({ tools_to_execute: list, allow_on_all_virtual_keys: isOpen, disabled }, row === null ? {} : { key: row }),
  );
const anyFilter = fc.option(
  fc
    .tuple(
      fc.option(fc.subarray(['wiki', 'other', '*']), { nil: undefined }),
      fc.option(fc.subarray(['wiki-read', 'wiki-*', 'other-read', '*']), { nil: undefined }),
    )
    .map(([clients, tools]) => createToolFilter(clients, tools)),
  { nil: undefined },
);

describe('a virtual key', () => {
  test('without a row gets nothing, unless the server is open to all', () => {
    expect(grantOf(server(), 'key')).toEqual([]);
    expect(grantOf(server({ allow_on_all_virtual_keys: true }), 'key')).toEqual(['*']);
    expect(grantOf(server({ allow_on_all_virtual_keys: true }, { key: [] }), 'key')).toEqual([]);
  });

  test('never gets more than an operator, with whatever filter', () => {
    fc.assert(
      fc.property(guarded, fc.constantFrom(...TOOLS), anyFilter, (guard, own, filter) => {
        const byKey = canUseTool(guard, named(own), 'key', filter);
        expect(!byKey || canUseTool(guard, named(own), undefined, undefined)).toBe(true);
      }),
    );
  });
});

test('a filter narrows and never widens', () => {
  fc.assert(
    fc.property(
      guarded,
      fc.constantFrom(...TOOLS),
      anyFilter,
      fc.constantFrom('key', undefined),
      (guard, own, f, key) => {
        expect(!canUseTool(guard, named(own), key, f) || canUseTool(guard, named(own), key, undefined)).toBe(true);
      },
    ),
  );
});

test('whoever may use a tool of a server sees the server', () => {
  fc.assert(
    fc.property(
      guarded,
      fc.constantFrom(...TOOLS),
      anyFilter,
      fc.constantFrom('key', undefined),
      (guard, own, f, key) => {
        expect(!canUseTool(guard, named(own), key, f) || canUseServer(guard, key, f)).toBe(true);
      },
    ),
  );
});

describe('the include headers', () => {
  const admitted = (filter: ReturnType<typeof filterOf>) =>
    TOOLS.filter((own) => canUseTool(server(), named(own), undefined, filter));

  test('absent do not restrict, empty let nothing through', () => {
    expect(filterOf()).toBeUndefined();
    for (const empty of ['', ' ', ' , ']) {
      expect(admitted(filterOf(empty))).toEqual([]);
      expect(admitted(filterOf(undefined, empty))).toEqual([]);
    }
  });

  test('name tools, all tools of a server, or everything', () => {
    expect(admitted(filterOf('wiki-read, other-write'))).toEqual(['read']);
    expect(admitted(filterOf('wiki-*'))).toEqual(TOOLS);
    expect(admitted(filterOf('*'))).toEqual(TOOLS);
    expect(admitted(filterOf('wiki_read'))).toEqual(['read']);
    expect(admitted(filterOf('Wiki-read'))).toEqual([]);
    expect(admitted(filterOf('wiki-read', 'other'))).toEqual([]);
    expect(admitted(filterOf('wiki-read', 'wiki,other'))).toEqual(['read']);
  });

  test('in any order are the same filter', () => {
    expect(filterOf('b-x, a-y')?.key).toBe(filterOf('a-y,b-x')?.key);
    expect(filterOf('a-y')?.key).not.toBe(filterOf(undefined, 'a-y')?.key);
  });

  test('show a server to whoever asks for one of its tools, but not to whoever asks for a longer name', () => {
    expect(canUseServer(server(), undefined, filterOf('wiki-nothing'))).toBe(true);
    expect(canUseServer(server(), undefined, filterOf('wiki_two-read'))).toBe(false);
    expect(canUseServer(server(), undefined, filterOf('other-read'))).toBe(false);
  });
});
