import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../test/kit/databases.ts';
import { callEnd, callStart, openTestLedger, unexpected, type TestLedgerStore } from '../../../test/kit/ledger.ts';
import type { McpLogList } from '../../contract/log.ts';
import { createLogger } from '../../lib/logger.ts';
import type { CallEnd, CallStart } from '../../store/ledger-rows.ts';
import { createAuditStore } from '../../store/audit.ts';
import { createLedger, type Ledger } from '../../telemetry/ledger.ts';
import { createApi } from '../api.ts';
import { mcpLogRoutes } from './mcp-logs.ts';

const T = Date.UTC(2026, 0, 2, 3, 4, 5);

let store: TestLedgerStore;
let ledger: Ledger;
let database: TestDatabase;
let app: ReturnType<typeof createApi>;

beforeEach(async () => {
  store = await openTestLedger('memory');
  database = await openTestDatabase('sqlite');
  ledger = createLedger({ store, onError: unexpected });
  app = createApi({
    routes: mcpLogRoutes({ ledger, store, database, audit: createAuditStore(database.db, randomBytes(32)) }),
    identify: () => ({ kind: 'operator', principal: 'api-key:1', name: 'admin', scopes: ['read', 'write'] }),
    version: '1.2.3',
    logger: createLogger({ level: 'silent', style: 'json' }),
  });
});
afterEach(async () => {
  await ledger.close();
  await store.close();
  await database.close();
});

function call(start: Partial<CallStart>, end: Partial<CallEnd> = {}): void {
  ledger.begin(callStart({ timestamp: T, ...start })).end(callEnd(end));
}

