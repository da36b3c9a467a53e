import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../test/kit/databases.ts';
import {
  llmEnd,
  llmStart,
  openTestLedger,
  tokenUsage,
  unexpected,
  type TestLedgerStore,
} from '../../../test/kit/ledger.ts';
import type { LlmLogList } from '../../contract/llm-log.ts';
import { createLogger } from '../../lib/logger.ts';
import type { LlmEnd, LlmStart } from '../../store/ledger-rows.ts';
import { createAuditStore } from '../../store/audit.ts';
import { createLedger, type Ledger } from '../../telemetry/ledger.ts';
import { createApi } from '../api.ts';
import { renderRequest } from './llm-log-view.ts';
import { llmLogRoutes } from './llm-logs.ts';

const T = Date.UTC(2026, 0, 2, 3, 4, 5);
const isGone = (_kind: string, id: string) => id === 'gone';

let store: TestLedgerStore;
let ledger: Ledger;
let database: TestDatabase;
let app: ReturnType<typeof createApi>;

beforeEach(async () => {
  store = await openTestLedger('memory');
  database = await openTestDatabase('sqlite');
  ledger = createLedger({ store, onError: unexpected });
  const audit = createAuditStore(database.db, randomBytes(32));
  app = createApi({
    routes: llmLogRoutes({ ledger, store, database, audit, isGone }),
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

function ask(start: Partial<LlmStart>, end: Partial<LlmEnd> = {}): void {
  ledger.beginLlm(llmStart({ timestamp: T, ...start })).end(llmEnd(end));
}

async function send(method: string, path: string, body?: object) {
  const response = await app.request(path, body === undefined ? { method } : { method, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const get = async (path: string) => (await send('GET', `/api/logs${path}`)).body;
const range = (from: number, to: number) =>
  `start_time=${new Date(from).toISOString()}&end_time=${new Date(to).toISOString()}`;

describe('logs of requests to models', () => {
  test('show a request as soon as it was taken down, in dollars and milliseconds', async () => {
    ask(
      { id: 'a', input: '[1]', params: '{"n":1}', tools: '[]', alias: 'fast', metadata: { m: true }, stream: true },
      {
        cost: 1_500_000,
        latency: 12.5,
        first_byte: 3,
        output: '"hi"',
        selected_key_id: 's',
        selected_key_name: 'Main',
      },
    );
    const row = {
      ...{ id: 'a', timestamp: '2026-01-02T03:04:05.000Z', object: 'chat_completion', provider: 'openai' },
      ...{ model: 'gpt-5', alias: 'fast', stream: true, principal: 'virtual-key:k1', fallback_index: 0 },
      ...{ virtual_key_id: 'k1', virtual_key_name: 'Key one', virtual_key: { id: 'k1', name: 'Key one' } },
      ...{ selected_key_id: 's', selected_key_name: 'Main', number_of_retries: 0, stop_reason: 'stop' },
      ...{ input_history: [1], output_message: 'hi', cost: 0.0015, latency: 12.5, time_to_first_byte: 3 },
      ...{ status: 'success', metadata: { m: true }, created_at: expect.any(String) as string },
      token_usage: {
        ...{ prompt_tokens: 100, completion_tokens: 20, total_tokens: 120, is_estimate: false },
        prompt_tokens_details: { cached_read_tokens: 0, cached_write_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0 },
      },
    };
    expect(await get('')).toEqual({
      logs: [row],
      pagination: { limit: 50, offset: 0, sort_by: 'timestamp', order: 'desc', total_count: 1 },
      stats: {
        ...{ total_requests: 1, success_rate: 100, user_facing_success_rate: 100, user_facing_total_requests: 1 },
        ...{ average_latency: 12.5, total_tokens: 120, total_cost: 0.0015, cost_unknown_requests: 0 },
        direct_cache_hits: 0,
      },
      has_logs: true,
    });
    expect(await get('/a')).toEqual({ ...row, params: { n: 1 }, tools: [] });
    expect((await send('GET', '/api/logs/b')).status).toBe(404);
  });

  test('say so when nobody knows the cost, and when the key is gone', async () => {
    ask({ id: 'a', virtual_key_id: 'gone' }, { cost: undefined, selected_key_id: 'gone', selected_key_name: 'Old' });
    ask({ id: 'b' }, { cost: 0 });
    ledger.beginLlm(llmStart({ id: 'c', timestamp: T }));
    expect(await get('/a')).toMatchObject({
      ...{ cost: null, cost_unknown: true, virtual_key_name: 'Key one (deleted)', selected_key_name: 'Old (deleted)' },
      virtual_key: { id: 'gone', name: 'Key one (deleted)' },
    });
    expect(await get('/b')).toMatchObject({ cost: 0, virtual_key_name: 'Key one' });
    const running = await get('/c');
    expect(running).toMatchObject({ cost: null, status: 'processing' });
    for (const name of ['cost_unknown', 'latency', 'token_usage', 'error_details'])
      expect(running).not.toHaveProperty(name);
    expect(await get('/b')).not.toHaveProperty('cost_unknown');
    expect(await get('/stats')).toMatchObject({ total_requests: 3, total_cost: 0, cost_unknown_requests: 1 });
    expect(((await get('?missing_cost_only=true')) as LlmLogList).logs.map(({ id }) => id)).toEqual(['a']);
    expect((await get('/filterdata')).virtual_keys).toEqual([
      { id: 'gone', name: 'Key one (deleted)' },
      { id: 'k1', name: 'Key one' },
    ]);
  });

  test('count a request and its fallbacks as one for the user', async () => {
    ask({ id: 'a' }, { status: 'error', error: { code: 'budget_exceeded', message: 'no' } });
    ask({ id: 'b', parent_request_id: 'a', fallback_index: 1 });
    ask({ id: 'c' });
    expect(await get('/stats')).toMatchObject({
      ...{ total_requests: 3, success_rate: (2 / 3) * 100 },
      ...{ user_facing_total_requests: 2, user_facing_success_rate: 100 },
    });
    expect(await get('/a')).toMatchObject({ error_details: { type: 'budget_exceeded', status_code: 402 } });
    expect(((await get('?parent_request_id=a')) as LlmLogList).logs.map(({ id }) => id)).toEqual(['b']);
  });

  test('cut long texts in lists and mark them; one log has what is stored', async () => {
    ask({ id: 'a', input: JSON.stringify('ö'.repeat(5000)) }, { output: JSON.stringify('x'.repeat(70_000)) });
    const { logs } = (await get('')) as LlmLogList;
    expect(logs[0]).toMatchObject({ input_history_truncated: true, output_message_truncated: true });
    expect(logs[0]?.input_history).toHaveLength(1000);
    const one = await get('/a');
    expect(one).toMatchObject({ input_history: 'ö'.repeat(5000), output_message_truncated: true });
    expect(one).not.toHaveProperty('input_history_truncated');
    expect(one.output_message).toHaveLength(65_536);
  });

  test('look in the live feed as they do in the list', async () => {
    const start = llmStart({ id: 'a', timestamp: T, input: JSON.stringify('ö'.repeat(5000)), team_id: 't' });
    const end = llmEnd({ status: 'error', cost: undefined, error: { code: 'x', message: 'no' } });
    ledger.beginLlm(start).end(end);
    const { created_at: _, ...listed } = ((await get('')) as LlmLogList).logs[0] ?? {};
    const { created_at: __, ...live } = renderRequest(start, end, isGone);
    expect(live).toEqual(listed);
    expect(renderRequest(start, undefined, isGone)).toMatchObject({ status: 'processing', cost: null });
  });

  test.each([
    ['limit=1001', 'limit'],
    ['status=done', 'status'],
    ['sort_by=name', 'sort_by'],
    ['start_time=yesterday', 'start_time'],
    ['period=day', 'period'],
    ['period=1d&start_time=2026-01-02T00:00:00Z', 'period'],
    ['start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z', 'end_time'],
    ['min_cost=-1', 'min_cost'],
    ['min_cost=2&max_cost=1', 'max_cost'],
    ['min_tokens=2&max_tokens=1', 'max_tokens'],
    ['missing_cost_only=perhaps', 'missing_cost_only'],
  ])('refuse %s and name the parameter', async (query, name) => {
    const { status, body } = await send('GET', `/api/logs?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { message: expect.stringContaining(`Invalid ${name} parameter`) as string } });
  });

  test('are found by cost in dollars and by the time until now', async () => {
    ask({ id: 'a', timestamp: Date.now() - 1000 }, { cost: 2e9 });
    ask({ id: 'b', timestamp: Date.now() - 3 * 3_600_000 }, { cost: 1e9, usage: tokenUsage({ total_tokens: 9 }) });
    const found = async (query: string) => ((await get(`?${query}`)) as LlmLogList).logs.map(({ id }) => id).join('');
    expect(await found('period=1h')).toBe('a');
    expect(await found('period=1d')).toBe('ab');
    expect(await found('min_cost=0.5&max_cost=1')).toBe('b');
    expect(await found('sort_by=tokens&order=asc')).toBe('ba');
    expect(await found('models=,')).toBe('ab');
  });

  test('are summed up in buckets that fit the range, by model too, with none left out', async () => {
    ask({ timestamp: T }, { cost: 2e9, latency: 100 });
    ask({ timestamp: T, model: 'opus', provider: 'anthropic' }, { cost: 1e9, latency: 300 });
    ask({ timestamp: T + 90_000 }, { status: 'error', cost: undefined, usage: undefined });
    const query = range(T, T + 119_999);
    const at = ['03:04', '03:05', '03:06'].map((time) => ({ timestamp: `2026-01-02T${time}:00.000Z` }));
    expect(await get(`/histogram?${query}`)).toEqual({
      bucket_size_seconds: 60,
      buckets: [
        { ...at[0], count: 2, success: 2, error: 0 },
        { ...at[1], count: 1, success: 0, error: 1 },
        { ...at[2], count: 0, success: 0, error: 0 },
      ],
    });
    expect(await get(`/histogram/tokens?${query}`)).toMatchObject({
      buckets: [{ prompt_tokens: 200, completion_tokens: 40, total_tokens: 240 }, { total_tokens: 0 }, {}],
    });
    expect(await get(`/histogram/cost?${query}`)).toEqual({
      ...{ bucket_size_seconds: 60, models: ['gpt-5', 'opus'] },
      buckets: [
        { ...at[0], total_cost: 3, by_model: { 'gpt-5': 2, opus: 1 } },
        { ...at[1], total_cost: 0, by_model: { 'gpt-5': 0 } },
        { ...at[2], total_cost: 0, by_model: {} },
      ],
    });
    expect(await get(`/histogram/models?${query}&providers=anthropic`)).toMatchObject({
      models: ['opus'],
      buckets: [{ by_model: { opus: { total: 1, success: 1, error: 0 } } }, { by_model: {} }, {}],
    });
    const latencies = (await get(`/histogram/latency?${query}`)) as { buckets: Record<string, number>[] };
    expect(latencies.buckets[0]).toMatchObject({ avg_latency: 200, total_requests: 2 });
    expect((latencies.buckets[0]?.['p99_latency'] ?? 0) / 300).toBeCloseTo(1, 1);
    expect(latencies.buckets[2]).toMatchObject({ avg_latency: 0, p90_latency: 0, total_requests: 0 });
  });

  test('are deleted by id, and the deletion is recorded', async () => {
    for (const id of ['a', 'b']) ask({ id });
    const { body } = await send('DELETE', '/api/logs', { ids: ['a', 'none'] });
    expect(body).toEqual({ message: '1 log deleted successfully' });
    expect(await get('/stats')).toMatchObject({ total_requests: 1 });
    const entries = await database.db.selectFrom('audit_logs').select(['entity', 'after']).execute();
    expect(entries).toEqual([{ entity: 'llm_logs', after: '{"asked":2,"deleted":1}' }]);
    expect((await send('DELETE', '/api/logs', { ids: [] })).status).toBe(400);
  });
});
