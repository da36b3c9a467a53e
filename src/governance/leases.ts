import type { LeaseReply, LeaseRequest, LeaseStore, LeaseStoreOptions } from '../store/ledger/lease-store.ts';
import type { Counters } from './counters.ts';
import { Lease } from './lease.ts';
import type { Meter } from './limits.ts';

/*
 * How processes that share nothing but a database keep to one limit.
 *
 * A process reserves only what it has leased from the database, which grants what nobody has used and nobody holds. So all of them
 * together go over a budget by one call at most, as one process alone does, and never over a number of requests. A lease is spent
 * in memory; more is asked for before it runs out, and only when it has run out does a call wait for the database.
 *
 * - Near the limit leases shrink to single calls. Whoever needs what another process holds unused recalls it, and has it a few
 *   milliseconds later. What was not needed for a few seconds is handed back.
 * - A process that is silent for `lifetimeMs` by the clock of the database holds nothing any more. It stops spending its leases
 *   `marginMs` before that by its own clock, counted from when it last asked.
 * - While the database cannot be reached, each process goes on with what it has leased, and with an equal part of what it last
 *   knew to be left, in every window. Refusing everything would make the database a part of every call; going on without a bound
 *   would make a budget none.
 */

/** What this process has leased of all counters. */
export interface Leases {
  /** Whether there is room for so much, here and now. */
  covers(meter: Meter, need: number, time: number): boolean;
  /** Whether it is known that there is no room. */
  isFull(meter: Meter, time: number): boolean;
  /** Asks the database for room; settles when it has answered or cannot be reached. */
  obtain(meters: readonly Meter[], needOf: (meter: Meter) => number): Promise<void>;
  /** Nothing came of asking for room. */
  giveUp(meter: Meter): void;
  /** What all have used and others hold, as the database said last. */
  standing(meter: Meter): { readonly used: number; readonly held: number } | undefined;
  /** True while the database cannot be reached. */
  readonly isAlone: boolean;
  /** How many processes share the limits, as the database said last. */
  readonly nodes: number;
  /** Hands everything back. To be called when all charges are stored. */
  close(): Promise<void>;
}

/** How patient processes are with each other. */
export interface LeaseTiming {
  /** How often to look after leases, and to show that this process lives. */
  readonly lookMs: number;
  readonly lifetimeMs: number;
  readonly marginMs: number;
  /** A database that takes longer cannot be reached. */
  readonly timeoutMs: number;
  /** How long not to wait once more for what a process does not hand back. */
  readonly giveUpMs: number;
}

/** What holds unless a test says otherwise. */
export const LEASE_TIMING: LeaseTiming = {
  ...{ lookMs: 1_000, lifetimeMs: 6_000, marginMs: 1_000 },
  ...{ timeoutMs: 3_000, giveUpMs: 500 },
};
const RETRY_MS = 250;
/** How often a process that was recalled looks for what calls have given back, and how often another recalls it. */
const TIGHT_MS = 20;
const MAX_REQUESTS = 200;

interface LeasesDeps {
  readonly open: (options: LeaseStoreOptions) => LeaseStore;
  readonly node: string;
  readonly counters: Counters;
  readonly onError: (error: unknown) => void;
  readonly timing?: LeaseTiming;
  readonly now?: () => number;
}

