import { randomUUID } from 'node:crypto';
import { backOff } from '../lib/time.ts';
import type { CallEnd, CallStart, Charge, CounterState, LlmEnd, LlmStart } from '../store/ledger-rows.ts';
import { LedgerError } from '../store/ledger/faults.ts';
import type { LedgerStore } from '../store/ledger/ledger-store.ts';
import { countRows, createWaiting, type Segment } from './waiting.ts';

/** The one entry of a call. */
export interface Entry {
  /** Says how the call ended. Only the first word counts. */
  end(end: CallEnd): void;
}

/** The one entry of a request to a model. */
export interface LlmEntry {
  /** Says how the request ended. Only the first word counts. */
  end(end: LlmEnd): void;
}

/** A call began, or ended. */
export type RowListener = (start: CallStart, end: CallEnd | undefined) => void;

/** A request to a model began, or ended. */
export type LlmListener = (start: LlmStart, end: LlmEnd | undefined) => void;

/** Counters as they are stored now, and the charges of this process that were just added to them. */
export type CountersListener = (states: readonly CounterState[], included: readonly Charge[]) => void;

/** Takes down every call, every request to a model and every charge, and stores them a moment later. */
export interface Ledger {
  /** The name under which this process writes. */
  readonly node: string;
  begin(start: CallStart): Entry;
  beginLlm(start: LlmStart): LlmEntry;
  charge(charge: Charge): void;
  /** Hears of each call twice: when it begins and when it ends. Gives the function that stops it. */
  onRow(listener: RowListener): () => void;
  /** The same for requests to models. */
  onLlmRow(listener: LlmListener): () => void;
  /**
   * Hears after each write what is used of the counters that it charged, by all processes together, and which charges of this
   * process are among that. Where other processes write too, hears every second what they stored.
   */
  onCounters(listener: CountersListener): () => void;
  /** Settles when all that was taken down so far is stored; rejects when it cannot be now. */
  flush(): Promise<void>;
  /** Settles when the listeners have heard what other processes stored up to now; at once where there are no others. */
  refresh(): Promise<void>;
  /** Rows that are not stored yet. */
  readonly waiting: number;
  /** Calls and requests that are missing from the logs because the database could not take them. */
  readonly dropped: number;
  /** Stores what is left. Nothing can be taken down afterwards. */
  close(): Promise<void>;
}

interface LedgerOptions {
  readonly store: Pick<LedgerStore, 'write'>;
  /** The store again, where other processes write to it too. */
  readonly shared?: Pick<LedgerStore, 'countersSince'> | undefined;
  /** How long a call may wait for others to be written with; one that runs, for twice that, so that most are written once. */
  readonly intervalMs?: number;
  /** How often to read what other processes stored. */
  readonly readMs?: number;
  readonly onError: (error: unknown) => void;
  /** False: charges only, no logs of calls. Asked at the beginning of each call. */
  readonly isLogging?: () => boolean;
}

/** So many calls are written without waiting for the interval: the main thread hands them over in small portions. */
const PORTION = 512;
const CLOSING_ATTEMPTS = 5;

