import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ASKABLE } from '../kit/asked-clients.ts';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { createKey, updateKey, type TestKey } from '../kit/keys.ts';
import { ALL_LISTS, listenLegacy, listenModern, type Listener } from '../kit/listeners.ts';
import { startLively, type LivelyHost } from '../kit/lively-scene.ts';
import { waitFor } from '../kit/wait.ts';
import type { HeaderChanges, McpEndpoint } from '../kit/wire.ts';

const timing = { listChangedDelayMs: 5, backOff: () => 20 };
const UPDATED = 'notifications/resources/updated';
const MESSAGE = 'notifications/message';
const changed = (list: string) => `notifications/${list}/list_changed`;
/** Both servers have it; of the second it is called otherwise. */
const A = 'lively://a';
const A_OF_C2 = 'lively://~c2/a';

const grant = (...names: string[]) => ({
  mcp_configs: names.map((mcp_client_name) => ({ mcp_client_name, tools_to_execute: ['*'] })),
});

interface NoticeScene extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly c1: LivelyHost;
  readonly c2: LivelyHost;
  /** Client ids by name. */
  readonly ids: Readonly<Record<string, string>>;
  /** Sees "c1". */
  readonly k1: TestKey;
  /** Sees "c2". */
  readonly k2: TestKey;
}

