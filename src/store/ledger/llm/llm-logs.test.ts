import { describe, expect, test } from 'vitest';
import {
  LEDGERS,
  llmEnd,
  llmStart,
  openTestLedger,
  tokenUsage,
  type TestLedgerStore,
} from '../../../../test/kit/ledger.ts';
import type { LedgerBatch } from '../batch.ts';
import { MAX_CONTENT } from '../column-values.ts';
import type { LlmBatch } from './batch.ts';
import type { LlmFilter } from './filter.ts';
import { percentile } from './latency-slots.ts';
import type { LlmPageRequest } from './read.ts';

let seq = 0;
const batch = (llm: Partial<LlmBatch>): LedgerBatch => {
  seq += 1;
  const rest = { started: [], ended: [], completed: [] };
  return { node: 'n1', seq, ...rest, charges: [], llm: { ...rest, ...llm } };
};
const PAGE: LlmPageRequest = { limit: 50, offset: 0, sort_by: 'timestamp', order: 'desc', preview: 1000 };
const T = 1_750_000_000_000;

async function ids(store: TestLedgerStore, filter: LlmFilter, page: Partial<LlmPageRequest> = {}): Promise<string[]> {
  return (await store.listLlm(filter, { ...PAGE, ...page })).logs.map(({ id }) => id);
}