/** Creates the ledger of this process. */
export function createLedger(options: LedgerOptions): Ledger {
  const { store, shared, intervalMs = 250, readMs = 1_000, onError, isLogging = () => true } = options;
  const node = randomUUID();
  const waiting = createWaiting();
  const rowListeners = new Set<RowListener>();
  const llmListeners = new Set<LlmListener>();
  const counterListeners = new Set<CountersListener>();
  let timer: NodeJS.Timeout | undefined;
  let draining: Promise<void> | undefined;
  let failures = 0;
  const others = { isDue: false, from: 0 };
  const reading = shared && setInterval(readInBackground, readMs).unref();

  function wake(): void {
    if (timer !== undefined || draining !== undefined) return;
    timer = setTimeout(drainInBackground, failures === 0 ? intervalMs : backOff(failures - 1)).unref();
  }

  /** Called when another call begins: then charge and end of the one before lie in the same portion. */
  function sealIfFull(): void {
    if (waiting.newRows < PORTION) return;
    waiting.seal(intervalMs);
    if (failures === 0 && draining === undefined) setImmediate(drainInBackground);
  }

  function drainInBackground(): void {
    waiting.seal(intervalMs);
    drain().catch(() => {}); // drain itself has told it
  }

  function readInBackground(): void {
    others.isDue = true;
    drain().catch(() => {}); // as above
  }

  /** The one lane of writes and reads: what is read includes every charge that was reported, and no other of this process. */
  function drain(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    draining ??= work().finally(() => {
      draining = undefined;
      if (waiting.isWaiting) wake();
    });
    return draining;
  }

  async function work(): Promise<void> {
    await readIfDue();
    for (let segment = waiting.next(); segment !== undefined; segment = waiting.next()) {
      if (await write(segment)) waiting.done();
      await readIfDue();
    }
  }

  async function readIfDue(): Promise<void> {
    // A write that failed may be stored all the same, with charges that still count here as not stored.
    if (shared === undefined || !others.isDue || failures > 0) return;
    others.isDue = false;
    try {
      const { counters, at } = await shared.countersSince(others.from);
      others.from = at;
      if (counters.length > 0) tellCounters(counters, []);
    } catch (error) {
      onError(error);
      throw error;
    }
  }

  /** False when the segment must be written once more, without its rows: they can never be written, its charges can. */
  async function write(segment: Segment): Promise<boolean> {
    try {
      const states = await store.write({ node, ...segment });
      failures = 0;
      if (segment.charges.length > 0) tellCounters(states, segment.charges);
      return true;
    } catch (error) {
      failures += 1;
      onError(error);
      const isHopeless = error instanceof LedgerError && error.fault === 'data';
      if (!isHopeless || countRows(segment) === 0) throw error;
      waiting.dropRows();
      return false;
    }
  }

  function tell(run: () => void): void {
    try {
      run();
    } catch (error) {
      onError(error);
    }
  }

  function tellCounters(states: readonly CounterState[], included: readonly Charge[]): void {
    for (const listener of counterListeners) tell(() => listener(states, included));
  }

  function tellRow(start: CallStart, end: CallEnd | undefined): void {
    for (const listener of rowListeners) tell(() => listener(start, end));
  }

  function tellLlm(start: LlmStart, end: LlmEnd | undefined): void {
    for (const listener of llmListeners) tell(() => listener(start, end));
  }

  async function flush(): Promise<void> {
    const target = waiting.seal();
    while (waiting.stored < target) await drain();
  }

  return {
    node,
    get waiting() {
      return waiting.rows;
    },
    get dropped() {
      return waiting.dropped;
    },
    begin(start) {
      if (!isLogging()) return { end: () => {} };
      sealIfFull();
      const call = waiting.begin(start);
      wake();
      tellRow(start, undefined);
      return {
        end(end) {
          if (!waiting.end(call, end)) return;
          wake();
          tellRow(start, end);
        },
      };
    },
    beginLlm(start) {
      if (!isLogging()) return { end: () => {} };
      sealIfFull();
      const request = waiting.llm.begin(start);
      wake();
      tellLlm(start, undefined);
      return {
        end(end) {
          if (!waiting.llm.end(request, end)) return;
          wake();
          tellLlm(start, end);
        },
      };
    },
    charge(charge) {
      waiting.charge(charge);
      wake();
    },
    onRow(listener) {
      rowListeners.add(listener);
      return () => rowListeners.delete(listener);
    },
    onLlmRow(listener) {
      llmListeners.add(listener);
      return () => llmListeners.delete(listener);
    },
    onCounters(listener) {
      counterListeners.add(listener);
      return () => counterListeners.delete(listener);
    },
    flush,
    async refresh() {
      others.isDue = shared !== undefined;
      while (others.isDue) await drain();
    },
    async close() {
      clearInterval(reading);
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await flush();
        } catch (error) {
          if (attempt === CLOSING_ATTEMPTS) throw error;
          await new Promise((resolve) => setTimeout(resolve, attempt * 200));
        }
      }
    },
  };
}
