import { setTimeout as wait } from 'node:timers/promises';
import { createCounters, type Counters } from '../../src/governance/counters.ts';
import { createLeases, LEASE_TIMING, type Leases, type LeaseTiming } from '../../src/governance/leases.ts';
import type { Limits } from '../../src/governance/limits.ts';
import { createSharedSpend } from '../../src/governance/shared-spend.ts';
import type { Spend } from '../../src/governance/spend.ts';
import { GatewayError } from '../../src/lib/errors.ts';
import type { LedgerStore } from '../../src/store/ledger/ledger-store.ts';
import { createLedger, type Ledger } from '../../src/telemetry/ledger.ts';
import { openSharedLedger } from './ledger.ts';
import type { SHARED } from './shared.ts';

/** What spends in one process. */
export interface SpendNode extends AsyncDisposable {
  readonly spend: Spend;
  readonly counters: Counters;
  readonly ledger: Ledger;
  readonly leases: Leases;
  /** From now on it says nothing more, as a process that was killed. */
  kill(): void;
}

export interface NodeOptions {
  readonly timing?: Partial<LeaseTiming>;
  readonly now?: () => number;
  /** Stands before each request to the database for leases. */
  readonly beforeAsk?: () => Promise<void> | void;
}

/** An empty ledger on which processes spend. */
export async function openSpendPlace(type: (typeof SHARED)[number]) {
  const stack = new AsyncDisposableStack();
  const { open, ...place } = await openSharedLedger(type);
  stack.use(place);
  const store = await open();
  return {
    store,
    async used(id: string): Promise<number> {
      return (await store.loadCounters([id]))[0]?.used ?? 0;
    },
    async startNode(options: NodeOptions = {}): Promise<SpendNode> {
      const node = await createNode(await open(), options);
      stack.use(node);
      return node;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function createNode(store: LedgerStore, { timing, now = Date.now, beforeAsk }: NodeOptions): Promise<SpendNode> {
  const state = { isKilled: false };
  const silent = new Promise<never>(() => {});
  const ledger = createLedger({
    store: { write: (batch) => (state.isKilled ? silent : store.write(batch)) },
    shared: store,
    intervalMs: 50,
    readMs: 200,
    onError: () => {},
  });
  const counters = createCounters({ charge: (charge) => ledger.charge(charge), now });
  counters.load(await store.loadCounters());
  ledger.onCounters((states, included) => counters.onStored(states, included));
  const leases = createLeases({
    open(options) {
      if (store.openLeases === undefined) throw new Error('this ledger is not shared');
      const own = store.openLeases({ ...options, onRecall: (ids) => state.isKilled || options.onRecall(ids) });
      return {
        ...own,
        async ask(requests) {
          await beforeAsk?.();
          return state.isKilled ? silent : own.ask(requests);
        },
        end: () => own.end(),
      };
    },
    node: ledger.node,
    counters,
    onError: () => {},
    timing: { ...LEASE_TIMING, ...timing },
    now,
  });
  return {
    spend: createSharedSpend({ counters, leases, now }),
    counters,
    ledger,
    leases,
    kill: () => void (state.isKilled = true),
    async [Symbol.asyncDispose]() {
      if (state.isKilled) return;
      await ledger.close();
      await leases.close();
    },
  };
}

export interface Load {
  readonly callers: number;
  readonly calls: number;
  readonly estimate: number;
  /** Of how many calls one fails, and so is free. */
  readonly failing?: number;
  readonly longestMs?: number;
}

/** Lets callers call through a node until so many calls were made or refused. */
export async function spendThrough({ spend }: SpendNode, limits: Limits | undefined, load: Load) {
  const { callers, calls, estimate, failing = Infinity, longestMs = 3 } = load;
  const ends = { succeeded: 0, failed: 0, refused: 0, codes: new Set<string>() };
  let begun = 0;
  const call = async (): Promise<void> => {
    using reservation = await spend.reserve(limits, estimate);
    await wait(Math.random() * longestMs);
    if (Math.random() < 1 / failing) {
      ends.failed += 1;
      return;
    }
    reservation.settle(estimate);
    ends.succeeded += 1;
  };
  const caller = async (): Promise<void> => {
    while (begun < calls) {
      begun += 1;
      await call().catch((error: unknown) => {
        if (!(error instanceof GatewayError)) throw error;
        ends.refused += 1;
        ends.codes.add(error.code);
      });
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return ends;
}
