import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LeaseModel } from '../../../test/kit/lease-model.ts';
import { openSharedLedger } from '../../../test/kit/ledger.ts';
import { SHARED } from '../../../test/kit/shared.ts';
import { waitFor } from '../../../test/kit/wait.ts';
import type { LeaseRequest, LeaseStore } from './lease-store.ts';

const NODES = ['a', 'b', 'c'] as const;
type Name = (typeof NODES)[number];

/** A ledger with the leases of some processes, and a look behind them. */
async function openPlace(type: (typeof SHARED)[number]) {
  const stack = new AsyncDisposableStack();
  const { open, query } = stack.use(await openSharedLedger(type));
  const store = await open();
  const recalls: (readonly [Name, readonly string[]])[] = [];
  let seq = 0;
  return {
    recalls,
    query,
    async open(node: Name): Promise<LeaseStore> {
      const { openLeases } = await open();
      if (openLeases === undefined) throw new Error('this ledger is not shared');
      const onRecall = (ids: readonly string[]) => void recalls.push([node, ids]);
      const leases = openLeases({ node, lifetimeMs: 60_000, timeoutMs: 10_000, onRecall });
      stack.defer(() => leases.end());
      return leases;
    },
    async charge(node: Name, counter_id: string, window_start: number, amount: number, reset?: number) {
      seq += 1;
      const charges = [{ counter_id, window_start, amount, reset }];
      await store.write({ node, seq, started: [], ended: [], completed: [], charges });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const request = (more: Partial<LeaseRequest> = {}): LeaseRequest => ({
  ...{ counter_id: 'x', window_start: 0, max: 100, keep: 0, owed: 0, first: 0, want: 0, share: 0 },
  ...more,
});

const name = fc.constantFrom(...NODES);
const window_start = fc.nat({ max: 2 });
const asking = fc
  .record({
    ...{ window_start, owed: fc.nat(30), first: fc.nat(10), share: fc.constantFrom(0, 1, 4) },
    ...{ kept: fc.nat(10), more: fc.nat(20), max: fc.constantFrom(50, 100) },
  })
  .map(({ kept, more, ...rest }) => request({ ...rest, keep: rest.owed + kept, want: rest.first + more }));
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('ask' as const), name, request: asking }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('charge' as const),
      name,
      window_start,
      amount: fc.integer({ min: 1, max: 20 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), name }) },
);

describe.each(SHARED)('on %s', (type) => {
  test('the database grants what the model grants', async () => {
    await using place = await openPlace(type);
    const stores = new Map<Name, LeaseStore>();
    for (const name of NODES) stores.set(name, await place.open(name));
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), async (steps) => {
        const counter_id = `x${(run += 1)}`;
        await place.query('delete from lease_nodes');
        const model = new LeaseModel();
        for (const step of steps) {
          if (step.do === 'charge') {
            await place.charge(step.name, counter_id, step.window_start, step.amount);
            model.charge(step.name, step.window_start, step.amount);
          } else if (step.do === 'lose') {
            // Whoever asks next finds it out.
            const other = NODES.find((name) => name !== step.name && model.alive.has(name));
            if (other === undefined) continue;
            await place.query(`update lease_nodes set expires_at = 0 where node = '${step.name}'`);
            await stores.get(other)?.ask([]);
            model.lose(step.name);
          } else {
            const asked = { ...step.request, counter_id };
            const expected = model.ask(step.name, asked);
            const reply = await stores.get(step.name)?.ask([asked]);
            expect(reply?.answers).toEqual([expected]);
            expect(reply?.nodes).toBe(model.alive.size);
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  test('a request that comes after a later one changes nothing', async () => {
    await using place = await openPlace(type);
    const [early, late] = [await place.open('a'), await place.open('a')];
    await late.ask([]);
    await late.ask([request({ want: 5 })]);
    await expect(early.ask([request({ want: 50 })])).rejects.toThrow('too late');
    const granted = await place.query('select cast(granted as integer) as granted from counter_leases');
    expect(granted).toEqual([{ granted: 5 }]);
  });

  test('a process that was silent for too long holds nothing, and is told so when it comes back', async () => {
    await using place = await openPlace(type);
    const [a, b] = [await place.open('a'), await place.open('b')];
    await a.ask([request({ want: 70 })]);
    expect((await b.ask([request({ want: 70 })])).answers).toMatchObject([
      { granted: 30, held: 70, spare: 70, room: 0 },
    ]);
    await place.query(`update lease_nodes set expires_at = expires_at - 70000 where node = 'a'`);
    const reply = await b.ask([request({ keep: 30, owed: 30, want: 70 })]);
    expect(reply).toMatchObject({ nodes: 1, answers: [{ granted: 100, held: 0 }] });
    const back = await a.ask([request({ keep: 70, owed: 2, want: 10 })]);
    expect(back).toMatchObject({ wasLost: true, nodes: 2, answers: [{ granted: 2, held: 100, room: -2 }] });
    expect((await a.ask([])).wasLost).toBe(false);
  });

  test('a recall reaches the other processes, and what one gives back at its end is free', async () => {
    await using place = await openPlace(type);
    const [a, b] = [await place.open('a'), await place.open('b')];
    await a.ask([request({ want: 100 })]);
    await b.ask([]);
    const ids = Array.from({ length: 100 }, (_, index) => `counter ${index}`);
    await b.recall(ids);
    await waitFor(() => place.recalls.flatMap(([, found]) => found).length >= ids.length, 'the recall');
    expect(new Set(place.recalls.map(([name]) => name))).toEqual(new Set(['a']));
    expect(place.recalls.flatMap(([, found]) => found)).toEqual(ids);
    await a.end();
    expect((await b.ask([request({ want: 100 })])).answers).toMatchObject([{ granted: 100, held: 0 }]);
  });

  test('what is stored leaves the lease in the same moment; what is set to zero leaves no lease', async () => {
    await using place = await openPlace(type);
    const [a, b] = [await place.open('a'), await place.open('b')];
    await a.ask([request({ want: 40 })]);
    await place.charge('a', 'x', 0, 30);
    expect((await b.ask([request()])).answers).toMatchObject([{ used: 30, held: 10, room: 60 }]);
    await place.charge('b', 'x', 0, -30, -30);
    expect((await b.ask([request()])).answers).toMatchObject([{ used: 0, held: 10, room: 90 }]);
    await place.charge('a', 'x', 0, -20, -20); // at the same time as the other
    expect((await b.ask([request()])).answers).toMatchObject([{ used: 0, held: 10, room: 90 }]);
    await place.charge('a', 'y:tokens', 0, 30);
    expect(await place.query(`select counter_id from counter_leases where node = 'a'`)).toEqual([{ counter_id: 'x' }]);
  });
});

test('a connection that broke meanwhile is made again, and hears recalls again', async () => {
  await using place = await openPlace('postgres');
  const [a, b] = [await place.open('a'), await place.open('b')];
  await a.ask([request({ want: 40 })]);
  await place.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'asbru listener' and datname = current_database()`);
  expect((await a.ask([request({ keep: 40, owed: 3 })])).answers).toMatchObject([{ granted: 40 }]);
  await b.recall(['x']);
  await waitFor(() => place.recalls.length > 0, 'the recall');
  expect(place.recalls).toEqual([['a', ['x']]]);
});
