import { describe, expect, test } from 'vitest';
import { PRICE, toNanos, usedNanos } from '../kit/accounts.ts';
import { runCallers, successesOf } from '../kit/callers.ts';
import { httpClient, randomApiKey, startGateway, type TestGateway } from '../kit/gateway.ts';
import { createKey, getKey, updateKey, type TestKey } from '../kit/keys.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { listedTools } from '../kit/scene.ts';
import { openShared, SHARED } from '../kit/shared.ts';

/** Two gateways on one database, which have one server, and a key with room for so many calls. */
async function startPair(type: (typeof SHARED)[number], room: number) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startUpstream({ answersJson: true }));
  const place = stack.use(await openShared(type));
  const apiKey = randomApiKey();
  const a = stack.use(await startGateway({ ...place.options(), apiKey }));
  const b = stack.use(await startGateway({ ...place.options(), apiKey }));
  await a.createClient(httpClient(upstream.url, { tool_pricing: { echo: PRICE } }));
  const key = await createKey(a, 'k1', {
    mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }],
    budgets: [{ max_limit: room * PRICE, reset_duration: '1d' }],
    rate_limit: { request_max_limit: 10_000, request_reset_duration: '1d' },
  });
  const atB = { address: b.address, apiKey: key.value };
  await waitFor(
    async () => (await listedTools(atB).catch(() => [])).length > 0,
    'the other gateway to have the server',
  );
  return { a, b, key, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function spend(gateway: TestGateway, key: TestKey, calls: number, prefix: string): Promise<number> {
  return successesOf(await runCallers({ gateway, key, callers: 8, calls, prefix })).length;
}

/** Waits until a gateway shows so many calls as spent. */
function seesSpent(gateway: TestGateway, key: TestKey, calls: number): Promise<unknown> {
  return waitFor(
    async () => (await usedNanos(gateway, key)) === toNanos(calls * PRICE),
    `the gateway to show ${calls} calls as spent`,
  );
}

describe.each(SHARED)('on %s', (type) => {
  test('what is spent through one gateway is shown and enforced by the other', async () => {
    await using pair = await startPair(type, 5);
    const { a, b, key } = pair;
    expect(await spend(a, key, 5, 'a')).toBe(5);
    await seesSpent(b, key, 5);
    expect((await getKey(b, key)).rate_limit?.request_current_usage).toBe(5);
    const refused = await b.execute('c1-echo', { text: 'b' }, { authorization: `Bearer ${key.value}` });
    expect(refused).toMatchObject({ status: 402, body: { type: 'budget_exceeded' } });
  });

  test('usage that is set to zero through one gateway is zero at the other', async () => {
    await using pair = await startPair(type, 5);
    const { a, b, key } = pair;
    expect(await spend(a, key, 5, 'a')).toBe(5);
    await seesSpent(b, key, 5);
    await updateKey(a, key, { reset_budget_usage: true });
    await seesSpent(b, key, 0);
    expect(await spend(b, key, 8, 'b')).toBe(5);
    await seesSpent(a, key, 5);
  });

  test('a gateway sets to zero what it has not heard of yet', async () => {
    await using pair = await startPair(type, 5);
    const { a, b, key } = pair;
    expect(await spend(a, key, 5, 'a')).toBe(5);
    await a.api('GET', '/api/mcp-logs/stats'); // writes what waits
    await updateKey(b, key, { reset_budget_usage: true });
    expect(await usedNanos(b, key)).toBe(0);
    await seesSpent(a, key, 0);
    expect(await spend(a, key, 8, 'again')).toBe(5);
  });
});
