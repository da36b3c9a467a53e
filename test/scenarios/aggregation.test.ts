import { describe, expect, test } from 'vitest';
import { httpClient, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { serveLegacy } from '../kit/legacy-host.ts';
import { createShelfServer, type Asked, type Shelf } from '../kit/shelf-server.ts';
import { openSession, postModern, type RpcAnswer } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const icons = [{ src: 'data:image/png;base64,AA==', mimeType: 'image/png', sizes: ['48x48'] }];
const extras = { title: 'Ein Titel', icons, _meta: { 'example.com/x': [1, null] }, 'x-unknown': { deep: [true] } };

/** What a server with this letter has: everything its own. */
function shelfOf(letter: string): Shelf {
  return {
    instructions: `Use ${letter} with care.`,
    tools: [{ name: 'do', inputSchema: { type: 'object' }, ...extras }],
    prompts: [{ name: 'write', arguments: [{ name: 'style', required: true, 'x-more': 1 }], ...extras }],
    resources: [{ uri: `${letter}://one`, name: 'one', size: 12345678901, annotations: { priority: 0.5 }, ...extras }],
    resourceTemplates: [{ uriTemplate: `${letter}://file/{path}`, name: 'files', mimeType: 'text/plain', ...extras }],
    answers: {
      [`resources/read ${letter}://one`]: {
        contents: [{ uri: `${letter}://one`, text: `one of ${letter}` }],
        ...extras,
      },
      [`resources/read ${letter}://file/x/y`]: { contents: [{ uri: `${letter}://file/x/y`, blob: 'AA==' }] },
      'prompts/get write': {
        description: letter,
        messages: [{ role: 'user', content: { type: 'text', text: `by ${letter}` } }],
      },
    },
  };
}

async function startTwo() {
  const stack = new AsyncDisposableStack();
  const gateway = stack.use(await startGateway());
  const asked: Record<string, Asked[]> = { a: [], b: [] };
  for (const name of ['a', 'b']) {
    const host = stack.use(await serveLegacy(() => createShelfServer(shelfOf(name), asked[name])));
    await gateway.createClient(httpClient(host.url, { name }));
  }
  return { gateway, asked, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe.for(['legacy', 'modern'] as const)('of two servers a %s client', (era) => {
  async function sender(gateway: GatewayAccess): Promise<(method: string, params?: JsonObject) => Promise<RpcAnswer>> {
    if (era === 'modern') return (method, params) => postModern(gateway, method, params);
    const session = await openSession(gateway);
    return (method, params) => session.request(method, params);
  }

  test('sees all items with every field, names told apart and addresses unchanged', async () => {
    await using scene = await startTwo();
    const send = await sender(scene.gateway);
    const list = async (method: string, member: string) => (await send(method)).reply.result?.[member];
    const [a, b] = [shelfOf('a'), shelfOf('b')];
    const named = (items: readonly JsonObject[] = [], client: string) =>
      items.map((item) => ({ ...item, name: `${client}-${String(item['name'])}` }));
    expect(await list('tools/list', 'tools')).toEqual([...named(a.tools, 'a'), ...named(b.tools, 'b')]);
    expect(await list('prompts/list', 'prompts')).toEqual([...named(a.prompts, 'a'), ...named(b.prompts, 'b')]);
    expect(await list('resources/list', 'resources')).toEqual([...(a.resources ?? []), ...(b.resources ?? [])]);
    expect(await list('resources/templates/list', 'resourceTemplates')).toEqual([
      ...(a.resourceTemplates ?? []),
      ...(b.resourceTemplates ?? []),
    ]);
  });

  test('reaches the owner of a resource, a template and a prompt, and gets its very words', async () => {
    await using scene = await startTwo();
    const send = await sender(scene.gateway);
    for (const name of ['b', 'a']) {
      const { answers = {} } = shelfOf(name);
      for (const uri of [`${name}://one`, `${name}://file/x/y`])
        expect((await send('resources/read', { uri })).reply.result).toMatchObject(
          answers[`resources/read ${uri}`] ?? {},
        );
      const args = { style: 'plain' };
      expect((await send('prompts/get', { name: `${name}-write`, arguments: args })).reply.result).toMatchObject(
        answers['prompts/get write'] ?? {},
      );
      expect(scene.asked[name]?.at(-1)).toMatchObject(['prompts/get', { name: 'write', arguments: args }]);
      expect(scene.asked[name]).toHaveLength(3);
    }
  });

  test('completes arguments of prompts and templates at their owner', async () => {
    await using scene = await startTwo();
    const send = await sender(scene.gateway);
    const argument = { name: 'style', value: 'pl' };
    const context = { arguments: { other: 'x' } };
    for (const name of ['a', 'b']) {
      const refs = [
        [
          { type: 'ref/prompt', name: `${name}-write`, title: 'kept' },
          { type: 'ref/prompt', name: 'write', title: 'kept' },
        ],
        [
          { type: 'ref/resource', uri: `${name}://file/{path}` },
          { type: 'ref/resource', uri: `${name}://file/{path}` },
        ],
        [
          { type: 'ref/resource', uri: `${name}://one` },
          { type: 'ref/resource', uri: `${name}://one` },
        ],
      ];
      for (const [ref, own] of refs) {
        const { reply } = await send('completion/complete', { ref, argument, context });
        expect(reply.result).toMatchObject({ completion: { values: ['pl-done'], total: 1, hasMore: false } });
        expect(scene.asked[name]?.at(-1)).toMatchObject(['completion/complete', { ref: own, argument, context }]);
      }
    }
    for (const ref of [
      { type: 'ref/prompt', name: 'a-none' },
      { type: 'ref/resource', uri: 'c://x' },
      { type: 'ref/other' },
      undefined,
    ]) {
      expect((await send('completion/complete', { ref, argument })).reply.error?.code).toBe(-32_602);
    }
  });

  test('is told by both how to use them, and what it can do', async () => {
    await using scene = await startTwo();
    const told =
      era === 'modern'
        ? (await postModern(scene.gateway, 'server/discover')).reply.result
        : (await openSession(scene.gateway)).opened;
    const instructions = String(told?.['instructions']);
    expect(instructions.indexOf('Use a with care.')).toBeGreaterThan(-1);
    expect(instructions.indexOf('Use b with care.')).toBeGreaterThan(instructions.indexOf('Use a with care.'));
    expect(told?.['capabilities']).toMatchObject({
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      completions: {},
    });
  });

  test('learns in the words of its era that there is no such resource, prompt or tool', async () => {
    await using scene = await startTwo();
    const send = await sender(scene.gateway);
    const code = era === 'legacy' ? -32_002 : -32_602;
    for (const uri of ['a://nothing', 'a://file/nothing', 'c://one', 'one', 'x'.repeat(5_000), '~b/one', 'a://~b/one'])
      expect((await send('resources/read', { uri })).reply.error, uri).toMatchObject({ code, data: { uri } });
    for (const params of [{}, { uri: 1 }, { uri: '' }, { uri: null }])
      expect((await send('resources/read', params)).reply.error?.code).toBeLessThan(0);
    expect((await send('prompts/get', { name: 'write' })).reply.error?.code).toBe(-32_602);
  });
});
