import { expect, test } from 'vitest';
import { callEnd, callStart, llmEnd, llmStart, openTestLedger, tokenUsage, unexpected } from '../../test/kit/ledger.ts';
import type { LedgerBatch } from '../store/ledger/batch.ts';
import { LedgerError } from '../store/ledger/faults.ts';
import { createLedger } from './ledger.ts';
import { createWaitingLlm } from './waiting-llm.ts';

const LONG = 3_600_000;

test('requests to models are written with the calls and charges of the same moment', async () => {
  await using store = await openTestLedger('memory');
  const batches: LedgerBatch[] = [];
  const write = (batch: LedgerBatch) => {
    batches.push(batch);
    return store.write(batch);
  };
  const ledger = createLedger({ store: { write }, intervalMs: LONG, onError: unexpected });
  const heard: unknown[] = [];
  const stop = ledger.onLlmRow((start, end) => heard.push([start.id, end?.status]));
  ledger.begin(callStart()).end(callEnd());
  const [a, b] = [ledger.beginLlm(llmStart({ id: 'a' })), ledger.beginLlm(llmStart({ id: 'b' }))];
  ledger.charge({ counter_id: 'x', window_start: 1, amount: 7 });
  a.end(llmEnd());
  a.end(llmEnd({ status: 'error' }));
  expect(ledger.waiting).toBe(3);
  await ledger.flush();
  expect(batches).toHaveLength(1);
  expect(ledger.waiting).toBe(0);
  expect(await store.totalLlm({})).toMatchObject({ count: 1, success: 1, running: 1 });
  stop();
  b.end(llmEnd({ status: 'error', cost: undefined, usage: tokenUsage({ total_tokens: 5 }) }));
  await ledger.close();
  expect(await store.totalLlm({})).toMatchObject({ count: 2, success: 1, error: 1, running: 0, unpriced: 1 });
  expect(await store.total({})).toMatchObject({ count: 1 });
  expect(heard).toEqual([
    ['a', undefined],
    ['b', undefined],
    ['a', 'success'],
  ]);
});

test('rows that can never be written are given up, and the charges beside them are not', async () => {
  await using store = await openTestLedger('memory');
  const write = (batch: LedgerBatch) =>
    batch.llm === undefined ? store.write(batch) : Promise.reject(new LedgerError('no', 'data'));
  const ledger = createLedger({ store: { write }, intervalMs: LONG, onError: () => {} });
  ledger.beginLlm(llmStart()).end(llmEnd());
  ledger.charge({ counter_id: 'x', window_start: 1, amount: 7 });
  await ledger.close();
  expect(ledger.dropped).toBe(1);
  expect(await store.loadCounters()).toEqual([{ counter_id: 'x', window_start: 1, used: 7 }]);
});

test('where nothing is logged, requests to models are not either', async () => {
  await using store = await openTestLedger('memory');
  const ledger = createLedger({ store, onError: unexpected, isLogging: () => false });
  ledger.beginLlm(llmStart()).end(llmEnd());
  await ledger.close();
  expect(await store.totalLlm({})).toMatchObject({ count: 0 });
});

test('too much text, and then too many rows, are left out until some are stored', () => {
  const waiting = createWaitingLlm(3, 10);
  const first = waiting.begin(llmStart({ input: '12345678' }));
  const second = waiting.begin(llmStart({ input: '12345678' }));
  expect([first.start.input, second.start.input]).toEqual(['12345678', undefined]);
  const batch = waiting.seal();
  expect(batch?.started).toHaveLength(2);
  expect(waiting.end(first, llmEnd({ output: '12345' }))).toBe(true);
  expect(waiting.end(second, llmEnd())).toBe(true);
  expect([waiting.rows, waiting.dropped]).toEqual([3, 1]);
  expect(waiting.begin(llmStart()).place).toBe('dropped');
  if (batch !== undefined) waiting.forget(batch);
  expect(waiting.rows).toBe(1);
  expect(waiting.begin(llmStart({ input: '12345678' })).start.input).toBe('12345678');
  const last = waiting.seal();
  expect(last?.ended.map(({ end }) => end.output)).toEqual([undefined]);
  expect(waiting.seal()).toBeUndefined();
});
