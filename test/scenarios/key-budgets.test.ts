import { describe, expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { createKey, freshDatabase, getKey, updateKey, type TestKey } from '../kit/keys.ts';
import { readLogs } from '../kit/logs.ts';
import { startScene, type Scene } from '../kit/scene.ts';
import { postModern } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const grants = { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }] };
const budgets = [{ max_limit: 0.05, reset_duration: '1d' }];

async function call(scene: Scene, key: TestKey, tool: string, args: JsonObject = {}) {
  return scene.gateway.execute(tool, args, { authorization: `Bearer ${key.value}` });
}

/** USD used of the first budget of a key, team or customer. */
function usedOf({ budgets: [budget] }: { budgets: readonly { current_usage: number }[] }): number | undefined {
  return budget?.current_usage;
}

async function create(scene: Scene, kind: 'team' | 'customer', body: JsonObject): Promise<string> {
  const answer = await scene.gateway.api('POST', `/api/governance/${kind}s`, body);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return (answer.body[kind] as { id: string }).id;
}

async function get(scene: Scene, kind: 'team' | 'customer', id: string) {
  const { body } = await scene.gateway.api('GET', `/api/governance/${kind}s/${id}`);
  return body[kind] as { budgets: { current_usage: number }[] };
}

describe.each(DATABASES)('prices and budgets on %s', (database) => {
  test('a successful call costs its price, a failed one nothing', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const { gateway } = scene;
    const k1 = await createKey(gateway, 'k1', { ...grants, budgets });
    await scene.update({ tool_pricing: { echo: 0.01, fail: 0.01 } });
    expect((await call(scene, k1, 'c1-echo', { text: 'hi' })).status).toBe(200);
    expect((await call(scene, k1, 'c1-fail')).status).toBe(200);
    const { logs, stats } = await readLogs(gateway);
    expect(logs).toMatchObject([
      { tool_name: 'fail', server_label: 'c1', status: 'error', virtual_key_name: 'k1' },
      { tool_name: 'echo', server_label: 'c1', status: 'success', cost: 0.01, virtual_key_id: k1.id },
    ]);
    expect(logs[0]?.cost ?? 0).toBe(0);
    expect(stats).toMatchObject({ total_executions: 2, success_rate: 50, total_cost: 0.01 });
    expect(usedOf(await getKey(gateway, k1))).toBe(0.01);
  });

  test('a price that is taken away costs nothing from then on, and one survives a new name of the server', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const k1 = await createKey(scene.gateway, 'k1', { ...grants, budgets });
    await scene.update({ tool_pricing: { echo: 0.01 } });
    await scene.update({ name: 'x2' });
    expect((await call(scene, k1, 'x2-echo', { text: 'a' })).status).toBe(200);
    expect(usedOf(await getKey(scene.gateway, k1))).toBe(0.01);
    await scene.update({ tool_pricing: {} });
    expect((await call(scene, k1, 'x2-echo', { text: 'b' })).status).toBe(200);
    expect(usedOf(await getKey(scene.gateway, k1))).toBe(0.01);
  });

  test('a call is charged to the key, its team and its customer, and each can stop it', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const { gateway } = scene;
    await scene.update({ tool_pricing: { echo: 0.02 } });
    const customer = await create(scene, 'customer', { name: 'acme', budgets });
    const team = await create(scene, 'team', { name: 'ops', customer_id: customer, budgets });
    const k1 = await createKey(gateway, 'k1', { ...grants, team_id: team });
    const k2 = await createKey(gateway, 'k2', { ...grants, customer_id: customer, budgets });
    for (const key of [k1, k2, k1]) expect((await call(scene, key, 'c1-echo', { text: 'hi' })).status).toBe(200);
    expect(usedOf(await get(scene, 'customer', customer))).toBe(0.06);
    expect(usedOf(await get(scene, 'team', team))).toBe(0.04);
    expect(usedOf(await getKey(gateway, k2))).toBe(0.02);
    const calls = scene.upstream.countCalls();
    const refused = await call(scene, k2, 'c1-echo', { text: 'hi' });
    expect(refused).toMatchObject({ status: 402, body: { type: 'budget_exceeded', status_code: 402 } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(scene.upstream.countCalls()).toBe(calls);
    const { reply } = await postModern(k1, 'tools/call', { name: 'c1-echo', arguments: { text: 'hi' } });
    expect(reply.error?.data).toMatchObject({ code: 'budget_exceeded', limit: { kind: 'customer', name: 'acme' } });
    expect((await readLogs(gateway)).logs[0]).toMatchObject({ status: 'error', tool_name: 'echo' });
  });

  test('a price by argument and by the size of the result is settled after the call', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const k1 = await createKey(scene.gateway, 'k1', { ...grants, budgets: [{ max_limit: 100, reset_duration: '1d' }] });
    const price = { base: 0.5, per_argument: { a: 0.25 }, per_result_kb: 1 };
    await scene.update({ tool_pricing: { add: price, echo: { per_result_kb: 1024 } } });
    expect((await scene.gateway.getClient(scene.id)).config.tool_pricing).toEqual({
      add: price,
      echo: { per_result_kb: 1024 },
    });
    await call(scene, k1, 'c1-add', { a: 2, b: 3 });
    const [{ cost = 0 } = {}] = (await readLogs(scene.gateway)).logs;
    expect(cost).toBeGreaterThan(1);
    expect(cost).toBeLessThan(1.5);
    const text = 'x'.repeat(2048);
    await call(scene, k1, 'c1-echo', { text });
    const [{ cost: byResult = 0 } = {}] = (await readLogs(scene.gateway)).logs;
    expect(byResult).toBeGreaterThan(2048);
  });

  test('a budget that gets more room lets calls through again, and keeps what was used', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const { gateway } = scene;
    await scene.update({ tool_pricing: { echo: 0.05 } });
    const k1 = await createKey(gateway, 'k1', { ...grants, budgets });
    expect((await call(scene, k1, 'c1-echo', { text: 'a' })).status).toBe(200);
    expect((await call(scene, k1, 'c1-echo', { text: 'b' })).status).toBe(402);
    await updateKey(gateway, k1, { budgets: [{ max_limit: 0.1, reset_duration: '1d' }] });
    expect(usedOf(await getKey(gateway, k1))).toBe(0.05);
    expect((await call(scene, k1, 'c1-echo', { text: 'c' })).status).toBe(200);
    expect((await call(scene, k1, 'c1-echo', { text: 'd' })).status).toBe(402);
    await updateKey(gateway, k1, { reset_budget_usage: true });
    expect(usedOf(await getKey(gateway, k1))).toBe(0);
    expect((await call(scene, k1, 'c1-echo', { text: 'e' })).status).toBe(200);
  });

  test('a request limit counts successful calls, free ones too', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const rate_limit = { request_max_limit: 2, request_reset_duration: '1h' };
    const k1 = await createKey(scene.gateway, 'k1', { ...grants, rate_limit });
    for (const tool of ['c1-echo', 'c1-fail', 'c1-echo'])
      expect((await call(scene, k1, tool, { text: 'hi' })).status).toBe(200);
    const refused = await call(scene, k1, 'c1-echo', { text: 'hi' });
    expect(refused).toMatchObject({ status: 429, body: { type: 'request_limited' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const key = await getKey(scene.gateway, k1);
    expect(key.rate_limit).toMatchObject({ request_current_usage: 2, request_max_limit: 2 });
  });

  test('a key can ask what is left of its quota, with itself as the credential', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const { gateway } = scene;
    await scene.update({ tool_pricing: { echo: 0.01 } });
    const k1 = await createKey(gateway, 'k1', { ...grants, budgets });
    await call(scene, k1, 'c1-echo', { text: 'hi' });
    const path = '/api/governance/virtual-keys/quota';
    const { status, body } = await gateway.api('GET', path, undefined, { authorization: '', 'x-bf-vk': k1.value });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      virtual_key_name: 'k1',
      is_active: true,
      budgets: [{ max_limit: 0.05, current_usage: 0.01 }],
    });
    for (const headers of [{ authorization: '' }, { authorization: '', 'x-bf-vk': 'sk-bf-unknown' }, {}])
      expect(await gateway.api('GET', path, undefined, headers)).toMatchObject({
        status: 401,
        body: { error: expect.any(String) as string },
      });
  });
});

test('an operator is on nobody’s budget, but its calls are logged with their cost', async () => {
  await using scene = await startScene();
  await scene.update({ tool_pricing: { echo: 0.01 } });
  expect((await scene.gateway.execute('c1-echo', { text: 'hi' })).status).toBe(200);
  const [row] = (await readLogs(scene.gateway)).logs;
  expect(row).toMatchObject({ status: 'success', cost: 0.01, tool_name: 'echo' });
  expect(row?.virtual_key_id ?? null).toBeNull();
});
