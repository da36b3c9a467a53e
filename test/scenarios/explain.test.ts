import { describe, expect, test } from 'vitest';
import type { Explanation } from '../../src/contract/explain.ts';
import { messageIn, type GatewayAccess } from '../kit/gateway.ts';
import { createKey, updateKey, type TestKey } from '../kit/keys.ts';
import { readLogs } from '../kit/logs.ts';
import { listedTools, startScene, type Scene } from '../kit/scene.ts';
import { waitFor } from '../kit/wait.ts';
import { postModern, type HeaderChanges } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

async function explain(gateway: GatewayAccess, query: Record<string, string>): Promise<Explanation> {
  const answer = await gateway.api('GET', `/api/mcp/explain?${new URLSearchParams(query).toString()}`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body as unknown as Explanation;
}

interface Case {
  /** What is done before the question; by then "c1" is open to no key, and the key "k" has no grant. */
  readonly arrange?: (scene: Scene, key: TestKey) => Promise<unknown>;
  /** Settings of the server, and of the key. */
  readonly client?: JsonObject;
  readonly key?: JsonObject;
  /** Default c1-echo. */
  readonly tool?: string;
  readonly isOperator?: true;
  /** Without "x-bf-mcp-". */
  readonly headers?: HeaderChanges;
  /** The verdict that decides: "rule effect", and part of its message. */
  readonly decides: readonly [verdict: string, message: string];
  readonly visible: boolean;
  readonly callable: boolean;
}

const grant = (...tools_to_execute: string[]) => ({ mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute }] });
const all = grant('*');
const seen = { visible: true, callable: true };
const hidden = { visible: false, callable: false };
const denied = { visible: true, callable: false };
const priced = { tool_pricing: { echo: 0.05 } };

/** Makes a team or a customer; gives its id. */
async function make({ gateway }: Scene, kind: 'team' | 'customer', body: JsonObject): Promise<string> {
  const answer = await gateway.api('POST', `/api/governance/${kind}s`, { name: 'acme', ...body });
  return (answer.body[kind] as { id: string }).id;
}

const call = (key: TestKey) => postModern(key, 'tools/call', { name: 'c1-echo', arguments: { text: 'hi' } });

