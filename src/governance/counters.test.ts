import fc from 'fast-check';
import { expect, test } from 'vitest';
import { windowAt, type WindowSpec } from '../lib/window.ts';
import type { Charge, CounterState } from '../store/ledger-rows.ts';
import { createCounters, usedIn } from './counters.ts';

const SECOND: WindowSpec = { duration: '1s', isCalendar: false, anchor: 0 };

/** The stored counters, by the rules that counters.ts expects of a ledger. */
class Stored {
  readonly rows = new Map<string, CounterState>();

  add(charges: readonly Charge[]): CounterState[] {
    for (const { counter_id, window_start, amount } of charges) {
      const row = this.rows.get(counter_id);
      if (row !== undefined && row.window_start > window_start) continue;
      const used = row?.window_start === window_start ? row.used : 0;
      this.rows.set(counter_id, { counter_id, window_start, used: used + amount });
    }
    return [...new Set(charges.map(({ counter_id }) => counter_id))].flatMap((id) => this.rows.get(id) ?? []);
  }
}

/** A process whose writes take as long as a test wants, and may fail. */
function createNode(stored: Stored, now: () => number) {
  let queue: Charge[] = [];
  let batch: Charge[] | undefined;
  let committed: CounterState[] | undefined;
  const counters = createCounters({ charge: (charge) => void queue.push(charge), now });
  counters.load([...stored.rows.values()]);
  const step = {
    begin() {
      if (batch !== undefined) return;
      [batch, queue] = [queue, []];
    },
    commit() {
      if (batch !== undefined) committed ??= stored.add(batch);
    },
    fail() {
      if (batch === undefined || committed !== undefined) return;
      queue.unshift(...batch);
      batch = undefined;
    },
    report() {
      if (batch === undefined || committed === undefined) return;
      counters.onStored(committed, batch);
      batch = committed = undefined;
    },
    poll() {
      if (batch === undefined) counters.onStored([...stored.rows.values()], []);
    },
  };
  return {
    counters,
    step,
    use(id: string, amount: number) {
      counters.charge(counters.open(id), windowAt(SECOND, now()), amount);
    },
    used: (id: string) => counters.usage(SECOND, id).used,
    writeAll() {
      step.report();
      step.begin();
      step.commit();
      step.report();
      step.begin();
      step.commit();
      step.report();
    },
  };
}

const id = fc.constantFrom('a', 'b');
const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('use' as const), id, amount: fc.integer({ min: 1, max: 1e6 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('begin', 'commit', 'fail', 'report', 'poll') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const), id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), by: fc.integer({ min: 0, max: 700 }) }) },
);

