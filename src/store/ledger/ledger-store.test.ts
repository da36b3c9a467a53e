import { describe, expect, test } from 'vitest';
import {
  callEnd,
  callStart,
  LEDGERS,
  openSharedLedger,
  openTestLedger,
  type TestLedgerStore,
} from '../../../test/kit/ledger.ts';
import type { LedgerBatch } from './batch.ts';
import { MAX_CONTENT } from './column-values.ts';
import type { LogFilter } from './log-filter.ts';
import type { PageRequest } from './read-logs.ts';

let seq = 0;
const batch = (more: Partial<LedgerBatch>): LedgerBatch => {
  seq += 1;
  return { node: 'n1', seq, started: [], ended: [], completed: [], charges: [], ...more };
};
const PAGE: PageRequest = { limit: 50, offset: 0, sort_by: 'timestamp', order: 'desc', preview: 1000 };
const T = 1_750_000_000_000;

async function ids(store: TestLedgerStore, filter: LogFilter, page: Partial<PageRequest> = {}): Promise<string[]> {
  return (await store.list(filter, { ...PAGE, ...page })).logs.map(({ id }) => id);
}

describe.each(LEDGERS)('in %s', (place) => {
  test('a call is stored as it came, running first and ended later', async () => {
    await using store = await openTestLedger(place);
    const start = callStart({ id: 'a', arguments: '{"x":"ü"}', metadata: { a: 1 }, llm_request_id: 'l', app: 'tool' });
    await store.write(batch({ started: [start] }));
    expect(await store.find('a', 99)).toMatchObject({ status: 'processing', latency: null, arguments: '{"x":"ü"}' });

    const end = callEnd({ latency: 1.25, cost: 3_000, result: '{"ok":true}' });
    await store.write(batch({ ended: [{ id: 'a', end }] }));
    expect(await store.find('a', 99)).toMatchObject({
      ...{ id: 'a', status: 'success', latency: 1250, cost: 3000, tool_name: 'echo', server_label: 'files' },
      ...{ arguments: '{"x":"ü"}', arguments_size: 9, result: '{"ok":true}', result_size: 11, metadata: '{"a":1}' },
      ...{ llm_request_id: 'l', app: 'tool', team_id: null, virtual_key_id: 'k1', node: 'n1' },
    });
    expect(await store.total({})).toEqual({ count: 1, success: 1, error: 0, latency: 1250, cost: 3000 });
  });

  test('a batch that is sent again is written once', async () => {
    await using store = await openTestLedger(place);
    const charges = [{ counter_id: 'b', window_start: T, amount: 5 }];
    const again = batch({ completed: [{ start: callStart(), end: callEnd() }], charges });
    const state = [{ counter_id: 'b', window_start: T, used: 5 }];
    expect(await store.write(again)).toEqual(state);
    expect(await store.write(again)).toEqual(state);
    expect((await store.total({})).count).toBe(1);
    expect(await store.write({ ...again, node: 'n2' })).toEqual([{ counter_id: 'b', window_start: T, used: 10 }]);
    expect((await store.total({})).count).toBe(1); // the id is taken, whoever sends it
  });

  test('a counter adds up its window, starts anew with a newer one and ignores an older one', async () => {
    await using store = await openTestLedger(place);
    const charge = (window_start: number, amount: number) =>
      store.write(batch({ charges: [{ counter_id: 'b', window_start, amount }] }));
    const state = (window_start: number, used: number) => [{ counter_id: 'b', window_start, used }];
    expect(await charge(T, 5)).toEqual(state(T, 5));
    expect(await charge(T, 2)).toEqual(state(T, 7));
    expect(await charge(T + 1, 3)).toEqual(state(T + 1, 3));
    expect(await charge(T, 100)).toEqual(state(T + 1, 3));
    const mixed = [T + 2, T + 1, T + 2].map((window_start) => ({ counter_id: 'b', window_start, amount: 1 }));
    expect(await store.write(batch({ charges: mixed }))).toEqual(state(T + 2, 2));

    await store.setCounter({ counter_id: 'b', window_start: T, used: 0 });
    await store.setCounter({ counter_id: 'c', window_start: T, used: 9_007_199_254_740_991 });
    expect(await store.loadCounters(['b', 'none'])).toEqual(state(T, 0));
    expect(await store.loadCounters()).toHaveLength(2);
    await store.removeCounters(['b']);
    expect(await store.loadCounters()).toEqual([{ counter_id: 'c', window_start: T, used: 9_007_199_254_740_991 }]);
  });

  test('counters that changed since the last look are found', async () => {
    await using store = await openTestLedger(place);
    await store.setCounter({ counter_id: 'b', window_start: T, used: 1 });
    const { counters, at } = await store.countersSince(0);
    expect(counters).toEqual([{ counter_id: 'b', window_start: T, used: 1 }]);
    expect(Math.abs(Date.now() - at)).toBeLessThan(60_000);
    expect((await store.countersSince(at)).counters).toHaveLength(1); // a little is told twice rather than never
    expect((await store.countersSince(Date.now() + 60_000)).counters).toEqual([]);
  });

  test('pages follow filters, order and offset, and count everything that is meant', async () => {
    await using store = await openTestLedger(place);
    const call = (id: string, second: number, start = {}, end = {}) => ({
      start: callStart({ id, timestamp: T + second * 1000, ...start }),
      end: callEnd(end),
    });
    await store.write(
      batch({
        completed: [
          call('a', 1, { tool_name: 'read', arguments: '{"path":"/100%_sure"}' }, { latency: 5, cost: 30 }),
          call('b', 2, { server_label: 'web', llm_request_id: 'l1' }, { latency: 15, cost: 10 }),
          call('c', 3, { virtual_key_id: 'k2', virtual_key_name: 'Key two' }, { status: 'error', latency: 25 }),
          call('d', 3, { virtual_key_id: undefined, server_label: undefined }, { result: '"FOUND it"', cost: 20 }),
        ],
        started: [callStart({ id: 'e', timestamp: T + 4000 })],
      }),
    );
    expect(await ids(store, {})).toEqual(['e', 'd', 'c', 'b', 'a']);
    expect(await ids(store, {}, { order: 'asc', limit: 2, offset: 1 })).toEqual(['b', 'c']);
    expect(await ids(store, { tool_names: ['read', 'none'] })).toEqual(['a']);
    expect(await ids(store, { server_labels: ['web'] })).toEqual(['b']);
    expect(await ids(store, { virtual_key_ids: ['k2', 'k3'] })).toEqual(['c']);
    expect(await ids(store, { status: ['processing', 'error'] })).toEqual(['e', 'c']);
    expect(await ids(store, { llm_request_ids: ['l1'] })).toEqual(['b']);
    expect(await ids(store, { from: T + 2000, to: T + 3000 })).toEqual(['d', 'c', 'b']);
    expect(await ids(store, { min_latency: 10, max_latency: 15 })).toEqual(['d', 'b']);
    expect(await ids(store, { content_search: 'found' })).toEqual(['d']);
    expect(await ids(store, { content_search: '100%_S' })).toEqual(['a']);
    expect(await ids(store, { content_search: '%' })).toEqual(['a']);
    expect(await ids(store, {}, { sort_by: 'cost' })).toEqual(['a', 'd', 'b', 'e', 'c']);
    expect(await ids(store, {}, { sort_by: 'latency' })).toEqual(['c', 'b', 'd', 'a', 'e']);
    expect(await ids(store, {}, { sort_by: 'latency', order: 'asc' })).toEqual(['a', 'd', 'b', 'c', 'e']);

    const searched = await store.list({ content_search: 'found' }, PAGE);
    expect(searched).toMatchObject({ hasLogs: true, sums: { count: 1, cost: 20 } });
    expect(await store.list({ tool_names: ['none'] }, PAGE)).toMatchObject({ hasLogs: true, sums: { count: 0 } });
    expect(await store.filterValues()).toEqual({
      tool_names: ['echo', 'read'],
      server_labels: ['files', 'web'],
      virtual_keys: [
        { id: 'k1', name: 'Key one' },
        { id: 'k2', name: 'Key two' },
      ],
    });
  });

  test('an empty ledger answers everything', async () => {
    await using store = await openTestLedger(place);
    expect(await store.list({}, PAGE)).toMatchObject({ logs: [], hasLogs: false, sums: { count: 0 } });
    expect(await store.find('x', 1)).toBeUndefined();
    expect(await store.sums({ from: 1, to: 2 }, { by: 'tool' })).toEqual(new Map());
    expect(await store.filterValues()).toEqual({ tool_names: [], server_labels: [], virtual_keys: [] });
    expect(await store.span()).toBeUndefined();
    expect([await store.prune(T), await store.removeLogs(['x'])]).toEqual([0, 0]);
  });

  test('whatever a caller sends can be stored: long texts are cut, zero characters replaced', async () => {
    await using store = await openTestLedger(place);
    const random = () => Array.from({ length: 20_000 }, () => String.fromCharCode(33 + Math.random() * 900)).join('');
    const odd = callStart({
      ...{ id: 'odd', tool_name: `a\0b${random()}`, virtual_key_id: random(), llm_request_id: random() },
      ...{ arguments: `"${'x'.repeat(2 * MAX_CONTENT)}"`, user_agent: '\uD800\0', metadata: { big: 1n } },
    });
    const end = callEnd({ latency: NaN, cost: Infinity, result: '\0', error: { code: 'x', message: random() } });
    await store.write(batch({ completed: [{ start: odd, end }] }));
    const stored = await store.find('odd', 1_000_000);
    expect(stored?.tool_name).toMatch(/^a\uFFFDb/);
    expect(stored).toMatchObject({ latency: 0, cost: 0, metadata: null, arguments_size: 2 * MAX_CONTENT + 2 });
    expect(stored?.arguments).toHaveLength(MAX_CONTENT);
    const listed = await store.list({}, { ...PAGE, preview: 10 });
    expect(listed.logs[0]?.arguments).toBe('"xxxxxxxxx');
  });

  test('calls of a dead process become errors, others go on; a late end still counts', async () => {
    await using store = await openTestLedger(place);
    const stale = { node: 'me', startedBefore: T - 1000, silenceMs: -60_000 }; // even what was just seen is silent
    await store.write(batch({ started: [callStart({ id: 'dead', timestamp: T })] }));
    await store.write({ ...batch({ started: [callStart({ id: 'mine', timestamp: T })] }), node: 'me' });
    if (place === 'postgres') {
      expect(await store.closeStale({ ...stale, silenceMs: 60_000 })).toBe(0); // a neighbour, seen just now
      expect(await store.closeStale({ ...stale, node: 'x' })).toBe(2);
    } else {
      expect(await store.closeStale(stale)).toBe(1);
      expect(await store.find('mine', 1)).toMatchObject({ status: 'processing' });
      expect(await store.closeStale({ ...stale, startedBefore: T + 1 })).toBe(1);
    }
    expect(await store.find('dead', 1)).toMatchObject({ status: 'error', error_code: 'internal_error' });
    expect(await store.total({})).toMatchObject({ count: 2, success: 0, error: 2 });
    await store.write(batch({ ended: [{ id: 'mine', end: callEnd({ cost: 4 }) }] }));
    expect(await store.total({})).toMatchObject({ count: 2, success: 1, error: 1, cost: 4 });
    expect(await store.find('mine', 1)).toMatchObject({ status: 'success', error_code: null });
  });

  test('a deleted log stays deleted when its call ends', async () => {
    await using store = await openTestLedger(place);
    await store.write(batch({ started: [callStart({ id: 'gone', arguments: '{}' })] }));
    expect(await store.removeLogs(['gone', 'gone', 'never'])).toBe(1);
    await store.write(batch({ ended: [{ id: 'gone', end: callEnd({ result: '{}' }) }] }));
    expect(await store.list({}, PAGE)).toMatchObject({ logs: [], hasLogs: false, sums: { count: 0 } });
  });
});

test('of a file that several processes write to, only calls of those that were silent are closed', async () => {
  await using place = await openSharedLedger('file');
  const [one, other] = [await place.open(), await place.open()];
  await one.write({ ...batch({ started: [callStart({ id: 'a', timestamp: T })] }), node: 'one' });
  const stale = { node: 'other', startedBefore: T - 1000 };
  expect(await other.closeStale({ ...stale, silenceMs: 60_000 })).toBe(0);
  expect(await other.closeStale({ ...stale, silenceMs: -60_000 })).toBe(1); // even what was just seen is silent
  expect(await one.find('a', 1)).toMatchObject({ status: 'error', error_code: 'internal_error' });
});