const CASES: Readonly<Record<string, Case>> = {
  'a tool that nobody has': { tool: 'c1-nothing', key: all, decides: ['tool hides', '"c1-nothing"'], ...hidden },
  'a server that nobody has': { tool: 'c9-echo', key: all, decides: ['tool hides', '"c9-echo"'], ...hidden },
  'a disabled server': {
    key: all,
    arrange: ({ update }) => update({ disabled: true }),
    decides: ['disabled hides', 'c1 is disabled'],
    ...hidden,
  },
  'a tool that its server does not expose': {
    ...{ client: { tools_to_execute: ['add'] }, key: all },
    decides: ['tools_to_execute hides', 'c1 does not name "echo": ["add"]'],
    ...hidden,
  },
  'the same for an operator': {
    ...{ client: { tools_to_execute: ['add'] }, isOperator: true },
    decides: ['tools_to_execute hides', '["add"]'],
    ...hidden,
  },
  'an operator': { isOperator: true, decides: ['caller allows', 'no restriction'], ...seen },
  'a key without an entry': {
    decides: ['allow_on_all_virtual_keys hides', '"k" has no entry for c1, which is not open'],
    ...hidden,
  },
  'a key without an entry, on a server that is open to all': {
    client: { allow_on_all_virtual_keys: true },
    decides: ['allow_on_all_virtual_keys shows', 'c1 is open to all virtual keys'],
    ...seen,
  },
  'an entry that names the tool': {
    key: grant('add', 'echo'),
    decides: ['virtual_key_grant shows', 'grants "echo": ["add","echo"]'],
    ...seen,
  },
  'an entry for everything': { key: all, decides: ['virtual_key_grant shows', '["*"]'], ...seen },
  'an entry that does not name the tool': {
    key: grant('add'),
    decides: ['virtual_key_grant hides', 'does not grant "echo": ["add"]'],
    ...hidden,
  },
  'an empty entry, on a server that is open to all': {
    ...{ client: { allow_on_all_virtual_keys: true }, key: grant() },
    decides: ['virtual_key_grant hides', '[]; it wins over allow_on_all_virtual_keys'],
    ...hidden,
  },
  'an entry for everything, on a server that exposes less': {
    ...{ client: { tools_to_execute: ['add'] }, key: all, tool: 'c1-add' },
    decides: ['tools_to_execute shows', 'admits "add"'],
    ...seen,
  },
  'a request for other servers': {
    ...{ key: all, headers: { 'include-clients': 'c2' } },
    decides: ['request_filter hides', 'leave it out'],
    ...hidden,
  },
  'a request for other tools': {
    ...{ key: all, headers: { 'include-tools': 'c1-add,c1-greet' } },
    decides: ['request_filter hides', ''],
    ...hidden,
  },
  'a request for nothing': {
    ...{ isOperator: true, headers: { 'include-tools': ' ' } },
    decides: ['request_filter hides', ''],
    ...hidden,
  },
  'a request for all tools of the server': {
    ...{ key: all, headers: { 'include-tools': 'c1-*', 'include-clients': 'c2, c1' } },
    decides: ['request_filter shows', 'let it through'],
    ...seen,
  },
  'an inactive key': {
    key: { ...all, is_active: false },
    decides: ['virtual_key denies', '"k" is inactive'],
    ...hidden,
  },
  'an expired key': {
    key: all,
    async arrange({ gateway }, key) {
      await updateKey(gateway, key, { expires_at: new Date(Date.now() + 200).toISOString() });
      const isOver = async () => !(await explain(gateway, { tool: 'c1-echo', virtual_key: 'k' })).is_visible;
      await waitFor(isOver, 'the key to expire');
    },
    decides: ['virtual_key denies', '"k" has expired'],
    ...hidden,
  },
  'a budget that has room': {
    ...{ client: priced, key: { ...all, budgets: [{ max_limit: 0.06, reset_duration: '1d' }] } },
    arrange: (_, key) => call(key),
    decides: ['budget allows', 'virtual_key "k": $0.05 of $0.06 used until '],
    ...seen,
  },
  'an exhausted budget of the customer of its team': {
    ...{ client: priced, key: all },
    async arrange(scene, key) {
      const customer_id = await make(scene, 'customer', { budgets: [{ max_limit: 0.05, reset_duration: '1d' }] });
      await updateKey(scene.gateway, key, { team_id: await make(scene, 'team', { customer_id }) });
      expect((await call(key)).reply.error).toBeUndefined();
    },
    decides: ['budget denies', 'customer "acme": $0.05 of $0.05 used'],
    ...denied,
  },
  'an exhausted budget, though the tool is free': {
    key: { ...all, budgets: [{ max_limit: 0, reset_duration: '1d' }] },
    decides: ['budget denies', '$0 of $0'],
    ...denied,
  },
  'a request limit that is reached': {
    key: { ...all, rate_limit: { request_max_limit: 1, request_reset_duration: '1d' } },
    arrange: (_, key) => call(key),
    decides: ['rate_limit denies', 'virtual_key "k": 1 requests of 1 requests used'],
    ...denied,
  },
  'a request limit of the team that is not reached': {
    key: all,
    async arrange(scene, key) {
      const rate_limit = { request_max_limit: 2, request_reset_duration: '1d' };
      await updateKey(scene.gateway, key, { team_id: await make(scene, 'team', { rate_limit }) });
      await call(key);
    },
    decides: ['rate_limit allows', 'team "acme": 1 requests of 2 requests used'],
    ...seen,
  },
  'a server that is gone': {
    key: all,
    async arrange({ upstream, gateway, id }) {
      await upstream.stop();
      await gateway.api('POST', `/api/mcp/client/${id}/refresh-tools`);
      await waitFor(async () => (await gateway.getClient(id)).state !== 'connected', 'the loss to be seen', 15_000);
    },
    decides: ['state denies', 'c1 is disconnected'],
    ...denied,
  },
};

describe('an explanation says what really happens', () => {
  test.for(Object.entries(CASES))('%s', async ([, { decides, visible, callable, ...setting }]) => {
    await using scene = await startScene({
      gateway: { timing: { healthIntervalMs: 30 } },
      ...(setting.client && { client: setting.client }),
    });
    const { gateway, upstream } = scene;
    const key = await createKey(gateway, 'k', setting.key);
    await setting.arrange?.(scene, key);
    const { tool = 'c1-echo', isOperator = false, headers = {} } = setting;
    const filters = Object.entries(headers).map(([name, value]) => [name.replace('-', '_'), value] as const);
    const query = { tool, ...(isOperator ? {} : { virtual_key: 'k' }), ...Object.fromEntries(filters) };
    const explanation = await explain(gateway, query);

    const { is_visible, is_callable, verdicts, virtual_key } = explanation;
    const [verdict, message] = decides;
    expect(verdicts).toContainEqual({
      rule: verdict.split(' ')[0],
      effect: verdict.split(' ')[1],
      message: expect.stringContaining(message) as string,
    });
    expect({ is_visible, is_callable }).toEqual({ is_visible: visible, is_callable: callable });
    expect(virtual_key).toEqual(isOperator ? null : { id: key.id, name: 'k' });
    // What shows and hides, allows and denies is exactly what the outcome says.
    expect(verdicts.some(({ effect }) => effect === 'hides' || effect === 'denies')).toBe(!callable);

    const caller = isOperator ? gateway : key;
    const changes = Object.fromEntries(Object.entries(headers).map(([name, value]) => [`x-bf-mcp-${name}`, value]));
    expect(await isListed(caller, tool, changes)).toBe(is_visible);
    const before = upstream.countCalls();
    const args = tool === 'c1-add' ? { a: 1, b: 2 } : { text: 'hi' };
    const { reply } = await postModern(caller, 'tools/call', { name: tool, arguments: args }, { headers: changes });
    expect(reply.error === undefined, JSON.stringify(reply)).toBe(is_callable);
    expect(upstream.countCalls() - before).toBe(is_callable ? 1 : 0);
  });
});

