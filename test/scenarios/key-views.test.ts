import { describe, expect, test } from 'vitest';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { createKey, type TestKey } from '../kit/keys.ts';
import { serveLegacy } from '../kit/legacy-host.ts';
import { createShelfServer, type Asked, type Shelf } from '../kit/shelf-server.ts';
import { openSession, postModern, type HeaderChanges, type McpEndpoint, type RpcAnswer } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

/** What a server "c1" or "c2" offers: things of its own, and one address that both have. */
const shelf = (name: string): Shelf => ({
  instructions: `how to use ${name}`,
  tools: ['x', 'y'].map((tool) => ({ name: tool, inputSchema: { type: 'object' } })),
  prompts: [{ name: 'hello' }],
  resources: [
    { uri: `${name}://a`, name: 'a' },
    { uri: 'shared://b', name: 'b' },
  ],
  resourceTemplates: [{ uriTemplate: `${name}-files://{path}`, name: 'files' }],
  answers: {
    'prompts/get hello': { messages: [{ role: 'user', content: { type: 'text', text: `hello from ${name}` } }] },
    [`resources/read ${name}://a`]: { contents: [{ uri: `${name}://a`, text: `a of ${name}` }] },
    'resources/read shared://b': { contents: [{ uri: 'shared://b', text: `b of ${name}` }] },
    [`resources/read ${name}-files://z`]: { contents: [{ uri: `${name}-files://z`, text: `z of ${name}` }] },
  },
});

interface ViewScene extends AsyncDisposable {
  readonly gateway: TestGateway;
  /** What reached each server, but for lists. */
  readonly asked: Readonly<Record<'c1' | 'c2', Asked[]>>;
  /** A key with these tools by server. */
  key(grants: Readonly<Record<string, readonly string[]>>): Promise<TestKey>;
}

