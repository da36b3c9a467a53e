import { describe, expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { httpClient, type ApiAnswer } from '../kit/gateway.ts';
import { createKey, freshDatabase, getKey } from '../kit/keys.ts';
import { getLog, lastLog, readLogs, type LogRow } from '../kit/logs.ts';
import { startScene } from '../kit/scene.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { postModern } from '../kit/wire.ts';

type Database = (typeof DATABASES)[number];
type Query = Record<string, string>;

/** Five calls: by two keys and the operator, of two servers, over both wires, one of them failing. */
async function startBusyScene(database: Database) {
  const stack = new AsyncDisposableStack();
  const scene = stack.use(await startScene({ gateway: await freshDatabase(database) }));
  const { gateway } = scene;
  const other = stack.use(await startUpstream());
  await gateway.createClient(httpClient(other.url, { name: 'c2', tool_pricing: { greet: 0.03 } }));
  await scene.update({ tool_pricing: { echo: 0.01, add: 0.02 } });
  const grants = ['c1', 'c2'].map((name) => ({ mcp_client_name: name, tools_to_execute: ['*'] }));
  const budgets = [{ max_limit: 1, reset_duration: '1d' }];
  const [k1, k2] = [
    await createKey(gateway, 'k1', { mcp_configs: grants, budgets }),
    await createKey(gateway, 'k2', { mcp_configs: grants }),
  ];
  const parent = (id: string) => ({ 'x-bf-parent-request-id': id });
  const add = { name: 'c1-add', arguments: { a: 2, b: 3 } };
  await gateway.execute('c1-echo', { text: 'alpha_1' }, { authorization: `Bearer ${k1.value}`, ...parent('run-1') });
  await postModern(k2, 'tools/call', add, { headers: parent('run-2') });
  await postModern(k2, 'tools/call', add);
  await gateway.execute('c1-fail');
  await gateway.execute('c2-greet', { name: 'Beta' }, { authorization: `Bearer ${k1.value}` });
  const sums = async (kind: string, query: Query = {}): Promise<ApiAnswer['body']> => {
    const { status, body } = await gateway.api('GET', `/api/mcp-logs/${kind}?${new URLSearchParams(query).toString()}`);
    expect(status).toBe(200);
    return body;
  };
  return { gateway, scene, k1, k2, sums, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const namesOf = (logs: readonly LogRow[]) => logs.map(({ tool_name }) => tool_name);

describe.each(DATABASES)('MCP logs on %s', (database) => {
  test('a call is there while it runs, with its arguments, and with its result when it has ended', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const { gateway, upstream } = scene;
    const gate = Promise.withResolvers<void>();
    upstream.host.gate = gate.promise;
    const call = gateway.execute('c1-echo', { text: 'hi' });
    await waitFor(() => upstream.countCalls('echo') === 1, 'the call to arrive');
    const running = await lastLog(gateway);
    expect(running).toMatchObject({ status: 'processing', tool_name: 'echo', arguments: { text: 'hi' }, cost: 0 });
    for (const name of ['latency', 'result', 'error_details']) expect(running).not.toHaveProperty(name);
    expect((await readLogs(gateway)).stats).toMatchObject({ total_executions: 1, success_rate: 0, average_latency: 0 });
    gate.resolve();
    await call;
    const ended = await getLog(gateway, running.id);
    expect(ended).toMatchObject({
      ...{ id: running.id, timestamp: running.timestamp, status: 'success', arguments: { text: 'hi' } },
      result: { content: [{ type: 'text', text: 'hi' }] },
    });
    expect(ended.latency).toBeGreaterThan(0);
    expect((await readLogs(gateway)).stats).toMatchObject({ total_executions: 1, success_rate: 100 });
  });

  test('each filter finds the calls that it means, and the sums say the same', async () => {
    await using busy = await startBusyScene(database);
    const { gateway, k1, k2, sums } = busy;
    const all = await readLogs(gateway, { order: 'asc' });
    expect(namesOf(all.logs)).toEqual(['echo', 'add', 'add', 'fail', 'greet']);
    const times = all.logs.map(({ timestamp }) => timestamp);
    const [middle = ''] = times.slice(2);
    const latencies = all.logs.map(({ latency = 0 }) => latency);
    const [, , median = 0] = latencies.toSorted((a, b) => a - b);
    const where = (test: (row: LogRow) => boolean) => namesOf(all.logs.filter(test));
    const cases: [Query, string[]][] = [
      [{ tool_names: 'add' }, ['add', 'add']],
      [{ tool_names: 'add,greet' }, ['add', 'add', 'greet']],
      [{ server_labels: 'c2' }, ['greet']],
      [{ server_labels: 'c1,c2', status: 'error' }, ['fail']],
      [{ status: 'success' }, ['echo', 'add', 'add', 'greet']],
      [{ virtual_key_ids: k1.id }, ['echo', 'greet']],
      [{ virtual_key_ids: `${k1.id},${k2.id}`, tool_names: 'add' }, ['add', 'add']],
      [{ llm_request_ids: 'run-1,run-2' }, ['echo', 'add']],
      [{ start_time: middle }, where(({ timestamp }) => timestamp >= middle)],
      [{ end_time: middle }, where(({ timestamp }) => timestamp <= middle)],
      [{ min_latency: String(median) }, where(({ latency = 0 }) => latency >= median)],
      [{ max_latency: String(median) }, where(({ latency = 0 }) => latency <= median)],
      [{ content_search: 'ALPHA_1' }, ['echo']],
      [{ content_search: 'hello, beta' }, ['greet']],
      [{ content_search: 'alphaX1' }, []],
      [{ tool_names: 'unheard-of' }, []],
    ];
    for (const [query, names] of cases) {
      const found = await readLogs(gateway, { ...query, order: 'asc' });
      const label = JSON.stringify(query);
      expect(namesOf(found.logs), label).toEqual(names);
      expect(found.pagination.total_count, label).toBe(names.length);
      expect(found.has_logs, label).toBe(true);
      expect(await sums('stats', query), label).toEqual(found.stats);
      const { tools } = (await sums('histogram/top-tools', query)) as { tools: { count: number }[] };
      expect(
        tools.reduce((sum, { count }) => sum + count, 0),
        label,
      ).toBe(names.length);
    }
    const wrong = ['status=done', 'start_time=yesterday', 'limit=0', 'limit=1001', 'offset=-1', 'sort_by=name'];
    for (const query of [...wrong, 'min_latency=5&max_latency=1'])
      expect((await gateway.api('GET', `/api/mcp-logs?${query}`)).status, query).toBe(400);
  });

  test('pages follow each other in every order', async () => {
    await using busy = await startBusyScene(database);
    const { gateway } = busy;
    for (const sort_by of ['timestamp', 'latency', 'cost']) {
      for (const order of ['asc', 'desc']) {
        const whole = await readLogs(gateway, { sort_by, order });
        const parts = [];
        for (const offset of ['0', '2', '4', '6']) {
          const page = await readLogs(gateway, { sort_by, order, offset, limit: '2' });
          expect(page.pagination).toEqual({ limit: 2, offset: Number(offset), sort_by, order, total_count: 5 });
          parts.push(...page.logs);
        }
        expect(parts).toEqual(whole.logs);
        const values = whole.logs.map((row) => row[sort_by as 'timestamp' | 'latency' | 'cost'] ?? 0);
        const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        expect(values).toEqual(order === 'asc' ? sorted : sorted.toReversed());
      }
    }
    expect((await readLogs(gateway)).pagination).toMatchObject({ limit: 50, sort_by: 'timestamp', order: 'desc' });
  });

  test('sums, buckets, the busiest tools and what can be filtered by', async () => {
    await using busy = await startBusyScene(database);
    const { k1, k2, sums } = busy;
    expect(await sums('stats')).toMatchObject({ total_executions: 5, success_rate: 80, total_cost: 0.08 });
    const start_time = new Date(Date.now() - 600_000).toISOString();
    const counted = (await sums('histogram', { start_time })) as {
      buckets: { timestamp: string; count: number; success: number; error: number }[];
      bucket_size_seconds: number;
    };
    expect(counted.bucket_size_seconds).toBe(60);
    const starts = counted.buckets.map(({ timestamp }) => Date.parse(timestamp));
    expect(starts.length).toBeGreaterThan(10);
    expect(starts.slice(1).map((start, index) => start - (starts[index] ?? 0))).toEqual(
      starts.slice(1).map(() => 60_000),
    );
    const total = (name: 'count' | 'success' | 'error') => counted.buckets.reduce((sum, row) => sum + row[name], 0);
    expect([total('count'), total('success'), total('error')]).toEqual([5, 4, 1]);
    const paid = (await sums('histogram/cost', { start_time, virtual_key_ids: k1.id })) as {
      buckets: { total_cost: number }[];
    };
    expect(paid.buckets.reduce((sum, { total_cost }) => sum + total_cost, 0)).toBeCloseTo(0.04, 9);
    expect((await sums('histogram'))['bucket_size_seconds']).toBe(3600);
    expect(await sums('histogram/top-tools')).toEqual({
      tools: [
        { tool_name: 'add', count: 2, cost: 0.04 },
        { tool_name: 'echo', count: 1, cost: 0.01 },
        { tool_name: 'fail', count: 1, cost: 0 },
        { tool_name: 'greet', count: 1, cost: 0.03 },
      ],
    });
    const values = (await sums('filterdata')) as Record<string, unknown[]>;
    expect(values['tool_names']?.toSorted()).toEqual(['add', 'echo', 'fail', 'greet']);
    expect(values['server_labels']?.toSorted()).toEqual(['c1', 'c2']);
    expect(values['virtual_keys']).toHaveLength(2);
    for (const { id, name } of [k1, k2]) expect(values['virtual_keys']).toContainEqual({ id, name });
  });

  test('what is deleted is in no list and no sum, but stays spent', async () => {
    await using busy = await startBusyScene(database);
    const { gateway, scene, k1, sums } = busy;
    const { logs } = await readLogs(gateway, { tool_names: 'echo,fail' });
    const ids = logs.map(({ id }) => id);
    const answer = await gateway.api('DELETE', '/api/mcp-logs', { ids: [...ids, 'unheard-of'] });
    expect(answer).toMatchObject({ status: 200, body: { message: expect.stringContaining('2 MCP logs') as string } });
    const left = await readLogs(gateway);
    expect(namesOf(left.logs)).toEqual(['greet', 'add', 'add']);
    expect(left.stats).toMatchObject({ total_executions: 3, success_rate: 100, total_cost: 0.07 });
    expect((await gateway.api('GET', `/api/mcp-logs/${ids[0]}`)).status).toBe(404);
    expect((await sums('filterdata'))['tool_names']).not.toContain('echo');
    expect((await getKey(gateway, k1)).budgets[0]?.current_usage).toBe(0.04);
    for (const body of [{ ids: [] }, {}, { ids: 'all' }])
      expect((await gateway.api('DELETE', '/api/mcp-logs', body)).status).toBe(400);

    const gate = Promise.withResolvers<void>();
    scene.upstream.host.gate = gate.promise;
    const call = gateway.execute('c1-add', { a: 1, b: 1 });
    const running = await waitFor(async () => {
      const [row] = (await readLogs(gateway, { status: 'processing' })).logs;
      return row;
    }, 'the call to run');
    await gateway.api('DELETE', '/api/mcp-logs', { ids: [running.id] });
    gate.resolve();
    await call;
    expect((await readLogs(gateway)).stats).toEqual(left.stats);
  });
});
