import { describe, expect, test } from 'vitest';
import { expectBalanced, PRICE, toNanos, usedNanos } from '../kit/accounts.ts';
import { runCallers, successesOf, type Outcome } from '../kit/callers.ts';
import { startChildGateway } from '../kit/child-gateway.ts';
import { httpClient, randomApiKey, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { createKey, type TestKey } from '../kit/keys.ts';
import { listedTools } from '../kit/scene.ts';
import { openShared, SHARED } from '../kit/shared.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { openWay } from '../kit/way.ts';

const CALLERS = 64;
const ROOM = 100;

interface NodesOptions {
  /** The first gateway is a process of its own. */
  readonly isFirstAlone?: boolean;
  /** How the first gateway gets to this database. */
  readonly firstUrl?: (url: string) => Promise<string>;
}

/** Gateways on one database which have one server, and a key with these limits. */
async function startNodes(
  type: (typeof SHARED)[number],
  count: number,
  limits: object,
  { isFirstAlone = false, firstUrl }: NodesOptions = {},
) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startUpstream({ answersJson: true }));
  const apiKey = randomApiKey();
  const { settings, exchange, options } = stack.use(await openShared(type, firstUrl));
  const first = stack.use(
    isFirstAlone
      ? await startChildGateway({ ...settings, apiKey }, { exchange })
      : await startGateway({ ...options(), apiKey }),
  );
  const rest = Array.from({ length: count - 1 }, () => startGateway({ ...options(), apiKey }));
  const others = await Promise.all(rest);
  for (const other of others) stack.use(other);
  const nodes: GatewayAccess[] = [first, ...others];
  await first.createClient(httpClient(upstream.url, { tool_pricing: { echo: PRICE } }));
  const mcp_configs = [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }];
  const key = await createKey(first, 'k1', { mcp_configs, ...limits });
  for (const { address } of others) {
    const endpoint = { address, apiKey: key.value };
    const tools = () => listedTools(endpoint).catch(() => []);
    await waitFor(async () => (await tools()).length > 0, 'the other gateway to have the server');
  }
  return { first, others, nodes, key, upstream, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Lets as many callers call at each gateway at the same time; gives what was answered. */
async function callAll(nodes: readonly GatewayAccess[], key: TestKey, calls: number): Promise<Outcome[]> {
  const bursts = nodes.map((gateway, index) =>
    runCallers({ gateway, key, callers: CALLERS, calls, prefix: `${index}-` }),
  );
  return (await Promise.all(bursts)).flat();
}

const refusalsOf = (outcomes: readonly Outcome[]) =>
  new Set(outcomes.map(({ code }) => code).filter((code) => code !== 'ok'));

describe.each(SHARED)('on %s', (type) => {
  test.each([2, 3])('%i gateways with 64 callers each spend a budget to the last call, and no more', async (count) => {
    const limits = {
      budgets: [{ max_limit: ROOM * PRICE, reset_duration: '1d' }],
      rate_limit: { request_max_limit: 10_000, request_reset_duration: '1d' },
    };
    await using scene = await startNodes(type, count, limits);
    const { nodes, key, upstream } = scene;
    const outcomes = await callAll(nodes, key, ROOM);
    expect(outcomes).toHaveLength(count * ROOM);
    expect(successesOf(outcomes)).toHaveLength(ROOM);
    expect(upstream.countCalls('echo')).toBe(ROOM);
    expect(refusalsOf(outcomes)).toEqual(new Set(['budget_exceeded']));

    for (const gateway of nodes) await gateway.api('GET', '/api/mcp-logs/stats'); // writes what waits
    for (const gateway of nodes) {
      await waitFor(
        async () => (await usedNanos(gateway, key)) === toNanos(ROOM * PRICE),
        'the gateway to know the sum',
      );
      expect(await expectBalanced(gateway, key)).toHaveLength(count * ROOM);
    }
  });

  test('three gateways with 64 callers each let through as many requests as a limit says', async () => {
    const limits = { rate_limit: { request_max_limit: ROOM, request_reset_duration: '1d' } };
    await using scene = await startNodes(type, 3, limits);
    const outcomes = await callAll(scene.nodes, scene.key, ROOM);
    expect(successesOf(outcomes)).toHaveLength(ROOM);
    expect(refusalsOf(outcomes)).toEqual(new Set(['request_limited']));
  });

  test('what a killed gateway had leased comes back, and what it had stored stays spent', async () => {
    const limits = { budgets: [{ max_limit: ROOM * PRICE, reset_duration: '1d' }] };
    await using scene = await startNodes(type, 3, limits, { isFirstAlone: true });
    const { first, others, key } = scene;
    let killed: Promise<void> | undefined;
    const outcomes: Outcome[] = [];
    const early = runCallers({
      ...{ gateway: first, key, callers: 16, calls: ROOM, prefix: 'killed' },
      onOutcome(outcome) {
        outcomes.push(outcome);
        if (outcomes.length >= 30 && 'kill' in first) killed ??= first.kill();
      },
    });
    const [second] = others;
    if (second === undefined) throw new Error('no second gateway');
    outcomes.push(...(await runCallers({ gateway: second, key, callers: 16, calls: 40, prefix: 'second' })));
    await early;
    await killed;
    const lost = successesOf(outcomes).length;
    await waitFor(
      async () => {
        outcomes.push(...(await callAll(others, key, 20)));
        for (const gateway of others) await gateway.api('GET', '/api/mcp-logs/stats');
        return (await usedNanos(second, key)) >= toNanos(ROOM * PRICE);
      },
      'all to be spent',
      30_000,
    );
    expect(await usedNanos(second, key)).toBe(toNanos(ROOM * PRICE));
    // What the killed one answered in its last moments is in no account.
    expect(successesOf(outcomes).length).toBeGreaterThanOrEqual(ROOM);
    expect(successesOf(outcomes).length).toBeLessThanOrEqual(ROOM + lost);
  });
});

test('a gateway that is cut off from the database goes on with its part, which is counted when it is back', async () => {
  const limits = { budgets: [{ max_limit: ROOM * PRICE, reset_duration: '1d' }] };
  await using way = openWay();
  await using scene = await startNodes('postgres', 2, limits, { firstUrl: way.through });
  const { first, others, key } = scene;
  const [other] = others;
  if (other === undefined) throw new Error('no other gateway');
  const call = async (gateway: GatewayAccess, calls: number, prefix: string) =>
    successesOf(await runCallers({ gateway, key, callers: 8, calls, prefix })).length;
  expect(await call(first, 10, 'early')).toBe(10);
  await first.api('GET', '/api/mcp-logs/stats');
  way.cut();
  const alone = await call(first, ROOM, 'alone');
  // The half of what was left, or of the whole if those ten came in the last moment before.
  expect(alone).toBeGreaterThanOrEqual(ROOM / 2 - 10);
  expect(alone).toBeLessThanOrEqual(ROOM / 2 + 1);
  way.mend();
  await waitFor(
    async () => (await usedNanos(other, key)) === toNanos((10 + alone) * PRICE),
    'what it spent to be known',
  );
  expect((await call(other, ROOM, 'rest')) + (await call(first, ROOM, 'back'))).toBe(ROOM - 10 - alone);
});
