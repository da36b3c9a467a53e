import { describe, expect, test } from 'vitest';
import { httpClient, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { serveLegacy } from '../kit/legacy-host.ts';
import { listenLegacy, listenModern } from '../kit/listeners.ts';
import { createShelfServer, type Asked, type Shelf } from '../kit/shelf-server.ts';
import { waitFor } from '../kit/wait.ts';
import { openSession, postModern, type RpcAnswer } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const URI = 'ui://app/main.html';
const TEMPLATE = 'note://{id}';

/** What a server has that shares every address with another one, and where it speaks of them. */
function shelfOf(owner: string): Shelf {
  const link = { type: 'resource_link', uri: URI, name: 'main' };
  const embedded = { type: 'resource', resource: { uri: URI, text: `text of ${owner}` } };
  return {
    tools: [{ name: 'show', inputSchema: { type: 'object' }, _meta: { ui: { resourceUri: URI } } }],
    prompts: [{ name: 'tell' }],
    resources: [
      { uri: URI, name: owner },
      { uri: `${owner}:own`, name: 'own' },
    ],
    resourceTemplates: [{ uriTemplate: TEMPLATE, name: owner }],
    answers: {
      'tools/call show': {
        content: [
          link,
          embedded,
          { ...link, uri: 'note://7' },
          { ...link, uri: `${owner}:own` },
          { type: 'text', text: `${URI} stays in a text` },
        ],
        structuredContent: { owner },
        _meta: { ui: { resourceUri: URI } },
      },
      'prompts/get tell': { messages: [{ role: 'user', content: embedded }] },
      [`resources/read ${URI}`]: { contents: [{ uri: URI, text: owner, _meta: { ui: { csp: {} } } }] },
      'resources/read note://7': { contents: [{ uri: 'note://7', text: `note of ${owner}` }] },
    },
  };
}

async function startTwo() {
  const stack = new AsyncDisposableStack();
  const gateway = stack.use(await startGateway());
  const asked: Record<string, Asked[]> = { first: [], second: [] };
  const hosts = [];
  for (const name of ['first', 'second']) {
    const host = stack.use(await serveLegacy(() => createShelfServer(shelfOf(name), asked[name])));
    hosts.push(host);
    await gateway.createClient(httpClient(host.url, { name }));
  }
  return { gateway, asked, hosts, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

type Send = (method: string, params?: JsonObject) => Promise<RpcAnswer>;

/** The address under which the second server's resource is listed. */
async function otherAddress(send: Send): Promise<string> {
  const { resources } = (await send('resources/list')).reply.result as { resources: { uri: string; name: string }[] };
  expect(resources.map(({ name }) => name).toSorted()).toEqual(['first', 'own', 'own', 'second']);
  expect(resources.find(({ name }) => name === 'first')?.uri).toBe(URI);
  expect(resources.filter(({ name }) => name === 'own').map(({ uri }) => uri)).toEqual(['first:own', 'second:own']);
  const other = resources.find(({ name }) => name === 'second')?.uri ?? '';
  expect(other).not.toBe(URI);
  expect(other).toMatch(/^ui:\/\/.*\/app\/main\.html$/);
  return other;
}

describe.for(['legacy', 'modern'] as const)('an address that two servers have: a %s client', (era) => {
  async function sender(gateway: GatewayAccess): Promise<Send> {
    if (era === 'modern') return (method, params) => postModern(gateway, method, params);
    const session = await openSession(gateway);
    return (method, params) => session.request(method, params);
  }

  test('reads both, each with the address that it asked for', async () => {
    await using scene = await startTwo();
    const send = await sender(scene.gateway);
    const other = await otherAddress(send);
    for (const [uri, owner] of [
      [URI, 'first'],
      [other, 'second'],
    ]) {
      const { reply } = await send('resources/read', { uri });
      expect(reply.result?.['contents']).toEqual([{ uri, text: owner, _meta: { ui: { csp: {} } } }]);
      expect(scene.asked[owner ?? '']).toEqual([['resources/read', expect.objectContaining({ uri: URI })]]);
    }
  });

  test('finds it changed everywhere for the later server, and nowhere for the first', async () => {
    await using scene = await startTwo();
    const send = await sender(scene.gateway);
    const other = await otherAddress(send);
    const tools = (await send('tools/list')).reply.result?.['tools'];
    for (const [name, uri] of [
      ['first', URI],
      ['second', other],
    ]) {
      expect(tools).toContainEqual(
        expect.objectContaining({ name: `${name}-show`, _meta: { ui: { resourceUri: uri } } }),
      );
      const called = (await send('tools/call', { name: `${name}-show` })).reply.result;
      expect(called).toMatchObject({
        content: [
          { type: 'resource_link', uri },
          { resource: { uri, text: `text of ${name}` } },
          { uri: name === 'first' ? 'note://7' : expect.stringMatching(/^note:\/\/.+7$/) },
          { uri: `${name}:own` },
          { text: `${URI} stays in a text` },
        ],
        structuredContent: { owner: name },
        _meta: { ui: { resourceUri: uri } },
      });
      const told = (await send('prompts/get', { name: `${name}-tell` })).reply.result;
      expect(told).toMatchObject({ messages: [{ content: { resource: { uri, text: `text of ${name}` } } }] });
    }
  });

  test('uses both templates', async () => {
    await using scene = await startTwo();
    const send = await sender(scene.gateway);
    const { resourceTemplates } = (await send('resources/templates/list')).reply.result as {
      resourceTemplates: { uriTemplate: string; name: string }[];
    };
    const byName = new Map(resourceTemplates.map(({ uriTemplate, name }) => [name, uriTemplate]));
    expect(byName.get('first')).toBe(TEMPLATE);
    expect(byName.get('second')).not.toBe(TEMPLATE);
    for (const [name, template] of byName) {
      const uri = template.replace('{id}', '7');
      const { reply, text } = await send('resources/read', { uri });
      expect(reply.result?.['contents'], text).toEqual([{ uri, text: `note of ${name}` }]);
      const argument = { name: 'id', value: '7' };
      await send('completion/complete', { ref: { type: 'ref/resource', uri: template }, argument });
      expect(scene.asked[name]?.at(-1)).toMatchObject(['completion/complete', { ref: { uri: TEMPLATE } }]);
    }
  });
});

test('subscribers hear of the resource that they mean, under the address that they know', async () => {
  await using scene = await startTwo();
  const { gateway } = scene;
  await using first = await listenLegacy(gateway);
  const other = await otherAddress((method, params) => first.session.request(method, params));
  await using second = await listenLegacy(gateway);
  await first.session.request('resources/subscribe', { uri: URI });
  await second.session.request('resources/subscribe', { uri: other });
  await using both = await listenModern(gateway, { resourceSubscriptions: [URI, other] });
  for (const name of ['first', 'second'])
    await waitFor(() => scene.asked[name]?.some(([method]) => method === 'resources/subscribe'), 'the subscription');
  expect(scene.asked['second']).toEqual([['resources/subscribe', { uri: URI }]]);
  const update = async (index: number) => {
    const params = { uri: URI };
    for (const server of scene.hosts[index]?.servers ?? [])
      await server.notification({ method: 'notifications/resources/updated', params });
  };
  const heard = (listener: typeof first | typeof both) =>
    listener.heard('notifications/resources/updated').map(({ params }) => params?.['uri']);
  await update(1);
  await waitFor(() => heard(second).length > 0 && heard(both).length > 0, 'the change of the second to be heard');
  await update(0);
  await waitFor(() => heard(first).length > 0 && heard(both).length > 1, 'the change of the first to be heard');
  expect([heard(first), heard(second), heard(both)]).toEqual([[URI], [other], [other, URI]]);
});

test('a resource of a shared template is watched where it is', async () => {
  await using scene = await startTwo();
  const { gateway } = scene;
  await using client = await listenLegacy(gateway);
  const { text } = await client.session.request('resources/templates/list');
  const uri = /"uriTemplate":"(note:\/\/[^"{]+)\{id\}"/.exec(text)?.[1]?.concat('7') ?? '';
  await client.session.request('resources/subscribe', { uri });
  expect(scene.asked).toMatchObject({ first: [], second: [['resources/subscribe', { uri: 'note://7' }]] });
  for (const host of scene.hosts) {
    for (const server of host.servers)
      await server.notification({ method: 'notifications/resources/updated', params: { uri: 'note://7' } });
  }
  const heard = () => client.heard('notifications/resources/updated').map(({ params }) => params?.['uri']);
  await waitFor(() => heard().length > 0, 'the change to be heard');
  expect(heard()).toEqual([uri]);
});

test('the address goes back to the one that is left', async () => {
  await using scene = await startTwo();
  const send: Send = (method, params) => postModern(scene.gateway, method, params);
  const other = await otherAddress(send);
  const [first] = (await scene.gateway.listClients()).filter(({ config }) => config.name === 'first');
  const id = first?.config.client_id ?? '';
  await scene.gateway.update(id, { disabled: true });
  expect((await send('resources/read', { uri: URI })).reply.result?.['contents']).toMatchObject([
    { uri: URI, text: 'second' },
  ]);
  await scene.gateway.update(id, { disabled: false });
  await waitFor(
    async () => JSON.stringify((await send('resources/read', { uri: URI })).reply.result).includes('first'),
    'the first to be back',
  );
  expect((await send('resources/read', { uri: other })).reply.result?.['contents']).toMatchObject([
    { uri: other, text: 'second' },
  ]);
});