async function isListed(caller: TestKey | GatewayAccess, tool: string, headers: HeaderChanges): Promise<boolean> {
  const { reply } = await postModern(caller, 'tools/list', {}, { headers });
  const tools = (reply.result?.['tools'] ?? []) as { name: string }[];
  return tools.some(({ name }) => name === tool);
}

describe('a price', () => {
  test.for<[price: unknown, usd: number, message: string]>([
    [undefined, 0, 'tool_pricing of c1 has no entry for "echo": it is free'],
    [0, 0, 'a successful call costs $0; a failed one nothing'],
    [0.25, 0.25, 'a successful call costs $0.25; a failed one nothing'],
    [{ base: 0.5 }, 0.5, 'a successful call costs $0.5; a failed one nothing'],
    [{ base: 0.5, per_argument: { count: 1 } }, 0.5, 'costs $0.5, and more by its arguments; a failed'],
    [{ per_argument_kb: 1, per_result_kb: 1 }, 0, '$0, and more by its arguments and the size of its result;'],
  ])('%j is told, and is what a call costs at least', async ([price, usd, message]) => {
    await using scene = await startScene({ client: price === undefined ? {} : { tool_pricing: { echo: price } } });
    const key = await createKey(scene.gateway, 'k', all);
    const explanation = await explain(scene.gateway, { tool: 'c1-echo', virtual_key: key.id });
    expect(explanation.price).toBe(usd);
    expect(explanation.verdicts.at(-1)).toEqual({
      ...{ rule: 'tool_pricing', effect: 'prices' },
      message: expect.stringContaining(message) as string,
    });
    await call(key);
    const { cost = 0 } = (await readLogs(scene.gateway)).logs[0] ?? {};
    if (message.includes('and more by its arguments and')) expect(cost).toBeGreaterThan(usd);
    else expect(cost).toBe(usd);
  });
});

test('a question costs nothing and calls nothing', async () => {
  const limits = {
    budgets: [{ max_limit: 0.05, reset_duration: '1d' }],
    rate_limit: { request_max_limit: 1, request_reset_duration: '1d' },
  };
  await using scene = await startScene({ client: priced });
  const key = await createKey(scene.gateway, 'k', { ...all, ...limits });
  for (let round = 0; round < 3; round += 1) {
    const { verdicts, is_callable } = await explain(scene.gateway, { tool: 'c1-echo', virtual_key: 'k' });
    expect([is_callable, verdicts.filter(({ effect }) => effect === 'allows').length]).toEqual([true, 3]);
  }
  expect(scene.upstream.countCalls()).toBe(0);
  expect((await readLogs(scene.gateway)).logs).toEqual([]);
  expect((await call(key)).reply.error).toBeUndefined();
});

test('a calling key sees its own reservation as one that is used', async () => {
  await using scene = await startScene({ client: priced });
  const key = await createKey(scene.gateway, 'k', { ...all, budgets: [{ max_limit: 0.05, reset_duration: '1d' }] });
  const gate = Promise.withResolvers<void>();
  scene.upstream.host.gate = gate.promise;
  const running = call(key);
  await waitFor(
    () => scene.upstream.requests.some(({ rpcMethod }) => rpcMethod === 'tools/call'),
    'the call to arrive',
  );
  const { is_callable, verdicts } = await explain(scene.gateway, { tool: 'c1-echo', virtual_key: 'k' });
  expect(is_callable).toBe(false);
  expect(verdicts.find(({ rule }) => rule === 'budget')?.message).toContain(', $0.05 reserved by calls in flight');
  gate.resolve();
  expect((await running).reply.error).toBeUndefined();
});

test('a question that cannot be answered is refused', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  const ask = (query: string, headers: HeaderChanges = {}) =>
    gateway.api('GET', `/api/mcp/explain?${query}`, undefined, headers);
  const unknown = await ask('tool=c1-echo&virtual_key=nobody');
  expect([unknown.status, messageIn(unknown)]).toEqual([404, expect.stringContaining('"nobody"')]);
  expect((await ask('tool=c1-echo&virtual_key=')).status).toBe(400);
  expect((await ask('virtual_key=k')).status).toBe(400);
  const empty = (await ask('tool=c1-echo&include_tools=')).body as unknown as Explanation;
  expect(empty.is_visible).toBe(false);
  const key = await createKey(gateway, 'k', all);
  expect((await ask('tool=c1-echo', { authorization: `Bearer ${key.value}` })).status).toBe(401);
  expect((await ask('tool=c1-echo', { authorization: '' })).status).toBe(401);
  expect(await listedTools(key)).toContain('c1-echo');
});