test('whatever the writes are at, what is used is what was charged in this window since the last reset', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      let time = 0;
      const node = createNode(new Stored(), () => time);
      const history: { id: string; amount: number; window: number }[] = [];
      for (const action of actions) {
        const window = Math.floor(time / 1000);
        if (action.do === 'wait') time += action.by;
        else if (action.do === 'use') {
          node.use(action.id, action.amount);
          history.push({ ...action, window });
        } else if (action.do === 'reset') {
          node.counters.reset([action.id]);
          for (const entry of history) if (entry.id === action.id) entry.amount = 0;
        } else node.step[action.do]();
        for (const id of ['a', 'b']) {
          const present = history.filter((entry) => entry.id === id && entry.window === Math.floor(time / 1000));
          expect(node.used(id)).toBe(present.reduce((sum, { amount }) => sum + amount, 0));
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

test('when all is written and read, all nodes and a new process know the sum of all charges', () => {
  const who = fc.nat({ max: 2 });
  fc.assert(
    fc.property(fc.array(fc.tuple(who, action), { maxLength: 80 }), (actions) => {
      let time = 0;
      const stored = new Stored();
      const nodes = [1, 2, 3].map(() => createNode(stored, () => time));
      const sums = new Map<string, number>();
      for (const [index, action] of actions) {
        const node = nodes[index];
        if (node === undefined || action.do === 'reset') continue;
        if (action.do === 'wait') time += action.by;
        else if (action.do === 'use') {
          node.use(action.id, action.amount);
          const key = `${action.id} ${Math.floor(time / 1000)}`;
          sums.set(key, (sums.get(key) ?? 0) + action.amount);
        } else node.step[action.do]();
      }
      for (const node of nodes) node.writeAll();
      for (const node of nodes) node.step.poll();
      for (const node of [...nodes, createNode(stored, () => time)]) {
        for (const id of ['a', 'b']) expect(node.used(id)).toBe(sums.get(`${id} ${Math.floor(time / 1000)}`) ?? 0);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a charge counts once while its write is under way, after it, and when the write had to be repeated', () => {
  const node = createNode(new Stored(), () => 0);
  node.use('a', 5);
  node.step.begin();
  node.use('a', 7);
  expect(node.used('a')).toBe(12);
  node.step.fail();
  node.step.begin();
  node.use('a', 1);
  node.step.commit();
  expect(node.used('a')).toBe(13);
  node.step.report();
  expect(node.used('a')).toBe(13);
});

test('a reset holds although an older charge is written after it', () => {
  const stored = new Stored();
  const node = createNode(stored, () => 0);
  node.use('a', 5);
  node.step.begin();
  node.counters.reset(['a', 'never used']);
  node.use('a', 2);
  expect(node.used('a')).toBe(2);
  node.step.commit();
  node.step.report();
  expect(node.used('a')).toBe(2);
  node.writeAll();
  expect(node.used('a')).toBe(2);
  expect(stored.rows.get('a')?.used).toBe(2);
  expect(stored.rows.has('never used')).toBe(false);
});

test('a node whose clock is behind counts in the window that another has begun', () => {
  const stored = new Stored();
  const ahead = createNode(stored, () => 1_000);
  const behind = createNode(stored, () => 999);
  behind.use('a', 100);
  behind.writeAll();
  ahead.use('a', 3);
  ahead.writeAll();
  behind.step.poll();
  behind.use('a', 4);
  behind.writeAll();
  ahead.step.poll();
  expect([behind.used('a'), ahead.used('a'), stored.rows.get('a')?.used]).toEqual([7, 7, 7]);
});

test('what is stored of a window that has passed counts no more, and what is still to be written of it neither', () => {
  let time = 0;
  const node = createNode(new Stored(), () => time);
  node.use('a', 5);
  node.step.begin();
  time = 1_000;
  expect(node.counters.usage(SECOND, 'a')).toEqual({ used: 0, window_start: 1_000, window_end: 2_000 });
  node.use('a', 1);
  node.step.commit();
  node.step.report();
  expect(node.used('a')).toBe(1);
});

test('a window that becomes longer keeps what was used since it began, one that becomes shorter begins at 0', () => {
  const now = 7_500;
  const node = createNode(new Stored(), () => now);
  node.use('a', 5);
  const longer = { ...SECOND, duration: '1m' };
  expect(node.counters.usage(longer, 'a').used).toBe(5);
  node.counters.charge(node.counters.open('a'), windowAt(longer, now), 2);
  node.writeAll();
  expect(node.counters.usage(longer, 'a')).toEqual({ used: 7, window_start: 0, window_end: 60_000 });
  const shorter = createCounters({ charge() {}, now: () => now });
  shorter.load([{ counter_id: 'a', window_start: 0, used: 5 }]);
  expect(shorter.usage(SECOND, 'a').used).toBe(0);
});

test('what is reserved stays reserved over a reset and the end of a window', () => {
  let time = 0;
  const node = createNode(new Stored(), () => time);
  const counter = node.counters.open('a');
  node.counters.reserve(counter, 3);
  node.use('a', 1);
  node.counters.reset(['a']);
  time = 5_000;
  expect([counter.pending, usedIn(counter, windowAt(SECOND, time))]).toEqual([3, 0]);
});
