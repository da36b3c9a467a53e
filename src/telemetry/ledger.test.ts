import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { callEnd, callStart, openTestLedger, unexpected } from '../../test/kit/ledger.ts';
import type { LedgerBatch } from '../store/ledger/batch.ts';
import { LedgerError } from '../store/ledger/faults.ts';
import { openLedgerStore } from '../store/ledger/open-ledger-store.ts';
import { createLedger } from './ledger.ts';

const LONG = 3_600_000;
const charge = { counter_id: 'b', window_start: 1, amount: 1 };

/** A store whose writes fail as long as the test says. */
async function openFailing() {
  const store = await openTestLedger('memory');
  const state = { fault: undefined as LedgerError | undefined, batches: [] as LedgerBatch[] };
  const write = (batch: LedgerBatch) => {
    state.batches.push(batch);
    return state.fault === undefined ? store.write(batch) : Promise.reject(state.fault);
  };
  return { ...store, state, failing: { write } };
}

describe('the ledger', () => {
  test('writes calls and charges together, once a flush', async () => {
    await using store = await openTestLedger('memory');
    const ledger = createLedger({ store, intervalMs: LONG, onError: unexpected });
    const heard: unknown[] = [];
    const stop = ledger.onRow((start, end) => heard.push([start.id, end?.status]));
    ledger.onCounters((states) => heard.push(states));
    const [a, b] = [ledger.begin(callStart({ id: 'a' })), ledger.begin(callStart({ id: 'b' }))];
    ledger.charge(charge);
    ledger.charge({ ...charge, amount: 2 });
    a.end(callEnd());
    a.end(callEnd({ status: 'error' }));
    await ledger.flush();
    expect(await store.total({})).toMatchObject({ count: 2, success: 1, error: 0 });
    stop();
    b.end(callEnd({ status: 'error' }));
    await ledger.flush();
    expect(await store.total({})).toMatchObject({ count: 2, success: 1, error: 1 });
    expect(heard).toEqual([
      ['a', undefined],
      ['b', undefined],
      ['a', 'success'],
      [{ counter_id: 'b', window_start: 1, used: 3 }],
    ]);
    await ledger.close();
  });

  test('writes by itself after the interval', async () => {
    await using store = await openTestLedger('memory');
    const ledger = createLedger({ store, intervalMs: 5, onError: unexpected });
    const stored = new Promise((resolve) => void ledger.onCounters(resolve));
    ledger.begin(callStart()).end(callEnd());
    ledger.charge(charge);
    await stored;
    expect((await store.total({})).count).toBe(1);
  });

  test('writes in portions when much comes at once, and a flush waits for all of them', async () => {
    const { failing, state, ...store } = await openFailing();
    const ledger = createLedger({ store: failing, intervalMs: LONG, onError: unexpected });
    for (let index = 0; index < 2000; index += 1) {
      const entry = ledger.begin(callStart());
      ledger.charge(charge);
      entry.end(callEnd({ cost: 1 }));
    }
    await Promise.all([ledger.flush(), ledger.flush()]);
    expect(await store.total({})).toMatchObject({ count: 2000, cost: 2000 });
    expect(state.batches.length).toBeGreaterThan(1);
    for (const { completed, charges } of state.batches) expect(charges[0]?.amount).toBe(completed.length);
    await store.close();
  });

  test('keeps what a failing database does not take, and sends the same batch again', async () => {
    const { failing, state, ...store } = await openFailing();
    const errors: unknown[] = [];
    const ledger = createLedger({ store: failing, intervalMs: LONG, onError: (error) => errors.push(error) });
    state.fault = new LedgerError('gone', 'place');
    const entry = ledger.begin(callStart({ id: 'a' }));
    ledger.charge(charge);
    await expect(ledger.flush()).rejects.toThrow('gone');
    entry.end(callEnd()); // after its beginning was sent
    ledger.charge(charge);
    await expect(ledger.flush()).rejects.toThrow('gone');
    expect(errors).toHaveLength(2);
    expect(state.batches[1]).toEqual(state.batches[0]);

    state.fault = undefined;
    await ledger.close();
    expect(state.batches.at(-1)?.seq).toBe(2);
    expect(await store.total({})).toMatchObject({ count: 1, success: 1 });
    expect(await store.loadCounters()).toEqual([{ counter_id: 'b', window_start: 1, used: 2 }]);
    expect(ledger.dropped).toBe(0);
    await store.close();
  });

  test('gives up rows that can never be written, but not the charges beside them', async () => {
    const { failing, state, ...store } = await openFailing();
    const write = async (batch: LedgerBatch) => {
      if (batch.completed.length > 0) throw new LedgerError('bad', 'data');
      return failing.write(batch);
    };
    const ledger = createLedger({ store: { write }, intervalMs: LONG, onError: () => {} });
    ledger.begin(callStart()).end(callEnd());
    ledger.charge(charge);
    await ledger.flush();
    expect(ledger.dropped).toBe(1);
    expect(state.batches).toHaveLength(1);
    expect(await store.loadCounters()).toMatchObject([{ used: 1 }]);
    await store.close();
  });

  test('drops contents, then rows, but no charge when the database is away for long', async () => {
    const { failing, state, ...store } = await openFailing();
    const ledger = createLedger({ store: failing, intervalMs: LONG, onError: () => {} });
    state.fault = new LedgerError('gone', 'place');
    await ledger.flush();
    const start = callStart({ arguments: '{}' });
    for (let index = 0; index < 200_100; index += 1) {
      const entry = ledger.begin({ ...start, id: String(index) });
      ledger.charge(charge);
      entry.end(callEnd({ result: '{}' }));
    }
    expect(ledger.dropped).toBe(100);
    await expect(ledger.flush()).rejects.toThrow('gone');

    let [rows, contents, used] = [0, 0, 0];
    failing.write = async ({ completed, charges }) => {
      rows += completed.length;
      for (const { start, end } of completed) contents += Number(Boolean(start.arguments ?? end.result));
      for (const { amount } of charges) used += amount;
      return [];
    };
    await ledger.flush();
    expect([rows, used]).toEqual([200_000, 200_100]);
    expect(contents).toBeLessThan(1000); // those that were on their way
    await store.close();
  });

  test('logs no calls when logging is off; charges count all the same', async () => {
    await using store = await openTestLedger('memory');
    const ledger = createLedger({ store, onError: unexpected, isLogging: () => false });
    ledger.onRow(() => expect.fail());
    ledger.begin(callStart()).end(callEnd());
    ledger.charge(charge);
    await ledger.close();
    expect((await store.total({})).count).toBe(0);
    expect(await store.loadCounters()).toHaveLength(1);
  });

  test('survives kill -9: rows and counters lose the same calls, and none that was reported as stored', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'asbru-ledger-'));
    const path = join(folder, 'logs.db');
    const script = fileURLToPath(new URL('../../test/kit/ledger-process.ts', import.meta.url));
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    let [stored, called, reports] = [0, 0, 0];
    for await (const line of createInterface({ input: child.stdout })) {
      const [word, count] = line.split(' ');
      if (word === 'called') called = Number(count);
      else {
        stored = Number(count);
        reports += 1;
      }
      // In the middle of an interval, so that something is lost.
      if (reports >= 4 && called > stored + 60) child.kill('SIGKILL');
    }
    await exited;

    const store = await openLedgerStore({ type: 'sqlite', path });
    const { count, success, cost } = await store.total({});
    const [counter] = await store.loadCounters(['budget']);
    const rows = await store.sums({ min_latency: 0 }, { by: 'nothing' });
    await store.close();
    await rm(folder, { recursive: true, force: true });
    expect(counter?.used).toBe(count);
    expect([success, cost, rows.get('')?.count]).toEqual([count, count, count]);
    expect(count).toBeGreaterThanOrEqual(stored);
    expect(count).toBeLessThanOrEqual(called + 20);
    expect(stored).toBeGreaterThan(0);
  });
});
