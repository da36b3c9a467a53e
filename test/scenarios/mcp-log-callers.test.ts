import { expect, test } from 'vitest';
import { createKey, type TestKey } from '../kit/keys.ts';
import { lastLog, readLogs, type LogRow } from '../kit/logs.ts';
import { startScene, type Scene } from '../kit/scene.ts';
import { waitFor } from '../kit/wait.ts';
import { modernRequest, openSession, postMcp, postModern, type McpEndpoint } from '../kit/wire.ts';

const grants = { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }] };
const headers = { 'user-agent': 'probe/7', 'x-bf-parent-request-id': 'run-9', 'x-request-id': 'r-1' };

interface Way {
  readonly wire: string;
  readonly source: 'mcp' | 'rest';
  call(scene: Scene, key: TestKey, tool: string, args: Record<string, unknown>, signal?: AbortSignal): Promise<unknown>;
}

/** Every way to a tool. */
const WAYS: readonly Way[] = [
  {
    wire: 'tool/execute',
    source: 'rest',
    call: (_scene, { address, apiKey }, name, args, signal) =>
      fetch(`${address}/v1/mcp/tool/execute`, {
        method: 'POST',
        headers: { ...headers, authorization: `Bearer ${apiKey}` },
        body: JSON.stringify({ id: 'x', function: { name, arguments: JSON.stringify(args) } }),
        ...(signal && { signal }),
      }).then((response) => response.text()),
  },
  {
    wire: '2026-07-28',
    source: 'mcp',
    call: (_scene, key, name, args, signal) =>
      postModern(key, 'tools/call', { name, arguments: args }, { headers, ...(signal && { signal }) }),
  },
  {
    wire: '2025-11-25',
    source: 'mcp',
    async call(_scene, key, name, args, signal) {
      const session = await openSession(key, headers);
      const id = 71;
      const message = { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } };
      // A connection that breaks means nothing to the older revisions: they say that they give up.
      signal?.addEventListener('abort', () => void session.notify('notifications/cancelled', { requestId: id }));
      return postMcp(key, message, { headers: session.headers });
    },
  },
];

test.for(WAYS)('a row says which way a call came, and from whom: $wire', async (way) => {
  await using scene = await startScene();
  const customer = await create(scene, 'customer', { name: 'acme' });
  const team = await create(scene, 'team', { name: 'ops', customer_id: customer });
  const key = await createKey(scene.gateway, 'k1', { ...grants, team_id: team });
  await way.call(scene, key, 'c1-echo', { text: 'hi' });
  const row = await lastLog(scene.gateway);
  expect(row).toMatchObject({
    ...{ tool_name: 'echo', server_label: 'c1', client_id: scene.id, status: 'success', source: way.source },
    ...{ user_agent: 'probe/7', llm_request_id: 'run-9', request_id: 'r-1', arguments: { text: 'hi' } },
    ...{ principal: `virtual-key:${key.id}`, virtual_key_id: key.id, virtual_key_name: 'k1' },
    ...{ team_id: team, team_name: 'ops', customer_id: customer, customer_name: 'acme' },
  });
  expect(row.app).toBe(way.source === 'mcp' ? 'wire' : undefined);
  expect(row.id).not.toBe('r-1');
  expect((await readLogs(scene.gateway)).pagination.total_count).toBe(1);
});