describe.each(LEDGERS)('in %s', (place) => {
  test('a request is stored as it came, running first and ended later', async () => {
    await using store = await openTestLedger(place);
    const start = llmStart({ id: 'a', input: '[{"role":"user"}]', params: '{"n":1}', stream: true, alias: 'fast' });
    await store.write(batch({ started: [start] }));
    expect(await store.findLlm('a', 99)).toMatchObject({ status: 'processing', latency: null, cost: null, stream: 1 });
    expect(await store.totalLlm({})).toMatchObject({ count: 0, running: 1 });

    const usage = tokenUsage({ cached_read_tokens: 7, reasoning_tokens: 3, is_estimate: true });
    const end = llmEnd({
      latency: 1.25,
      first_byte: 1,
      cost: 3_000,
      output: '{"ok":true}',
      usage,
      selected_key_id: 's',
    });
    await store.write(batch({ ended: [{ id: 'a', end }] }));
    expect(await store.findLlm('a', 99)).toMatchObject({
      ...{ id: 'a', status: 'success', latency: 1250, first_byte: 1000, cost: 3000, provider: 'openai', alias: 'fast' },
      ...{ input: '[{"role":"user"}]', input_size: 17, params: '{"n":1}', tools: null, output: '{"ok":true}' },
      ...{ prompt_tokens: 100, cached_read_tokens: 7, reasoning_tokens: 3, is_estimate: 1, stop_reason: 'stop' },
      ...{ selected_key_id: 's', team_id: '', parent_request_id: null, node: 'n1' },
    });
    expect(await store.totalLlm({})).toMatchObject({ count: 1, success: 1, running: 0, cost_sum: 3000, unpriced: 0 });
  });

  test('a batch that is sent again, or a request that stands twice in it, is written once', async () => {
    await using store = await openTestLedger(place);
    const again = batch({ completed: [1, 2].map(() => ({ start: llmStart({ id: 'x' }), end: llmEnd() })) });
    await store.write(again);
    await store.write(again);
    await store.write({ ...again, node: 'n2' });
    expect(await store.totalLlm({})).toMatchObject({ count: 1, total_tokens: 120 });
  });

  test('pages follow filters, order and offset, and count everything that is meant', async () => {
    await using store = await openTestLedger(place);
    const request = (id: string, second: number, start = {}, end = {}) => ({
      start: llmStart({ id, timestamp: T + second * 1000, ...start }),
      end: llmEnd(end),
    });
    const usage = tokenUsage({ total_tokens: 900 });
    await store.write(
      batch({
        completed: [
          request('a', 1, { input: '[{"content":"100%_sure"}]', team_id: 't' }, { latency: 5, cost: 30, usage }),
          request('b', 2, { provider: 'anthropic', model: 'opus', alias: 'big' }, { latency: 15, cost: undefined }),
          request('c', 3, { virtual_key_id: 'k2', virtual_key_name: 'Key two' }, { status: 'error', latency: 25 }),
          request('d', 3, { parent_request_id: 'c', fallback_index: 1 }, { output: '"FOUND"', selected_key_id: 's' }),
        ],
        started: [llmStart({ id: 'e', timestamp: T + 4000, request_id: 'mine', object: 'embedding' })],
      }),
    );
    expect(await ids(store, {})).toEqual(['e', 'd', 'c', 'b', 'a']);
    expect(await ids(store, {}, { order: 'asc', limit: 2, offset: 1 })).toEqual(['b', 'c']);
    expect(await ids(store, { providers: ['anthropic', 'none'] })).toEqual(['b']);
    expect(await ids(store, { models: ['opus'] })).toEqual(['b']);
    expect(await ids(store, { aliases: ['big'] })).toEqual(['b']);
    expect(await ids(store, { objects: ['embedding'] })).toEqual(['e']);
    expect(await ids(store, { status: ['processing', 'error'] })).toEqual(['e', 'c']);
    expect(await ids(store, { virtual_key_ids: ['k2', 'k3'] })).toEqual(['c']);
    expect(await ids(store, { team_ids: ['t'] })).toEqual(['a']);
    expect(await ids(store, { selected_key_ids: ['s'] })).toEqual(['d']);
    expect(await ids(store, { parent_request_ids: ['c'] })).toEqual(['d']);
    expect(await ids(store, { request_ids: ['mine'] })).toEqual(['e']);
    expect(await ids(store, { stop_reasons: ['length'] })).toEqual([]);
    expect(await ids(store, { is_cost_missing: true })).toEqual(['b']);
    expect(await ids(store, { min_cost: 1 })).toEqual(['a']);
    expect(await ids(store, { min_tokens: 500, max_tokens: 900 })).toEqual(['a']);
    expect(await ids(store, { min_latency: 10, max_latency: 15 })).toEqual(['b']);
    expect(await ids(store, { from: T + 2000, to: T + 3000 })).toEqual(['d', 'c', 'b']);
    expect(await ids(store, { content_search: 'found' })).toEqual(['d']);
    expect(await ids(store, { content_search: '100%_S' })).toEqual(['a']);
    expect(await ids(store, {}, { sort_by: 'cost' })).toEqual(['a', 'd', 'c', 'e', 'b']);
    expect(await ids(store, {}, { sort_by: 'latency', order: 'asc' })).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(await ids(store, {}, { sort_by: 'tokens', limit: 1 })).toEqual(['a']);

    const { sums, hasLogs } = await store.listLlm({}, PAGE);
    expect({ ...sums, hasLogs }).toMatchObject({
      ...{ count: 4, running: 1, success: 3, error: 1, unpriced: 1, cost_sum: 30, hasLogs: true },
      ...{ roots: 3, user_successes: 3, total_tokens: 900 + 3 * 120 },
    });
    expect(await store.filterValuesLlm()).toEqual({
      ...{ providers: ['anthropic', 'openai'], models: ['gpt-5', 'opus'], objects: ['chat_completion', 'embedding'] },
      selected_keys: [{ id: 's', name: 's' }],
      virtual_keys: [
        { id: 'k1', name: 'Key one' },
        { id: 'k2', name: 'Key two' },
      ],
    });
  });

  test('the share of requests that were faster is told within five percent', async () => {
    await using store = await openTestLedger(place);
    const completed = Array.from({ length: 200 }, (_, index) => ({
      start: llmStart({ timestamp: T }),
      end: llmEnd({ latency: (index + 1) * 10 }),
    }));
    await store.write(batch({ completed }));
    const [first] = await store.latenciesLlm({}, 60_000);
    for (const share of [0.5, 0.9, 0.99]) {
      const ratio = percentile(first?.slots ?? new Map(), share) / (share * 2_000_000);
      expect(Math.abs(ratio - 1), String(share)).toBeLessThan(0.05);
    }
  });

  test('an empty ledger answers everything', async () => {
    await using store = await openTestLedger(place);
    expect(await store.listLlm({}, PAGE)).toMatchObject({ logs: [], hasLogs: false, sums: { count: 0 } });
    expect(await store.findLlm('x', 1)).toBeUndefined();
    expect(await store.sumsLlm({ from: 1, to: 2 }, { bucket: 60_000, byModel: true })).toEqual([]);
    expect(await store.spanLlm()).toBeUndefined();
    expect(await store.latenciesLlm({}, 60_000)).toEqual([]);
    expect(await store.removeLlmLogs(['x'])).toBe(0);
  });

  test('whatever a caller sends can be stored: long texts are cut, zero characters replaced', async () => {
    await using store = await openTestLedger(place);
    const random = () => Array.from({ length: 20_000 }, () => String.fromCharCode(33 + Math.random() * 900)).join('');
    const start = llmStart({
      ...{ id: 'odd', model: `a\0b${random()}`, provider: random(), parent_request_id: random(), request_id: random() },
      ...{ input: 'x'.repeat(2 * MAX_CONTENT), params: '\0', metadata: { big: 1n } },
    });
    const error = { code: 'x', message: random() };
    const end = llmEnd({ latency: NaN, cost: Infinity, output: '\0', error, usage: tokenUsage({ total_tokens: NaN }) });
    await store.write(batch({ completed: [{ start, end }] }));
    const stored = await store.findLlm('odd', 1_000_000);
    expect(stored?.model).toMatch(/^a\uFFFDb/);
    expect(stored).toMatchObject({
      latency: 0,
      cost: 0,
      metadata: null,
      input_size: 2 * MAX_CONTENT,
      output: '\uFFFD',
    });
    expect(stored?.input).toHaveLength(MAX_CONTENT);
  });

  test('requests of a dead process become errors of unknown cost; a late end still counts', async () => {
    await using store = await openTestLedger(place);
    await store.write(batch({ started: [llmStart({ id: 'dead', timestamp: T })] }));
    const stale = { node: 'me', startedBefore: T + 1, silenceMs: 60_000 };
    expect(await store.closeStale(stale)).toBe(1);
    expect(await store.findLlm('dead', 1)).toMatchObject({ status: 'error', error_code: 'internal_error', cost: null });
    expect(await store.totalLlm({})).toMatchObject({ count: 1, error: 1, unpriced: 1, running: 0 });
    await store.write(batch({ ended: [{ id: 'dead', end: llmEnd({ cost: 4 }) }] }));
    expect(await store.totalLlm({})).toMatchObject({ count: 1, success: 1, error: 0, unpriced: 0, cost_sum: 4 });
  });

  test('what is old goes with the tool calls; what was deleted stays deleted when it ends', async () => {
    await using store = await openTestLedger(place);
    await store.write(
      batch({ started: ['old', 'gone', 'new'].map((id) => llmStart({ id, timestamp: id === 'old' ? T - 1 : T })) }),
    );
    expect(await store.prune(T)).toBe(1);
    expect(await store.removeLlmLogs(['gone', 'gone', 'never'])).toBe(1);
    await store.write(batch({ ended: ['old', 'gone', 'new'].map((id) => ({ id, end: llmEnd({ output: '{}' }) })) }));
    expect(await ids(store, {})).toEqual(['new']);
    expect(await store.totalLlm({})).toMatchObject({ count: 1 });
  });
});

test('a file, which threads own, takes and gives the same', async () => {
  await using store = await openTestLedger('file');
  await store.write(batch({ completed: [{ start: llmStart({ id: 'a' }), end: llmEnd() }] }));
  expect(await ids(store, {})).toEqual(['a']);
  expect(await store.totalLlm({})).toMatchObject({ count: 1 });
  expect((await store.latenciesLlm({}, 60_000))[0]?.slots.size).toBe(1);
});