async function startViewScene(): Promise<ViewScene> {
  const stack = new AsyncDisposableStack();
  const gateway = stack.use(await startGateway());
  const asked: ViewScene['asked'] = { c1: [], c2: [] };
  for (const name of ['c1', 'c2'] as const) {
    const host = stack.use(await serveLegacy(() => createShelfServer(shelf(name), asked[name])));
    await gateway.createClient(httpClient(host.url, { name }));
  }
  return {
    gateway,
    asked,
    key(grants) {
      const mcp_configs = Object.entries(grants).map(([mcp_client_name, tools_to_execute]) => ({
        ...{ mcp_client_name, tools_to_execute },
      }));
      return createKey(gateway, 'k', { mcp_configs });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

type Send = (method: string, params?: JsonObject) => Promise<RpcAnswer>;

/** A client of either era: how it sends, and what it is told of the gateway at first. */
const ERAS: Readonly<
  Record<string, (endpoint: McpEndpoint, headers: HeaderChanges) => Promise<{ send: Send; told: JsonObject }>>
> = {
  async legacy(endpoint, headers) {
    const session = await openSession(endpoint, headers);
    return { send: session.request, told: session.opened };
  },
  async modern(endpoint, headers) {
    const send: Send = (method, params = {}) => postModern(endpoint, method, params, { headers });
    return { send, told: (await send('server/discover')).reply.result ?? {} };
  },
};

/** Names of everything that is listed. */
async function seen(send: Send): Promise<string[]> {
  const list = async (method: string, kind: string, name: string) => {
    const items = (await send(method)).reply.result?.[kind] as Record<string, string>[];
    return items.map((item) => item[name] ?? '');
  };
  return [
    ...(await list('tools/list', 'tools', 'name')),
    ...(await list('prompts/list', 'prompts', 'name')),
    ...(await list('resources/list', 'resources', 'uri')),
    ...(await list('resources/templates/list', 'resourceTemplates', 'uriTemplate')),
  ];
}

const OF_C1 = ['c1-hello', 'c1://a', 'shared://b', 'c1-files://{path}'];
const OF_C2 = ['c2-hello', 'c2://a', 'shared://~c2/b', 'c2-files://{path}'];
const TOOLS_OF_C1 = ['c1-x', 'c1-y'];

/** What makes somebody see "c1" alone. */
const ONLY_C1: Readonly<
  Record<string, (scene: ViewScene) => Promise<{ who: McpEndpoint; headers: HeaderChanges; tools: readonly string[] }>>
> = {
  'a key with a grant for one server': async (scene) => ({
    who: await scene.key({ c1: ['*'] }),
    ...{ headers: {}, tools: TOOLS_OF_C1 },
  }),
  'a key with a grant for one tool, and an empty one': async (scene) => ({
    who: await scene.key({ c1: ['x'], c2: [] }),
    ...{ headers: {}, tools: ['c1-x'] },
  }),
  'a key for both that asks for one server': async (scene) => ({
    who: await scene.key({ c1: ['*'], c2: ['*'] }),
    ...{ headers: { 'x-bf-mcp-include-clients': 'c1' }, tools: TOOLS_OF_C1 },
  }),
  'a key for both that asks for a tool of one': async (scene) => ({
    who: await scene.key({ c1: ['*'], c2: ['*'] }),
    ...{ headers: { 'x-bf-mcp-include-tools': 'c1-y' }, tools: ['c1-y'] },
  }),
  'an operator who asks for one server': ({ gateway }) =>
    Promise.resolve({ who: gateway, headers: { 'x-bf-mcp-include-clients': 'c1' }, tools: TOOLS_OF_C1 }),
};

const CASES = Object.keys(ONLY_C1).flatMap((who) => Object.keys(ERAS).map((era) => [era, who] as const));

describe('one server alone', () => {
  test.for(CASES)('over the %s protocol: %s sees, reads, gets and completes what it has', async ([era, who]) => {
    await using scene = await startViewScene();
    const { who: endpoint, headers, tools } = await ONLY_C1[who]!(scene);
    const { send, told } = await ERAS[era]!(endpoint, headers);
    expect(await seen(send)).toEqual([...tools, ...OF_C1]);
    expect(told['instructions']).toBe('how to use c1');
    const read = async (uri: string) => (await send('resources/read', { uri })).text;
    expect(await read('c1://a')).toContain('a of c1');
    expect(await read('shared://b')).toContain('b of c1');
    expect(await read('c1-files://z')).toContain('z of c1');
    expect((await send('prompts/get', { name: 'c1-hello' })).text).toContain('hello from c1');
    for (const ref of [
      { type: 'ref/prompt', name: 'c1-hello' },
      { type: 'ref/resource', uri: 'c1-files://{path}' },
    ]) {
      const { reply } = await send('completion/complete', { ref, argument: { name: 'x', value: 'v' } });
      expect(reply.result?.['completion']).toMatchObject({ values: ['v-done'] });
    }
  });

  test.for(CASES)('over the %s protocol: %s reaches nothing of the other', async ([era, who]) => {
    await using scene = await startViewScene();
    const { who: endpoint, headers } = await ONLY_C1[who]!(scene);
    const { send } = await ERAS[era]!(endpoint, headers);
    const argument = { name: 'x', value: 'v' };
    const attempts: [method: string, params: JsonObject][] = [
      ...['c2://a', 'shared://~c2/b', 'c2-files://z', 'c2://unlisted', 'c2://~c2/a'].map(
        (uri): [string, JsonObject] => ['resources/read', { uri }],
      ),
      ['prompts/get', { name: 'c2-hello' }],
      ['tools/call', { name: 'c2-x', arguments: {} }],
      ['completion/complete', { ref: { type: 'ref/prompt', name: 'c2-hello' }, argument }],
      ['completion/complete', { ref: { type: 'ref/resource', uri: 'c2-files://{path}' }, argument }],
      ['completion/complete', { ref: { type: 'ref/resource', uri: 'c2://a' }, argument }],
    ];
    for (const [method, params] of attempts) {
      // What is hidden is answered as what does not exist is.
      const nowhere = JSON.parse(JSON.stringify(params).replaceAll('c2', 'c9')) as JsonObject;
      const [hidden, unknown] = [await send(method, params), await send(method, nowhere)];
      const { id: _, ...asIf } = JSON.parse(JSON.stringify(unknown.reply).replaceAll('c9', 'c2')) as JsonObject;
      expect(hidden.reply, `${method} ${JSON.stringify(params)}`).toMatchObject(asIf);
      if (method !== 'completion/complete') expect(hidden.reply.error).toBeDefined();
    }
    expect(scene.asked.c2).toEqual([]);
  });
});

test.for(Object.keys(ERAS))('over the %s protocol: who sees no server hears of none', async (era) => {
  await using scene = await startViewScene();
  const none = await ERAS[era]!(await scene.key({ c1: [] }), {});
  const filtered = await ERAS[era]!(scene.gateway, { 'x-bf-mcp-include-clients': '', 'x-bf-mcp-include-tools': ' ' });
  for (const { send, told } of [none, filtered]) {
    expect(await seen(send)).toEqual([]);
    expect(told).not.toHaveProperty('instructions');
    expect(told['capabilities']).toEqual({ tools: { listChanged: true } });
    expect((await send('resources/read', { uri: 'c1://a' })).reply.error).toBeDefined();
    expect((await send('prompts/get', { name: 'c1-hello' })).reply.error).toBeDefined();
  }
  expect(scene.asked).toEqual({ c1: [], c2: [] });
});

test.for(Object.keys(ERAS))('over the %s protocol: an operator, and a key for both, see both', async (era) => {
  await using scene = await startViewScene();
  for (const endpoint of [scene.gateway, await scene.key({ c1: ['*'], c2: ['y'] })]) {
    const { send, told } = await ERAS[era]!(endpoint, {});
    const names = (await seen(send)).filter((name) => !/-[xy]$/.test(name));
    expect(names.toSorted()).toEqual([...OF_C1, ...OF_C2].toSorted());
    expect(told['instructions']).toBe('# c1\nhow to use c1\n\n# c2\nhow to use c2');
    expect((await send('resources/read', { uri: 'shared://~c2/b' })).text).toContain('b of c2');
  }
});
