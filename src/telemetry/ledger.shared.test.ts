import { expect, test } from 'vitest';
import type { Charge, CounterState } from '../store/ledger-rows.ts';
import { LedgerError } from '../store/ledger/faults.ts';
import type { LedgerStore } from '../store/ledger/ledger-store.ts';
import { openLedgerStore } from '../store/ledger/open-ledger-store.ts';
import { createLedger } from './ledger.ts';

const LONG = 60_000;
const charge = (amount: number): Charge => ({ counter_id: 'b', window_start: 1, amount });
const used = (amount: number): CounterState => ({ counter_id: 'b', window_start: 1, used: amount });

type Heard = readonly [states: readonly CounterState[], included: readonly Charge[]];

async function openShared() {
  const store = await openLedgerStore({ type: 'sqlite', path: ':memory:' });
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
}

/** A process on a store that others write to. Nothing happens in it by itself. */
function createNode(store: Pick<LedgerStore, 'write' | 'countersSince'>) {
  const ledger = createLedger({ store, shared: store, intervalMs: LONG, readMs: LONG, onError: () => {} });
  const heard: Heard[] = [];
  ledger.onCounters((...report) => void heard.push(report));
  return { ...ledger, heard };
}

test('hears what others stored, with nothing of its own among it', async () => {
  await using store = await openShared();
  const [own, other] = [createNode(store), createNode(store)];
  other.charge(charge(2));
  await other.flush();
  await own.refresh();
  own.charge(charge(3));
  await own.flush();
  expect(own.heard).toEqual([
    [[used(2)], []],
    [[used(5)], [charge(3)]],
  ]);
  await other.refresh();
  expect(other.heard.at(-1)).toEqual([[used(5)], []]);
});

test('writes what waits before it reads, and reads anew for each that asks', async () => {
  await using store = await openShared();
  const own = createNode(store);
  own.charge(charge(1));
  const flushed = own.flush();
  await Promise.all([own.refresh(), flushed]);
  expect(own.heard).toEqual([
    [[used(1)], [charge(1)]],
    [[used(1)], []],
  ]);
});

test('does not read while it does not know whether a write was stored', async () => {
  await using store = await openShared();
  const state = { isAnswerLost: true };
  const own = createNode({
    countersSince: store.countersSince,
    async write(batch) {
      const states = await store.write(batch);
      if (state.isAnswerLost) throw new LedgerError('the connection broke', 'place');
      return states;
    },
  });
  own.charge(charge(4));
  await expect(own.flush()).rejects.toThrow('the connection broke');
  await expect(own.refresh()).rejects.toThrow('the connection broke');
  expect(own.heard).toEqual([]);
  state.isAnswerLost = false;
  await own.refresh();
  expect(own.heard).toEqual([
    [[used(4)], [charge(4)]],
    [[used(4)], []],
  ]);
});

test('a read that fails is told to those who asked, and stops no write', async () => {
  await using store = await openShared();
  const countersSince = () => Promise.reject(new LedgerError('unreachable', 'place'));
  const own = createNode({ write: store.write, countersSince });
  await expect(own.refresh()).rejects.toThrow('unreachable');
  own.charge(charge(1));
  await own.flush();
  expect(own.heard).toEqual([[[used(1)], [charge(1)]]]);
});

test('in a process alone there is nothing to read', async () => {
  await using store = await openShared();
  const ledger = createLedger({ store, intervalMs: LONG, onError: () => {} });
  const heard: unknown[] = [];
  ledger.onCounters((states) => void heard.push(states));
  ledger.charge(charge(1));
  await ledger.flush();
  await ledger.refresh();
  expect(heard).toHaveLength(1);
});
