import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LeaseModel } from '../../test/kit/lease-model.ts';
import { rate, holder } from '../../test/kit/limits.ts';
import { windowAt } from '../lib/window.ts';
import type { LeaseAnswer, LeaseRequest } from '../store/ledger/lease-store.ts';
import type { Charge } from '../store/ledger-rows.ts';
import { createCounters } from './counters.ts';
import { Lease } from './lease.ts';
import { compileLimits, type Meter } from './limits.ts';

const MAX = 12;
const MOST = 5;
const SPEC = { duration: '1m', isCalendar: false, anchor: 0 };

/** The limit is on requests, but a call of this test may take more than one. */
function newMeter(): Meter {
  const limits = compileLimits([
    holder('team', [], rate('r', { request_max_limit: MAX, request_reset_duration: SPEC.duration })),
  ]);
  const [meter] = limits?.meters ?? [];
  if (meter === undefined) throw new Error('no limit');
  return meter;
}

/** A process whose requests take as long as a test wants, and may be lost before or after they reached the database. */
class Node {
  readonly name: string;
  readonly meter = newMeter();
  readonly #database: LeaseModel;
  readonly #clock: { time: number };
  readonly #charges: Charge[] = [];
  readonly counters;
  readonly lease: Lease;
  readonly open: number[] = [];
  readonly #ended: { readonly window: number; readonly amount: number }[] = [];
  #sent: LeaseRequest | undefined;
  #answer: LeaseAnswer | undefined;

  constructor(name: string, database: LeaseModel, clock: { time: number }) {
    this.name = name;
    this.#database = database;
    this.#clock = clock;
    this.counters = createCounters({ charge: (charge) => void this.#charges.push(charge), now: () => clock.time });
    this.lease = new Lease(this.counters.open(this.meter.counter_id), this.meter);
  }

  call(need: number): boolean {
    const isCovered = this.lease.covers(this.meter, need, this.#clock.time);
    if (isCovered) {
      this.counters.reserve(this.lease.counter, need);
      this.open.push(need);
    } else this.lease.want(need);
    return isCovered;
  }

  /** The call ends: having used all that it reserved, a part of it, or nothing. */
  end(which: number, share: number): void {
    const [need] = this.open.splice(which % Math.max(1, this.open.length), 1);
    if (need === undefined) return;
    this.counters.reserve(this.lease.counter, -need);
    const amount = Math.ceil(need * share);
    const window = windowAt(SPEC, this.#clock.time);
    this.#ended.push({ window: window.start, amount });
    if (amount > 0) this.counters.charge(this.lease.counter, window, amount);
  }

  send(): void {
    this.#sent ??= this.lease.request(this.#clock.time, this.#clock.time);
  }

  execute(): void {
    if (this.#sent !== undefined) this.#answer ??= this.#database.ask(this.name, this.#sent);
  }

  answer(): void {
    if (this.#sent === undefined || this.#answer === undefined) return;
    this.lease.apply(this.#sent, this.#answer, this.#clock.time);
    if (this.#answer.window_start > this.#sent.window_start) {
      this.counters.begin(this.lease.counter, this.#answer.window_start);
    }
    this.lost();
  }

  lost(): void {
    this.#sent = this.#answer = undefined;
  }

  store(): void {
    for (const { window_start, amount } of this.#charges.splice(0)) {
      this.#database.charge(this.name, window_start, amount);
    }
  }

  recall(): void {
    this.lease.recall(this.#clock.time, this.#clock.time);
  }

  look(): void {
    this.lease.look(this.#clock.time, this.#clock.time, true);
  }

  /** Silent for so long that others get what it holds. Not in the middle of anything, for that would be lost. */
  lapse(): void {
    if (this.open.length > 0 || this.#charges.length > 0) return;
    this.lost();
    this.lease.drop();
    this.#database.lose(this.name);
  }

  /** One whole request. */
  ask(): void {
    this.execute();
    this.answer();
    this.send();
    this.execute();
    this.answer();
  }

  /** The largest call of this window: what it took, or may take if it still runs. */
  get largest(): number {
    const { start } = windowAt(SPEC, this.#clock.time);
    const ended = this.#ended.filter(({ window }) => window === start).map(({ amount }) => amount);
    return Math.max(0, ...ended, ...this.open);
  }

  /** Used and reserved in the window of now. */
  get spent(): number {
    const { windowStart, charged, pending } = this.lease.counter;
    return (windowStart === windowAt(SPEC, this.#clock.time).start ? charged : 0) + pending;
  }
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('call' as const), need: fc.integer({ min: 1, max: MOST }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(), share: fc.constantFrom(0, 0.5, 1) }),
  },
  { weight: 9, arbitrary: fc.record({ do: fc.constantFrom('send', 'execute', 'answer', 'ask', 'store') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('lost', 'recall', 'look', 'lapse') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), by: fc.nat(40_000) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function run(node: Node, step: Step): void {
  if (step.do === 'call') node.call(step.need);
  else if (step.do === 'end') node.end(step.which, step.share);
  else if (step.do !== 'wait') node[step.do]();
}

test('in any order of calls, requests, losses and windows all processes together overspend by one call at most', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 2 }), step), { maxLength: 120, size: 'max' }), (steps) => {
      const clock = { time: 0 };
      const database = new LeaseModel();
      const nodes = ['a', 'b', 'c'].map((name) => new Node(name, database, clock));
      for (const [index, step] of steps) {
        const node = nodes[index];
        if (step.do === 'wait') clock.time += step.by;
        else if (node !== undefined) run(node, step);
        const largest = Math.max(...nodes.map((node) => node.largest));
        expect(sumOf(nodes)).toBeLessThan(MAX + Math.max(1, largest));
      }
      checkNoneIsRefused(nodes);
    }),
    { numRuns: 1_000 },
  );
});

/** While anything is left, a call is let through as soon as the others have handed back what they do not need. */
function checkNoneIsRefused(nodes: readonly Node[]): void {
  for (const node of nodes) {
    node.store();
    node.ask();
  }
  for (const node of nodes) {
    for (const other of nodes) {
      other.recall();
      other.ask();
    }
    const isAnythingLeft = sumOf(nodes) < MAX;
    const isCovered = node.call(MOST);
    if (!isCovered) node.ask();
    expect(isCovered || node.call(MOST)).toBe(isAnythingLeft);
    if (isAnythingLeft) node.end(node.open.length - 1, 0);
  }
}

const sumOf = (nodes: readonly Node[]): number => nodes.reduce((sum, { spent }) => sum + spent, 0);