async function send(method: string, path: string, body?: object) {
  const response = await app.request(path, body === undefined ? { method } : { method, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const get = async (path: string) => (await send('GET', `/api/mcp-logs${path}`)).body;
const range = (from: number, to: number) =>
  `start_time=${new Date(from).toISOString()}&end_time=${new Date(to).toISOString()}`;

describe('MCP logs', () => {
  test('show a call as soon as it was taken down, in dollars and milliseconds', async () => {
    call(
      { id: 'a', arguments: '{"x":1}', llm_request_id: 'l', metadata: { m: true }, app: 'Tool', source: 'agent' },
      { cost: 1_500_000, latency: 12.5, result: '[true]' },
    );
    const row = {
      ...{ id: 'a', timestamp: '2026-01-02T03:04:05.000Z', tool_name: 'echo', server_label: 'files' },
      ...{ virtual_key_id: 'k1', virtual_key_name: 'Key one', virtual_key: { id: 'k1', name: 'Key one' } },
      ...{ arguments: { x: 1 }, result: [true], cost: 0.0015, latency: 12.5, status: 'success', source: 'agent' },
      ...{ llm_request_id: 'l', metadata: { m: true }, app: 'Tool', client_id: 'client-1' },
      ...{ principal: 'virtual-key:k1', created_at: expect.any(String) as string },
    };
    expect(await get('')).toEqual({
      logs: [row],
      pagination: { limit: 50, offset: 0, sort_by: 'timestamp', order: 'desc', total_count: 1 },
      stats: { total_executions: 1, success_rate: 100, average_latency: 12.5, total_cost: 0.0015 },
      has_logs: true,
    });
    expect(await get('/a')).toEqual(row);
    expect((await send('GET', '/api/mcp-logs/b')).status).toBe(404);
  });

  test('show an error as the envelope it was answered with, and a running call without an end', async () => {
    call(
      { id: 'a', server_label: undefined, virtual_key_id: undefined, virtual_key_name: undefined },
      { status: 'error', error: { code: 'budget_exceeded', message: 'no money' } },
    );
    expect(await get('/a')).toMatchObject({
      status: 'error',
      error_details: { type: 'budget_exceeded', status_code: 402, error: { message: 'no money' }, extra_fields: {} },
    });
    ledger.begin(callStart({ id: 'b', timestamp: T }));
    const running = await get('/b');
    expect(running.status).toBe('processing');
    for (const name of ['latency', 'result', 'error_details', 'arguments']) expect(running).not.toHaveProperty(name);
    for (const name of ['virtual_key', 'server_label']) expect(await get('/a')).not.toHaveProperty(name);
    expect(await get('/stats')).toMatchObject({ total_executions: 2, success_rate: 0 });
  });

  test('cut long contents in lists and mark them; one log has what is stored', async () => {
    const text = 'ö'.repeat(5000);
    call({ id: 'a', arguments: JSON.stringify({ text }) }, { result: JSON.stringify('x'.repeat(70_000)) });
    const { logs } = (await get('')) as McpLogList;
    expect(logs[0]).toMatchObject({ arguments_truncated: true, result_truncated: true });
    expect(logs[0]?.arguments).toHaveLength(1000);
    const one = await get('/a');
    expect(one).toMatchObject({ arguments: { text }, result_truncated: true });
    expect(one).not.toHaveProperty('arguments_truncated');
    expect(one.result).toHaveLength(65_536);
  });

  test('are found by every filter, page by page', async () => {
    call({ id: 'a', tool_name: 'read', llm_request_id: 'l1' }, { latency: 5, cost: 3 });
    call({ id: 'b', server_label: 'web', arguments: '{"q":"needle"}' }, { latency: 10, cost: 1 });
    call({ id: 'c', virtual_key_id: 'k2', timestamp: T + 1000 }, { status: 'error', latency: 20 });
    const found = async (query: string) => ((await get(`?${query}`)) as McpLogList).logs.map(({ id }) => id).join('');
    expect(await found('tool_names=read,write')).toBe('a');
    expect(await found('server_labels=web')).toBe('b');
    expect(await found('virtual_key_ids=k2')).toBe('c');
    expect(await found('llm_request_ids=l1')).toBe('a');
    expect(await found('status=error,processing')).toBe('c');
    expect(await found('min_latency=5.5&max_latency=10')).toBe('b');
    expect(await found('content_search=NEEDLE')).toBe('b');
    expect(await found(range(T + 1, T + 1000))).toBe('c');
    expect(await found('sort_by=cost&order=desc')).toBe('abc');
    expect(await found('sort_by=latency&order=asc&limit=1&offset=1')).toBe('b');
    expect(await found('tool_names=,')).toBe('cba');
    expect((await get('?limit=1&offset=2&order=asc')).pagination).toEqual({
      ...{ limit: 1, offset: 2, sort_by: 'timestamp', order: 'asc', total_count: 3 },
    });
    expect(await get('?tool_names=none')).toMatchObject({ logs: [], has_logs: true, pagination: { total_count: 0 } });
    expect(await get('/filterdata')).toEqual({
      tool_names: ['echo', 'read'],
      server_labels: ['files', 'web'],
      virtual_keys: [
        { id: 'k1', name: 'Key one' },
        { id: 'k2', name: 'Key one' },
      ],
    });
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['offset=-1', 'offset'],
    ['status=done', 'status'],
    ['sort_by=name', 'sort_by'],
    ['order=up', 'order'],
    ['start_time=yesterday', 'start_time'],
    ['end_time=2026-13-01T00:00:00Z', 'end_time'],
    ['start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z', 'end_time'],
    ['min_latency=-1', 'min_latency'],
    ['max_latency=slow', 'max_latency'],
    ['min_latency=2&max_latency=1', 'max_latency'],
  ])('refuse %s and name the parameter', async (query, name) => {
    const { status, body } = await send('GET', `/api/mcp-logs?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { message: expect.stringContaining(`Invalid ${name} parameter`) as string } });
  });

  test('are counted in buckets that fit the range, with none left out', async () => {
    call({ timestamp: T }, { cost: 2e9 });
    call({ timestamp: T + 90_000 }, { status: 'error' });
    const minutes = await get(`/histogram?${range(T, T + 119_999)}`);
    expect(minutes).toEqual({
      bucket_size_seconds: 60,
      buckets: [
        { timestamp: '2026-01-02T03:04:00.000Z', count: 1, success: 1, error: 0 },
        { timestamp: '2026-01-02T03:05:00.000Z', count: 1, success: 0, error: 1 },
        { timestamp: '2026-01-02T03:06:00.000Z', count: 0, success: 0, error: 0 },
      ],
    });
    expect(await get(`/histogram/cost?${range(T + 1, T + 90_000)}`)).toMatchObject({
      buckets: [{ total_cost: 0 }, { total_cost: 0 }],
    });
    expect(await get('/histogram/cost')).toEqual({
      bucket_size_seconds: 3600,
      buckets: [{ timestamp: '2026-01-02T03:00:00.000Z', total_cost: 2 }],
    });
  });

  test.each([
    [1, 60],
    [2, 600],
    [24, 3600],
    [72, 28_800],
    [168, 86_400],
    [30 * 24, 3 * 86_400],
    [90 * 24, 7 * 86_400],
    [365 * 24, 30 * 86_400],
  ])('over %i hours have buckets of %i seconds, and each call is in one', async (hours, seconds) => {
    const [from, to] = [T - 12_345, T - 12_345 + hours * 3_600_000];
    for (const timestamp of [from - 1, from, from + 60_000, (from + to) / 2, to, to + 1]) call({ timestamp });
    const { buckets, bucket_size_seconds } = (await get(`/histogram?${range(from, to)}`)) as {
      buckets: { timestamp: string; count: number }[];
      bucket_size_seconds: number;
    };
    expect(bucket_size_seconds).toBe(seconds);
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(4);
    const times = buckets.map(({ timestamp }) => Date.parse(timestamp));
    for (const [index, time] of times.entries()) expect(time).toBe((times[0] ?? 0) + index * seconds * 1000);
    expect(times[0]).toBeLessThanOrEqual(from);
    expect(times.at(-1)).toBeGreaterThan(to - seconds * 1000);
  });

  test('name the tools that are called most', async () => {
    for (let tool = 0; tool < 12; tool += 1) {
      for (let count = 0; count <= tool % 6; count += 1) call({ tool_name: `t${tool}` }, { cost: 1e9 });
    }
    const { tools } = (await get('/histogram/top-tools')) as { tools: unknown[] };
    expect(tools).toHaveLength(10);
    expect(tools.slice(0, 3)).toEqual([
      { tool_name: 't11', count: 6, cost: 6 },
      { tool_name: 't5', count: 6, cost: 6 },
      { tool_name: 't10', count: 5, cost: 5 },
    ]);
    expect(await get('/histogram/top-tools?tool_names=t0')).toEqual({
      tools: [{ tool_name: 't0', count: 1, cost: 1 }],
    });
  });

  test('are deleted by id, and with them what they sum up to', async () => {
    for (const id of ['a', 'b', 'c']) call({ id }, { cost: 1e9 });
    const removed = await send('DELETE', '/api/mcp-logs', { ids: ['a', 'b', 'x'] });
    expect(removed).toEqual({ status: 200, body: { message: '2 MCP logs deleted successfully' } });
    expect(await get('/stats')).toMatchObject({ total_executions: 1, total_cost: 1 });
    expect((await send('DELETE', '/api/mcp-logs', { ids: [] })).status).toBe(400);
    expect((await send('DELETE', '/api/mcp-logs', {})).status).toBe(400);
  });

  test('say how many calls are missing', async () => {
    expect((await send('GET', '/api/logs/dropped')).body).toEqual({ dropped_requests: 0 });
  });
});
