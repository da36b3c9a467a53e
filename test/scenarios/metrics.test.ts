import { expect, test } from 'vitest';
import type { GatewayAccess } from '../kit/gateway.ts';
import { createKey, type TestKey } from '../kit/keys.ts';
import { addTwoKeys, refusal, startModelScene } from '../kit/models.ts';
import { startScene } from '../kit/scene.ts';
import { waitFor } from '../kit/wait.ts';
import { postModern } from '../kit/wire.ts';

async function scrape(gateway: GatewayAccess): Promise<string[]> {
  const { status, body } = await gateway.api('GET', '/metrics');
  expect(status).toBe(200);
  return String(body['text']).split('\n');
}

/** The value of the only line of a metric whose labels include these. */
function valueOf(lines: readonly string[], name: string, labels: Record<string, string>): number | undefined {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const found = lines.filter(
    (line) => line.startsWith(`${name}{`) && wanted.every((label) => labelsIn(line).includes(label)),
  );
  expect(found.length, `${name} ${wanted.join()}`).toBeLessThanOrEqual(1);
  const [line] = found;
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')));
}

function labelsIn(line: string): string[] {
  return line.slice(line.indexOf('{') + 1, line.lastIndexOf('}')).match(/\w+="(?:[^"\\]|\\.)*"/g) ?? [];
}

async function create(gateway: GatewayAccess, kind: 'team' | 'customer', body: object): Promise<string> {
  const answer = await gateway.api('POST', `/api/governance/${kind}s`, body);
  expect(answer.status).toBe(200);
  return (answer.body[kind] as { id: string }).id;
}

const DURATION = 'bifrost_mcp_client_operation_duration_seconds';

test('calls are counted under their key, its team and its customer, by how they ended', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  await scene.update({ tool_pricing: { echo: 0.25 } });
  const customer_id = await create(gateway, 'customer', { name: 'ac"me' });
  const team_id = await create(gateway, 'team', { name: 'ops', customer_id });
  const key = await createKey(gateway, 'k1', {
    team_id,
    mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }],
    budgets: [{ max_limit: 0.5, reset_duration: '1d' }],
  });
  const call = (tool: string, { apiKey }: Pick<TestKey, 'apiKey'> = key) =>
    gateway.execute(tool, { text: 'hi' }, { authorization: `Bearer ${apiKey}` });
  await call('c1-echo');
  await postModern(key, 'tools/call', { name: 'c1-echo', arguments: { text: 'hi' } });
  await call('c1-echo'); // nothing left
  await call('c1-fail', gateway);
  await call('c1-invented', gateway);

  const lines = await scrape(gateway);
  const owner = { virtual_key_id: key.id, virtual_key_name: 'k1', team_id, team_name: 'ops', customer_id };
  const mine = { mcp_client: 'c1', mcp_tool_name: 'echo', mcp_method: 'tools/call', ...owner };
  const count = (labels: Record<string, string>) => valueOf(lines, `${DURATION}_count`, labels);
  expect(count({ ...mine, customer_name: 'ac\\"me', error_type: '' })).toBe(2);
  expect(count({ ...mine, error_type: 'budget_exceeded' })).toBe(1);
  expect(count({ mcp_tool_name: 'fail', virtual_key_id: '', error_type: '_OTHER' })).toBe(1);
  expect(count({ mcp_client: '', mcp_tool_name: '', error_type: 'mcp_tool_not_found' })).toBe(1);
  expect(valueOf(lines, `${DURATION}_bucket`, { ...mine, error_type: '', le: '+Inf' })).toBe(2);
  expect(valueOf(lines, `${DURATION}_sum`, { ...mine, error_type: '' })).toBeGreaterThan(0);
  expect(valueOf(lines, 'bifrost_cost_total', { mcp_client: 'c1', ...owner })).toBe(0.5);
  const requests = (path: string, status: string) => valueOf(lines, 'http_requests_total', { path, status });
  expect(requests('/v1/mcp/tool/execute', '200')).toBe(2);
  expect(requests('/v1/mcp/tool/execute', '402')).toBe(1);
  expect(requests('/mcp', '200')).toBe(1);
  expect(requests('/api/mcp/client/{id}', '200')).toBe(1);
  expect(valueOf(lines, 'asbru_servers', { state: 'connected' })).toBe(1);
  expect(lines.filter((line) => line.startsWith('asbru_ledger_rows_dropped_total'))).toEqual([
    'asbru_ledger_rows_dropped_total 0',
  ]);
});

test('calls in flight are counted while they run', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  const gate = Promise.withResolvers<void>();
  upstream.host.gate = gate.promise;
  const calls = [gateway.execute('c1-echo', { text: 'a' }), gateway.execute('c1-echo', { text: 'b' })];
  await waitFor(() => upstream.countCalls() === 2, 'the calls to arrive');
  const inFlight = async () => valueOf(await scrape(gateway), 'bifrost_active_requests', { method: 'tools/call' });
  expect(await inFlight()).toBe(2);
  gate.resolve();
  await Promise.all(calls);
  expect(await inFlight()).toBe(0);
});

test('keys that a provider refuses are told from those that it takes, until they are changed', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  const { keys, ask } = await addTwoKeys(scene);
  const told = async (...answers: Parameters<typeof models.script>) => {
    models.script(...answers);
    await ask();
    const lines = await scrape(gateway);
    const isUp = (name: string) =>
      valueOf(lines, 'bifrost_provider_key_up', { provider: 'xai', selected_key_name: name });
    return [isUp('a'), isUp('b'), valueOf(lines, 'bifrost_key_rotation_events_total', { provider: 'xai' })];
  };
  expect(await told({ text: 'ok' })).toEqual([1, undefined, undefined]);
  expect(await told(refusal(401), { text: 'ok' })).toEqual([0, 1, 1]);
  expect(await told(refusal(429), { text: 'ok' }), 'one that must slow down is rested').toEqual([0, 1, 2]);
  const { body } = await gateway.api('GET', '/api/providers/xai/keys');
  const [first, second] = body['keys'] as { id: string; name: string }[];
  await gateway.api('PUT', `/api/providers/xai/keys/${first?.id}`, { ...keys[0], value: 'sk-new' });
  await gateway.api('DELETE', `/api/providers/xai/keys/${second?.id}`);
  expect(await told(refusal(500), refusal(500)), 'of what a key was before nothing is said').toEqual([
    undefined,
    undefined,
    2,
  ]);
});

test('metrics want a management key', async () => {
  await using scene = await startScene();
  const key = await createKey(scene.gateway, 'k1');
  for (const authorization of ['', `Bearer ${key.value}`])
    expect((await scene.gateway.api('GET', '/metrics', undefined, { authorization })).status).toBe(401);
});