test.for(WAYS)('a call that is given up has one row, which says so, and costs nothing: $wire', async (way) => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  await scene.update({ tool_pricing: { slow: 0.01 } });
  const key = await createKey(gateway, 'k1', { ...grants, budgets: [{ max_limit: 0.01, reset_duration: '1d' }] });
  const abort = new AbortController();
  const call = way.call(scene, key, 'c1-slow', { ms: 60_000 }, abort.signal).catch(() => undefined);
  await waitFor(() => upstream.countCalls('slow') === 1, 'the call to arrive');
  abort.abort();
  const row = await waitFor(async () => {
    const [only] = (await readLogs(gateway)).logs;
    return only?.status === 'error' && only;
  }, 'the row to end');
  expect(row).toMatchObject({ cost: 0, error_details: { type: 'call_cancelled' }, arguments: { ms: 60_000 } });
  expect((await readLogs(gateway)).logs).toHaveLength(1);
  void call;
  // What was reserved for it is free again.
  await way.call(scene, key, 'c1-slow', { ms: 1 });
  expect(await lastLog(gateway)).toMatchObject({ status: 'success', cost: 0.01 });
});

/** What may stand against a call. */
const REFUSALS: readonly { code: string; status: number; tool: string; key?: Record<string, unknown> }[] = [
  { code: 'mcp_tool_blocked', status: 403, tool: 'c1-echo', key: {} },
  { code: 'mcp_tool_blocked', status: 403, tool: 'invented', key: grants },
  { code: 'mcp_tool_not_found', status: 400, tool: 'invented' },
  {
    ...{ code: 'budget_exceeded', status: 402, tool: 'c1-echo' },
    key: { ...grants, budgets: [{ max_limit: 0, reset_duration: '1d' }] },
  },
  {
    ...{ code: 'request_limited', status: 429, tool: 'c1-echo' },
    key: { ...grants, rate_limit: { request_max_limit: 1, request_reset_duration: '1h' } },
  },
];

test.for(REFUSALS)('a refused call has a row that says why: $code of $tool', async ({ code, status, tool, key }) => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  const caller: McpEndpoint = key === undefined ? gateway : await createKey(gateway, 'k1', key);
  const isUsedUp = code === 'request_limited';
  if (isUsedUp) await postModern(caller, 'tools/call', { name: tool, arguments: { text: 'first' } });
  const before = upstream.countCalls();
  for (const { call } of WAYS) await call(scene, caller as TestKey, tool, { text: 'hi' });
  const { logs } = await readLogs(gateway);
  const refused = logs.slice(0, 3);
  expect(logs).toHaveLength(isUsedUp ? 4 : 3);
  for (const row of refused) {
    expect(row).toMatchObject({
      ...{ status: 'error', cost: 0, tool_name: tool.replace('c1-', ''), arguments: { text: 'hi' } },
      error_details: { type: code, status_code: status, error: { message: expect.any(String) as string } },
    });
    expect(row.server_label).toBe(tool === 'invented' ? undefined : 'c1');
  }
  expect(upstream.countCalls()).toBe(before);
});

test('a call of a server that cannot be reached, or does not answer in time, has a row that says so', async () => {
  await using scene = await startScene({ client: { tool_execution_timeout: 1 } });
  const { gateway, upstream } = scene;
  const codeOf = ({ error_details }: LogRow) => error_details?.type;
  await gateway.execute('c1-slow', { ms: 60_000 });
  expect(codeOf(await lastLog(gateway))).toBe('upstream_timeout');
  await upstream.stop();
  await gateway.execute('c1-echo', { text: 'hi' });
  expect(codeOf(await lastLog(gateway))).toMatch(/^upstream_/);
  expect((await readLogs(gateway)).stats).toMatchObject({ total_executions: 2, success_rate: 0 });
});

test('what is no call has no row', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  await postModern(gateway, 'tools/list');
  await gateway.execute('c1-echo', { text: 'hi' }, { authorization: 'Bearer sk-bf-unknown' });
  const { message } = modernRequest('tools/call', { name: 'c1-echo' });
  await postMcp({ ...gateway, apiKey: '' }, message);
  expect((await readLogs(gateway)).has_logs).toBe(false);
});

async function create(scene: Scene, kind: 'team' | 'customer', body: Record<string, unknown>): Promise<string> {
  const answer = await scene.gateway.api('POST', `/api/governance/${kind}s`, body);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return (answer.body[kind] as { id: string }).id;
}