async function startNoticeScene(era: 'legacy' | 'modern'): Promise<NoticeScene> {
  const stack = new AsyncDisposableStack();
  const gateway = stack.use(await startGateway({ timing }));
  const [c1, c2] = [stack.use(await startLively(era)), stack.use(await startLively(era))];
  const ids = {
    c1: await gateway.createClient(httpClient(c1.url)),
    c2: await gateway.createClient(httpClient(c2.url, { name: 'c2' })),
  };
  const [k1, k2] = [await createKey(gateway, 'k1', grant('c1')), await createKey(gateway, 'k2', grant('c2'))];
  return { gateway, c1, c2, ids, k1, k2, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Clients of both eras with the same key, who listen to every list and to these resources. */
async function listenAsBoth(endpoint: McpEndpoint, uris: readonly string[] = [], headers: HeaderChanges = {}) {
  const stack = new AsyncDisposableStack();
  const legacy = stack.use(await listenLegacy(endpoint, {}, headers));
  for (const uri of uris) await legacy.session.request('resources/subscribe', { uri });
  const filter = { ...ALL_LISTS, resourceSubscriptions: uris };
  const modern = stack.use(await listenModern(endpoint, filter, {}, headers));
  await waitFor(() => modern.stream.messages.length > 0, 'the acknowledgement');
  return { legacy, modern, both: [legacy, modern] as const, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

type Both = Awaited<ReturnType<typeof listenAsBoth>>;

/** What each of the two has heard, but for the acknowledgement. */
const heard = ({ both }: Both) =>
  both.map(({ stream }) =>
    stream.messages
      .map(({ method }) => method)
      .filter((method) => method !== 'notifications/subscriptions/acknowledged'),
  );

const bothHear = ({ both }: Both, method: string, times = 1) =>
  waitFor(() => both.every((listener: Listener) => listener.heard(method).length >= times), `${method} to be heard`);

describe.for(['legacy', 'modern'] as const)('behind %s servers', (era) => {
  test('a changed list is heard by those who see it, and by no other', async () => {
    await using scene = await startNoticeScene(era);
    await using one = await listenAsBoth(scene.k1);
    await using two = await listenAsBoth(scene.k2);
    await using operator = await listenAsBoth(scene.gateway);
    for (const [index, list] of (['tools', 'prompts', 'resources'] as const).entries()) {
      scene.c2.state[list].add(list === 'resources' ? 'lively://new' : 'new');
      await scene.c2.announce(list);
      for (const listener of [two, operator]) await bothHear(listener, changed(list));
      // A change that is heard proves that those before it were passed by.
      scene.c1.state.tools.add(`proof ${index}`);
      await scene.c1.announce('tools');
      await bothHear(one, changed('tools'), index + 1);
    }
    expect(heard(one)).toEqual([1, 2].map(() => Array.from({ length: 3 }, () => changed('tools'))));
    const lists = ['tools', 'prompts', 'resources'].map(changed);
    expect(heard(two)).toEqual([lists, lists]);
  });

  test('changed grants are heard by whom they concern, and by no other', async () => {
    await using scene = await startNoticeScene(era);
    const { gateway, ids, k1, k2 } = scene;
    await using one = await listenAsBoth(k1);
    await using two = await listenAsBoth(k2);
    await using operator = await listenAsBoth(gateway);
    // All that changes nothing of what anybody listening sees.
    const k3 = await createKey(gateway, 'k3', grant('c1', 'c2'));
    await updateKey(gateway, k3, { mcp_configs: [] });
    await updateKey(gateway, k1, { description: 'x', budgets: [{ max_limit: 1, reset_duration: '1d' }] });
    await updateKey(gateway, k2, grant('c2'));
    await gateway.update(ids['c1'] ?? '', { tool_pricing: { hold: 1 } });
    await gateway.api('POST', `/api/governance/virtual-keys/${k1.id}/rotate`);
    await gateway.api('DELETE', `/api/governance/virtual-keys/${k3.id}`);
    expect([heard(one), heard(two), heard(operator)].flat(2)).toEqual([]);

    await updateKey(gateway, k2, { mcp_configs: [{ mcp_client_name: 'c2', tools_to_execute: ['log'] }] });
    await bothHear(two, changed('tools'));
    expect(heard(two)).toEqual([[changed('tools')], [changed('tools')]]);
    await updateKey(gateway, k2, grant('c1', 'c2'));
    for (const list of ['prompts', 'resources']) await bothHear(two, changed(list));
    await updateKey(gateway, k2, { is_active: false });
    await bothHear(two, changed('prompts'), 2);
    expect([heard(one), heard(operator)].flat(2)).toEqual([]);
    await updateKey(gateway, k1, { mcp_configs: [] });
    await bothHear(one, changed('resources'));
    const lists = ['tools', 'prompts', 'resources'].map(changed);
    expect(heard(one)).toEqual([lists, lists]);
    expect(heard(operator).flat()).toEqual([]);
  });

  test('a resource of another server is neither subscribed to nor heard of', async () => {
    await using scene = await startNoticeScene(era);
    const { c1, c2, k1, k2, gateway } = scene;
    await using one = await listenAsBoth(k1, [A, A_OF_C2, 'lively://b']);
    await using two = await listenAsBoth(k2, [A_OF_C2]);
    await waitFor(async () => {
      await c2.update(A);
      return two.both.every((listener) => listener.heard(UPDATED).length > 0);
    }, 'the subscription to take hold');
    await waitFor(async () => {
      await c1.update('lively://b');
      return one.both.every((listener) => listener.heard(UPDATED).length > 0);
    }, 'the subscription of the other to take hold');
    await c1.update(A);
    for (const listener of one.both)
      await waitFor(() => listener.heard(UPDATED).some(({ params }) => params?.['uri'] === A), 'its own');
    const uris = (listener: Listener) => new Set(listener.heard(UPDATED).map(({ params }) => params?.['uri']));
    for (const listener of one.both) expect(uris(listener)).toEqual(new Set(['lively://b', A]));
    for (const listener of two.both) expect(uris(listener)).toEqual(new Set([A_OF_C2]));

    // Who is granted more hears of it without asking again, and who loses it no longer.
    await updateKey(gateway, k1, grant('c1', 'c2'));
    await updateKey(gateway, k2, grant('c1'));
    const counts = two.both.map((listener) => listener.heard(UPDATED).length);
    await waitFor(async () => {
      await c2.update(A);
      return one.both.every((listener) => uris(listener).has(A_OF_C2));
    }, 'the new resource to be heard of');
    expect(two.both.map((listener) => listener.heard(UPDATED).length)).toEqual(counts);
  });

  test('a resource of which nobody may hear is not watched for anybody', async () => {
    await using scene = await startNoticeScene(era);
    await using one = await listenAsBoth(scene.k1, [A_OF_C2, 'lively://b']);
    await waitFor(async () => {
      await scene.c1.update('lively://b');
      return one.both.every((listener) => listener.heard(UPDATED).length > 0);
    }, 'the subscription to take hold');
    expect(scene.c2.methods.filter((method) => method === 'resources/subscribe')).toEqual([]);
    await updateKey(scene.gateway, scene.k1, grant('c1', 'c2'));
    await waitFor(async () => {
      await scene.c2.update(A);
      return one.both.every((listener) => listener.heard(UPDATED).some(({ params }) => params?.['uri'] === A_OF_C2));
    }, 'the resource to be heard of once it may be');
  });

  test('headers that leave a server out leave its notices out', async () => {
    await using scene = await startNoticeScene(era);
    const { gateway, c1, c2 } = scene;
    await using one = await listenAsBoth(gateway, [A, A_OF_C2], { 'x-bf-mcp-include-clients': 'c1' });
    await using all = await listenAsBoth(gateway, [A, A_OF_C2]);
    c2.state.tools.add('new');
    await c2.announce('tools');
    await bothHear(all, changed('tools'));
    await waitFor(async () => {
      await c2.update(A);
      return all.both.every((listener) => listener.heard(UPDATED).length > 0);
    }, 'the other resource to be heard of');
    await waitFor(async () => {
      await c1.update(A);
      return one.both.every((listener) => listener.heard(UPDATED).length > 0);
    }, 'its own resource to be heard of');
    c1.state.prompts.add('new');
    await c1.announce('prompts');
    await bothHear(one, changed('prompts'));
    for (const listener of one.both) {
      expect(listener.heard(changed('tools'))).toEqual([]);
      expect(new Set(listener.heard(UPDATED).map(({ params }) => params?.['uri']))).toEqual(new Set([A]));
    }
  });
});

describe('log lines of a server', () => {
  const log = (host: LivelyHost, data: string) =>
    Promise.allSettled(
      (host.legacy?.servers ?? []).map((server) =>
        server.notification({ method: MESSAGE, params: { level: 'error', data } }),
      ),
    );
  const lines = ({ heard }: Listener) => heard(MESSAGE).map(({ params }) => params?.['data']);

  test('are heard by those who see it, and no longer when they do not', async () => {
    await using scene = await startNoticeScene('legacy');
    const { c1, c2, k1, k2, gateway } = scene;
    await using one = await listenLegacy(k1);
    await using two = await listenLegacy(k2);
    await using narrow = await listenLegacy(gateway, {}, { 'x-bf-mcp-include-clients': 'c1' });
    for (const { session } of [one, two, narrow]) await session.request('logging/setLevel', { level: 'debug' });
    await log(c2, 'first of c2');
    await log(c1, 'first of c1');
    for (const listener of [one, two, narrow]) await waitFor(() => lines(listener).length > 0, 'a line');
    await updateKey(gateway, k2, grant('c1'));
    await log(c2, 'second of c2');
    await log(c1, 'second of c1');
    for (const listener of [one, two, narrow])
      await waitFor(() => lines(listener).includes('second of c1'), 'the second line');
    expect(lines(one)).toEqual(['first of c1', 'second of c1']);
    expect(lines(narrow)).toEqual(['first of c1', 'second of c1']);
    expect(lines(two)).toEqual(['first of c2', 'second of c1']);
  });

  test('end with the grant also for a client that the server has a session for', async () => {
    await using scene = await startNoticeScene('legacy');
    const { c1, c2, k2, gateway } = scene;
    await updateKey(gateway, k2, grant('c1', 'c2'));
    await using asked = await listenLegacy(k2, ASKABLE);
    await asked.session.request('logging/setLevel', { level: 'debug' });
    const sessions = () => c2.methods.filter((method) => method === 'initialize').length;
    const before = sessions();
    for (const name of ['c1-report', 'c2-report']) await asked.session.request('tools/call', { name });
    expect(sessions()).toBeGreaterThan(before);
    await log(c2, 'first');
    await waitFor(() => lines(asked).includes('first'), 'a line');
    await updateKey(gateway, k2, grant('c1'));
    await log(c2, 'second');
    await log(c1, 'proof');
    await waitFor(() => lines(asked).includes('proof'), 'the line of the other');
    expect(lines(asked)).not.toContain('second');
  });
});

test('a server that refuses a subscription disturbs nobody', async () => {
  await using scene = await startNoticeScene('legacy');
  for (const server of scene.c1.legacy?.servers ?? []) {
    const answer = server.fallbackRequestHandler;
    server.fallbackRequestHandler = (request, extra) =>
      request.method === 'resources/subscribe'
        ? Promise.reject(new Error('not today'))
        : (answer?.(request, extra) ?? Promise.resolve({}));
  }
  await using modern = await listenModern(scene.k1, { ...ALL_LISTS, resourceSubscriptions: [A] });
  await waitFor(() => scene.c1.methods.includes('resources/subscribe'), 'the subscription to arrive');
  scene.c1.state.tools.add('new');
  await scene.c1.announce('tools');
  await waitFor(() => modern.heard(changed('tools')).length > 0, 'the change to be heard');
});

test('a client of HTTP+SSE hears what the headers of its stream let through', async () => {
  await using scene = await startNoticeScene('legacy');
  const { gateway, c1, c2 } = scene;
  const headers = { authorization: `Bearer ${gateway.apiKey}`, 'x-bf-mcp-include-clients': 'c1' };
  const heard: string[] = [];
  const client = new Client({ name: 'sse', version: '1' });
  client.fallbackNotificationHandler = ({ method }) => Promise.resolve(void heard.push(method));
  await client.connect(new SSEClientTransport(new URL('/sse', gateway.address), { requestInit: { headers } }));
  onTestFinished(() => client.close());
  await using operator = await listenLegacy(gateway);
  c2.state.tools.add('new');
  await c2.announce('tools');
  await waitFor(() => operator.heard(changed('tools')).length > 0, 'the change to be heard by others');
  c1.state.prompts.add('new');
  await c1.announce('prompts');
  await waitFor(() => heard.length > 0, 'its own change');
  expect(heard).toEqual([changed('prompts')]);
});
