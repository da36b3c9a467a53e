import { windowAt, type Window, type WindowSpec } from '../lib/window.ts';
import type { Charge, CounterState } from '../store/ledger-rows.ts';

/*
 * What the counters need from the ledger, so that no charge counts twice and none is lost between two writes:
 *
 * 1. `charge(charge)` takes a charge at once and never refuses. Every charge is stored exactly once, by adding `amount` (which
 *    is negative after a reset) to what is stored for `counter_id`: the stored window is the same: add; it is older: begin at 0
 *    with the window of the charge, then add; it is newer: the charge no longer matters and is dropped.
 * 2. After each commit, in the order of the commits, and never before: `onStored(states, included)`. `states` is what the
 *    database holds after that commit, read in the same transaction. `included` are the charges of this process that were part
 *    of it; those of one counter and window may be added up, and those that a newer window has ended may be missing.
 * 3. What other nodes stored, when it is read: `onStored(states, [])`, at a moment when no write of this process is between its
 *    beginning and its report; else a state could include charges that are still counted here as not stored.
 * 4. A write that failed is reported by nothing. Its charges stay counted here until a later attempt is reported.
 */

/** One number behind a budget or limit. Only this file changes it; others hold it because looking it up costs time. */
export interface Counter {
  readonly id: string;
  /** The window that `stored` and `unstored` belong to. */
  readonly windowStart: number;
  /** Used by all processes, as far as the ledger has told. */
  readonly stored: number;
  /** Charged by this process and not yet in `stored`. */
  readonly unstored: number;
  /** Used through this process in this window, stored or not, and whatever was set to zero since. */
  readonly charged: number;
  /** Reserved by calls in flight, whenever they began. */
  readonly pending: number;
}

type Cell = { -readonly [K in keyof Counter]: Counter[K] };

/** What is used of a counter in its present window. */
export interface Usage {
  readonly used: number;
  readonly window_start: number;
  readonly window_end: number;
}

/** The numbers behind budgets and limits, in memory; the ledger keeps them. */
export interface Counters {
  /** What was stored when the process started. */
  load(states: readonly CounterState[]): void;
  /** What the ledger tells; the contract is above. */
  onStored(states: readonly CounterState[], included: readonly Charge[]): void;
  usage(spec: WindowSpec, id: string): Usage;
  /** Sets what is used of these to zero, here at once and in the ledger with the next write. Calls in flight stay reserved. */
  reset(ids: Iterable<string>): void;
  /** The counter of this name, which begins at 0. */
  open(id: string): Counter;
  /** Another process has begun a window: it has begun here, too. */
  begin(counter: Counter, windowStart: number): void;
  /** Reserves, or gives back what is negative. */
  reserve(counter: Counter, amount: number): void;
  /** Counts what was used, and hands it to the ledger. */
  charge(counter: Counter, window: Window, amount: number): void;
}

interface Deps {
  /** Takes a charge to the ledger. */
  readonly charge: (charge: Charge) => void;
  readonly now?: () => number;
}

/** Counters that all begin at 0; `load` gives them what was stored before. */
export function createCounters({ charge, now = Date.now }: Deps): Counters {
  const cells = new Map<string, Cell>();

  const open = (id: string): Cell => {
    let cell = cells.get(id);
    if (cell === undefined) {
      cell = { id, windowStart: -Infinity, stored: 0, unstored: 0, charged: 0, pending: 0 };
      cells.set(id, cell);
    }
    return cell;
  };

  const onStored = (states: readonly CounterState[], included: readonly Charge[]) => {
    for (const { counter_id, window_start, amount } of included) {
      const cell = cells.get(counter_id);
      if (cell?.windowStart === window_start) cell.unstored -= amount;
    }
    for (const { counter_id, window_start, used } of states) {
      const cell = open(counter_id);
      // Another node, whose clock is ahead, may begin a window for everybody.
      begin(cell, window_start);
      if (cell.windowStart === window_start) cell.stored = used;
    }
  };

  const add = (cell: Cell, amount: number, reset?: number) => {
    cell.unstored += amount;
    charge({ counter_id: cell.id, window_start: cell.windowStart, amount, reset });
  };

  return {
    load: (states) => onStored(states, []),
    onStored,
    usage(spec, id) {
      const window = windowAt(spec, now());
      const cell = cells.get(id);
      const used = cell === undefined ? 0 : usedIn(cell, window);
      return { used, window_start: window.start, window_end: window.end };
    },
    reset(ids) {
      for (const id of ids) {
        const cell = cells.get(id);
        if (cell === undefined) continue;
        const used = cell.stored + cell.unstored;
        // As a charge it takes its place among the others, so that it undoes those before it and none behind it.
        if (used !== 0) add(cell, -used, -used);
      }
    },
    open,
    begin,
    reserve(cell: Cell, amount) {
      cell.pending += amount;
    },
    charge(cell: Cell, window, amount) {
      begin(cell, window.start);
      cell.charged += amount;
      add(cell, amount);
    },
  };
}

/** What is used in a window: whatever was used since it began, so that a window that becomes longer keeps its usage. */
export function usedIn(counter: Counter, window: Window): number {
  return counter.windowStart < window.start ? 0 : counter.stored + counter.unstored;
}

/** Starts a later window at 0. Time does not go back: in a window that has passed nothing counts any more. */
function begin(cell: Cell, windowStart: number): void {
  if (windowStart <= cell.windowStart) return;
  cell.windowStart = windowStart;
  cell.stored = 0;
  cell.unstored = 0;
  cell.charged = 0;
}
