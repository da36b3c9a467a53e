import { runUnlessRunning, type Lockable } from '../store/alone.ts';
import type { LedgerStore } from '../store/ledger/ledger-store.ts';

interface RetentionOptions {
  readonly store: Pick<LedgerStore, 'prune' | 'closeStale'>;
  readonly dialect: Lockable;
  /** The name under which this process writes to the ledger. */
  readonly node: string;
  /** `log_retention_days`; asked before each pruning. */
  readonly days: () => number;
  readonly now?: () => number;
  readonly onError: (error: unknown) => void;
  readonly sweepMs?: number;
}

/** Keeps the logs in order as time goes by. */
export interface Retention {
  /** Closes calls that nobody will end, and deletes old logs when it is time to. */
  sweep(): Promise<void>;
  stop(): void;
}

const SWEEP_MS = 30_000;
/** Three sweeps: a process that missed them is gone. */
const SILENCE_MS = 3 * SWEEP_MS;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** No call runs for so long. */
const MAX_CALL_MS = DAY_MS;

/** Starts to sweep every 30 seconds, and to delete old logs every hour. */
export function createRetention(options: RetentionOptions): Retention {
  const { store, dialect, node, days, now = Date.now, onError, sweepMs = SWEEP_MS } = options;
  let lastPruned = -Infinity;
  let sweeping: Promise<void> | undefined;

  async function run(): Promise<void> {
    const time = now();
    await store.closeStale({ node, startedBefore: time - MAX_CALL_MS, silenceMs: SILENCE_MS });
    if (time - lastPruned < HOUR_MS) return;
    const prune = () => store.prune(time - days() * DAY_MS);
    // Not at all when it was somebody else's turn: that node may have a ledger of its own.
    if (await runUnlessRunning(dialect, 'retention', prune)) lastPruned = time;
  }

  /** One at a time: a deletion may take longer than the pause between two. */
  const sweep = () => (sweeping ??= run().finally(() => (sweeping = undefined)));
  const inBackground = () => void sweep().catch(onError);
  const timer = setInterval(inBackground, sweepMs).unref();
  inBackground();
  return { sweep, stop: () => clearInterval(timer) };
}