/** Opens the leases of this process. */
export function createLeases(deps: LeasesDeps): Leases {
  const { open, node, counters, onError, timing = LEASE_TIMING, now = Date.now } = deps;
  const store = open({ ...timing, node, onRecall: recalled });
  const leases = new Map<string, Lease>();
  const due = new Set<Lease>();
  const recalledAt = new Map<string, number>();
  const tight = new Set<Lease>();
  const clock = () => performance.now();
  let next = Promise.withResolvers<void>();
  let working: Promise<void> | undefined;
  let aliveUntil = -Infinity;
  let nodes = 1;
  let isAlone = false;
  let hasAnswered = false;
  let isClosed = false;
  let [retry, tightLook]: (NodeJS.Timeout | undefined)[] = [];
  const looking = setInterval(look, timing.lookMs).unref();
  void ask();

  function leaseOf(meter: Meter): Lease {
    let lease = leases.get(meter.counter_id);
    if (lease === undefined) {
      lease = new Lease(counters.open(meter.counter_id), meter);
      leases.set(meter.counter_id, lease);
    }
    return lease;
  }

  /** Asks for what is due, in one request with all that comes until it is sent. Settles when it was answered, or could not be. */
  function ask(): Promise<void> {
    const answered = next.promise;
    working ??= work().finally(() => {
      working = undefined;
      if (due.size > 0 && !isClosed) void ask();
    });
    return answered;
  }

  async function work(): Promise<void> {
    await Promise.resolve(); // whoever asks in the same moment is taken along
    do {
      const answered = next;
      next = Promise.withResolvers();
      await askFor().catch(failed);
      answered.resolve();
    } while (due.size > 0);
  }

  async function askFor(): Promise<void> {
    if (clock() > aliveUntil) for (const lease of leases.values()) lease.drop();
    if (isAlone || clock() > aliveUntil) for (const lease of leases.values()) due.add(lease);
    const all = [...due];
    due.clear();
    for (let from = 0; from === 0 || from < all.length; from += MAX_REQUESTS) {
      const some = all.slice(from, from + MAX_REQUESTS);
      const sentAt = clock();
      const requests = some.map((lease) => lease.request(now(), sentAt));
      apply(some, requests, await store.ask(requests));
      aliveUntil = sentAt + timing.lifetimeMs - timing.marginMs;
    }
    isAlone = false;
    hasAnswered = true;
  }

  function apply(asked: readonly Lease[], requests: readonly LeaseRequest[], reply: LeaseReply): void {
    ({ nodes } = reply);
    if (reply.wasLost) {
      for (const lease of leases.values()) {
        lease.drop();
        due.add(lease);
      }
    }
    const answers = new Map(reply.answers.map((answer) => [answer.counter_id, answer]));
    const wanted: string[] = [];
    for (const [index, lease] of asked.entries()) {
      const request = requests[index];
      const answer = answers.get(lease.counter.id);
      if (request === undefined || answer === undefined) continue;
      if (lease.apply(request, answer, clock())) wanted.push(answer.counter_id);
      else if (answer.window_start > request.window_start) counters.begin(lease.counter, answer.window_start);
    }
    sendRecall(wanted);
  }

  function sendRecall(wanted: readonly string[]): void {
    const at = clock();
    const ids = wanted.filter((id) => at - (recalledAt.get(id) ?? -Infinity) > TIGHT_MS);
    for (const id of ids) recalledAt.set(id, at);
    if (ids.length > 0) store.recall(ids).catch(() => {}); // the next request fails, too, and tells
  }

  function failed(error: unknown): void {
    if (!isAlone && !isClosed) onError(error);
    isAlone = true;
    // Everybody decides without it now; when it answers again, all is asked anew.
    due.clear();
    next.resolve();
    next = Promise.withResolvers();
    clearTimeout(retry);
    if (!isClosed) retry = setTimeout(() => void ask(), RETRY_MS).unref();
  }

  function look(): void {
    const [time, at] = [now(), clock()];
    for (const lease of leases.values()) if (lease.look(time, at, hasAnswered)) due.add(lease);
    hasAnswered = false;
    void ask();
  }

  function recalled(ids: Iterable<string>): void {
    if (isClosed) return;
    const [time, at] = [now(), clock()];
    for (const id of ids) {
      const lease = leases.get(id);
      if (lease === undefined) continue;
      if (lease.recall(time, at)) due.add(lease);
      tight.add(lease);
    }
    if (due.size > 0) void ask();
    tightLook ??= setInterval(lookTight, TIGHT_MS).unref();
  }

  /** A call that came to nothing leaves something over, for which another process may be waiting. */
  function lookTight(): void {
    const [time, at] = [now(), clock()];
    for (const lease of tight) {
      if (!lease.isTight(at)) tight.delete(lease);
      else if (lease.handBack(time)) due.add(lease);
    }
    if (due.size > 0) void ask();
    if (tight.size > 0) return;
    clearInterval(tightLook);
    tightLook = undefined;
  }

  return {
    get isAlone() {
      return isAlone;
    },
    get nodes() {
      return nodes;
    },
    covers(meter, need, time) {
      const lease = leaseOf(meter);
      if (isAlone && lease.coversAlone(meter, time, nodes)) return true;
      if (clock() > aliveUntil || !lease.covers(meter, need, time)) return false;
      if (lease.isThirsty && !isAlone && !due.has(lease)) {
        due.add(lease);
        void ask();
      }
      return true;
    },
    isFull(meter, time) {
      return isAlone || leaseOf(meter).isFull(meter, time, clock());
    },
    obtain(meters, needOf) {
      for (const meter of meters) {
        const lease = leaseOf(meter);
        lease.want(needOf(meter));
        due.add(lease);
      }
      return ask();
    },
    giveUp(meter) {
      leaseOf(meter).giveUp(clock() + timing.giveUpMs);
    },
    standing: (meter) => leaseOf(meter).standing,
    async close() {
      isClosed = true;
      clearInterval(looking);
      clearInterval(tightLook);
      clearTimeout(retry);
      await working;
      await store.end().catch(() => {}); // it expires
    },
  };
}
