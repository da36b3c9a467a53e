import { backOff } from '../../lib/time.ts';

/** Intervals of everything that happens by the clock. Tests shorten them; nobody else needs to. */
export interface Timing {
  /** Between two health probes. */
  readonly healthIntervalMs: number;
  /** How long a probe may take. */
  readonly probeTimeoutMs: number;
  /** Probes that fail in a row before a server counts as disconnected. */
  readonly failuresToDisconnect: number;
  /** How long connecting, the handshake and the first listing may take together. */
  readonly connectTimeoutMs: number;
  /** Between two listings that notices of changes cause, so that a burst of notices costs at most one more. */
  readonly listChangedDelayMs: number;
  readonly listTimeoutMs: number;
  /** How long a user may take to answer a question of a server. */
  readonly answerMs: number;
  /** What a minute of `tool_sync_interval` is. */
  readonly minuteMs: number;
  /** Wait before reconnecting, by the number of attempts that failed. */
  readonly backOff: (attempt: number) => number;
}

export const DEFAULT_TIMING: Timing = {
  healthIntervalMs: 10_000,
  probeTimeoutMs: 5_000,
  failuresToDisconnect: 5,
  connectTimeoutMs: 30_000,
  listChangedDelayMs: 1_000,
  listTimeoutMs: 10_000,
  answerMs: 10 * 60_000,
  minuteMs: 60_000,
  backOff,
};

interface WatchDeps {
  readonly timing: Timing;
  /** Rejects when the server does not answer. */
  readonly probe: () => Promise<void>;
  readonly refresh: () => Promise<void>;
  /** Too many probes failed; called with the last failure. */
  readonly onUnhealthy: (error: unknown) => void;
  readonly onProbeFailed: (error: unknown) => void;
}

/** The clockwork beside one open session: health probes and tool listings. */
export interface Watch {
  /** Lists soon; more notices until then change nothing. */
  listChanged(): void;
  /** Minutes between listings; 0 or less is off. Takes effect at once. */
  setSyncInterval(minutes: number): void;
  stop(): void;
}

/** setTimeout holds at most 2^31-1 ms; a longer interval is as good as never. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A time that is up to this share of it shorter, for each server another. */
function spread(ms: number, share: number): number {
  return ms * (1 - share * Math.random());
}

export function createWatch({ timing, probe, refresh, onUnhealthy, onProbeFailed }: WatchDeps): Watch {
  let failures = 0;
  let isStopped = false;
  let changed: NodeJS.Timeout | undefined;
  let sync: NodeJS.Timeout | undefined;
  let syncMs = 0;
  let listedAt = -Infinity;
  // A thousand servers that connected together are not asked together ever after.
  let health = setTimeout(() => void checkHealth(), spread(timing.healthIntervalMs, 0.5)).unref();

  async function checkHealth(): Promise<void> {
    try {
      await probe();
      failures = 0;
    } catch (error) {
      if (isStopped) return;
      failures += 1;
      onProbeFailed(error);
      if (failures >= timing.failuresToDisconnect) return onUnhealthy(error);
    }
    if (!isStopped) health = setTimeout(() => void checkHealth(), timing.healthIntervalMs).unref();
  }

  function planSync(): void {
    clearTimeout(sync);
    if (isStopped || syncMs <= 0) return;
    // The next listing waits for this one: a slow server is never asked twice at a time.
    sync = setTimeout(() => void refresh().finally(planSync), spread(Math.min(syncMs, LONGEST_TIMER_MS), 0.1)).unref();
  }

  return {
    listChanged() {
      // A lone notice is followed up almost at once; those of a burst wait until the last listing is old enough.
      const wait = Math.max(timing.listChangedDelayMs / 20, listedAt + timing.listChangedDelayMs - performance.now());
      changed ??= setTimeout(() => {
        changed = undefined;
        listedAt = performance.now();
        void refresh();
      }, wait).unref();
    },
    setSyncInterval(minutes) {
      const wanted = minutes * timing.minuteMs;
      if (wanted === syncMs) return;
      syncMs = wanted;
      planSync();
    },
    stop() {
      isStopped = true;
      clearTimeout(health);
      clearTimeout(changed);
      clearTimeout(sync);
    },
  };
}
