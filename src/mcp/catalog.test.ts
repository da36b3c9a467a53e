import { expect, test } from 'vitest';
import { exampleClient } from '../../test/kit/clients.ts';
import type { ClientState } from '../contract/mcp-client.ts';
import { createToolFilter } from '../governance/access.ts';
import type { McpClient, Offer } from '../store/mcp-clients.ts';
import type { Audience } from './audience.ts';
import { createCatalog } from './catalog.ts';
import { keepSame } from './upstream/offer.ts';
import type { Upstream } from './upstream/upstream.ts';

interface Server {
  client: McpClient;
  grants: ReadonlyMap<string, readonly string[]>;
  offer: Offer;
  state: ClientState;
  offerFor(): Offer;
}

function server(name: string, tools: readonly string[], keys: readonly string[]): Server {
  return {
    client: exampleClient({ client_id: name, name }),
    grants: new Map(keys.map((key) => [key, ['*']])),
    offer: offerOf(tools),
    state: 'connected',
    offerFor() {
      return this.offer;
    },
  };
}

function offerOf(tools: readonly string[]): Offer {
  const listed = tools.map((name) => ({ name, json: JSON.stringify({ name, inputSchema: { type: 'object' } }) }));
  return { tools: listed, prompts: [], resources: [], resourceTemplates: [] };
}

/** Two servers, of which the key `x` sees the first and `y` the second. */
function open() {
  const servers = [server('wiki', ['read', 'write'], ['x']), server('mail', ['send'], ['y'])] as const;
  // All that a catalog looks at.
  const catalog = createCatalog({ upstreams: () => servers as unknown as Upstream[], isUsable: () => true });
  const audience = (virtualKey?: string, more: Partial<Audience> = {}): Audience => ({
    ...{ profile: undefined, virtualKey, filter: undefined },
    ...more,
  });
  return { catalog, servers, audience, view: (virtualKey?: string) => catalog.view(audience(virtualKey)) };
}

const textOf = (list: Buffer) => list.toString();

test('a change of a server leaves the view of those who do not see it the very same', () => {
  const { catalog, servers, view } = open();
  const before = { x: view('x'), y: view('y'), all: view() };
  servers[1].offer = keepSame(offerOf(['send', 'delete']), servers[1].offer);
  catalog.invalidate();
  expect(view('x')).toBe(before.x);
  expect([...view('y').tools.keys()]).toEqual(['mail-delete', 'mail-send']);
  expect([...view().tools.keys()]).toEqual(['mail-delete', 'mail-send', 'wiki-read', 'wiki-write']);
  // Who took the former views keeps them.
  expect([...before.all.tools.keys()]).toEqual(['mail-send', 'wiki-read', 'wiki-write']);
});

test('a record that changes is seen at once: its list of tools, its name, its end', () => {
  const { catalog, servers, view } = open();
  const change = (changes: Partial<McpClient>) => {
    servers[0].client = { ...servers[0].client, ...changes };
    catalog.invalidate();
    return [...view('x').tools.keys()];
  };
  expect(change({ tools_to_execute: ['read'] })).toEqual(['wiki-read']);
  expect(change({ name: 'docs' })).toEqual(['docs-read']);
  expect(change({ disabled: true })).toEqual([]);
  expect(change({ disabled: false, tools_to_execute: ['*'] })).toEqual(['docs-read', 'docs-write']);
});

test('what a key is granted changes its view, and keys with equal rights share one', () => {
  const { catalog, servers, view } = open();
  expect([...view('y').tools.keys()]).toEqual(['mail-send']);
  const list = ['read'];
  servers[0].grants = new Map([
    ['x', list],
    ['y', list],
  ]);
  servers[1].grants = new Map();
  catalog.invalidate();
  expect([...view('x').tools.keys()]).toEqual(['wiki-read']);
  expect(view('y')).toBe(view('x'));
});

test('a server that is out of reach is said to be, in the view that was there before', () => {
  const { servers, view } = open();
  const before = view('x');
  servers[0].state = 'disconnected';
  expect(view('x')).toBe(before);
  expect(before.stale).toEqual(['wiki']);
});

test('those who watch hear of the lists that they see otherwise, and of nothing else', async () => {
  const { catalog, servers, audience } = open();
  const heard: string[] = [];
  // A catalog that takes long to compare announces less often, so nobody can say when.
  let announced = (): void => {};
  catalog.onChange(() => setImmediate(announced));
  const settle = (): Promise<void> => new Promise((resolve) => (announced = resolve));
  for (const key of ['x', 'y']) catalog.watch(audience(key), (lists) => heard.push(`${key} ${lists.join()}`));
  servers[1].offer = offerOf(['send', 'delete']);
  catalog.invalidate();
  await settle();
  expect(heard).toEqual(['y tools']);
  // Another record with the same tools: a view of its own, but nothing to tell.
  servers[0].client = { ...servers[0].client, tool_pricing: { read: 1 } };
  catalog.invalidate();
  await settle();
  expect(heard).toEqual(['y tools']);
  servers[0].offer = offerOf(['read', 'rewrite']);
  catalog.invalidate();
  await settle();
  expect(heard).toEqual(['y tools', 'x tools']);
});

test('a filter narrows a view, whatever was compiled without it', () => {
  const { catalog, audience } = open();
  const filter = createToolFilter(undefined, ['wiki-write']);
  expect(textOf(catalog.view(audience('x')).lists.tools)).toContain('wiki-read');
  expect([...catalog.view(audience('x', { filter })).tools.keys()]).toEqual(['wiki-write']);
  expect(catalog.findTool('mail-send')?.own).toBe('send');
  expect(catalog.findTool('mail-none')).toBeUndefined();
});
