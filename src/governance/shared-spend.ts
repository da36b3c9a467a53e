import { setTimeout as wait } from 'node:timers/promises';
import type { Counters } from './counters.ts';
import type { Leases } from './leases.ts';
import type { Limits, Meter } from './limits.ts';
import { checkLimits, Held, isFullHere, lookAt, UNLIMITED, type Spend, type Standing } from './spend.ts';

interface Deps {
  readonly counters: Counters;
  readonly leases: Leases;
  readonly now?: () => number;
}

/** How long a call waits for what another process holds unused. It is handed back in milliseconds, unless that process died. */
const PATIENCE_MS = 1_000;
/** Where the database is slow, a second is too short to have tried. */
const PATIENT_ATTEMPTS = 8;
const LONGEST_PAUSE_MS = 50;
const CUT_OFF = 'the database cannot be reached, and what is left is for other processes';

/** Reserves and settles where other processes spend from the same budgets. It waits only when nothing is leased in advance. */
export function createSharedSpend({ counters, leases, now = Date.now }: Deps): Spend {
  /** Tokens are known after the call, so nobody leases any: what is known here decides. */
  const hasRoom = (meter: Meter, estimate: number, time: number): boolean =>
    meter.what === 'tokens' ? !isFullHere(counters, meter, time) : leases.covers(meter, needOf(meter, estimate), time);

  function look(meter: Meter, time: number): Standing {
    const own = lookAt(counters, meter, time);
    const all = meter.what === 'tokens' ? undefined : leases.standing(meter);
    if (all === undefined || leases.isAlone) return own;
    return { ...own, used: Math.max(own.used, all.used), pending: own.pending + all.held };
  }

  const lacking = ({ meters }: Limits, estimate: number, time: number): Meter[] =>
    meters.filter((meter) => !hasRoom(meter, estimate, time));

  /** Throws what is known to stand against a call; when it has waited too long, all that it lacks. */
  function check(limits: Limits, short: readonly Meter[], time: number, isOverdue = false): void {
    const isFull = (meter: Meter) =>
      short.includes(meter) && (isOverdue || meter.what === 'tokens' || leases.isFull(meter, time));
    checkLimits(limits, time, { isFull, look, note: leases.isAlone ? CUT_OFF : undefined });
  }

  async function obtain(limits: Limits, estimate: number, first: readonly Meter[]): Promise<Held> {
    const begun = performance.now();
    let short = first;
    for (let attempt = 1; ; attempt += 1) {
      await leases.obtain(short, (meter) => needOf(meter, estimate));
      const time = now();
      short = lacking(limits, estimate, time);
      if (short.length === 0) return new Held(limits, estimate, counters, now);
      const isOverdue = attempt > PATIENT_ATTEMPTS && performance.now() - begun > PATIENCE_MS;
      if (isOverdue) for (const meter of short) leases.giveUp(meter);
      check(limits, short, time, isOverdue);
      if (attempt > 1) await wait(Math.min(2 ** (attempt - 1), LONGEST_PAUSE_MS));
    }
  }

  return {
    reserve(limits, estimate) {
      if (limits === undefined) return UNLIMITED;
      const time = now();
      if (limits.meters.every((meter) => hasRoom(meter, estimate, time))) {
        return new Held(limits, estimate, counters, now);
      }
      const short = lacking(limits, estimate, time);
      check(limits, short, time);
      return obtain(limits, estimate, short);
    },
    peek(limits) {
      const time = now();
      return limits === undefined ? [] : limits.meters.map((meter) => lookAt(counters, meter, time));
    },
  };
}

/** Whoever expects no cost needs something left all the same. */
function needOf(meter: Meter, estimate: number): number {
  return meter.what === 'budget' ? Math.max(1, estimate) : 1;
}
