import type { CallSignal } from './call-signal.ts';
import type { GatewayError } from './errors.ts';

/** Places for a bounded number of runs at once; who waits gets the next one by turns of callers, not of runs. */
export interface FairQueue {
  /** Waits for a place, which the function it gives frees. Throws what `busy` makes, and the signal's reason. */
  enter(owner: string, signal: CallSignal): Promise<() => void>;
  readonly running: number;
  readonly waiting: number;
}

interface Waiter {
  readonly owner: string;
  start(): void;
}

interface FairQueueOptions {
  /** How many may run at once. Asked every time. */
  readonly places: () => number;
  /** How many may wait for that. */
  readonly room: () => number;
  /** Told to who finds no room. */
  readonly busy: () => GatewayError;
}

/** Bounds how many run at once. A caller with many runs never makes one with few wait for all of them. */
export function createFairQueue({ places, room, busy }: FairQueueOptions): FairQueue {
  const runningOf = new Map<string, number>();
  const waiters: Waiter[] = [];
  let running = 0;

  function take(owner: string): () => void {
    running += 1;
    runningOf.set(owner, (runningOf.get(owner) ?? 0) + 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      running -= 1;
      const left = (runningOf.get(owner) ?? 1) - 1;
      if (left > 0) runningOf.set(owner, left);
      else runningOf.delete(owner);
      next();
    };
  }

  /** The place goes to the caller with the fewest runs, and among those to who came first. */
  function next(): void {
    if (running >= places()) return;
    const load = ({ owner }: Waiter): number => runningOf.get(owner) ?? 0;
    const chosen = waiters.reduce<Waiter | undefined>(
      (best, waiter) => (best === undefined || load(waiter) < load(best) ? waiter : best),
      undefined,
    );
    if (chosen === undefined) return;
    remove(chosen);
    chosen.start();
  }

  function remove(waiter: Waiter): void {
    const index = waiters.indexOf(waiter);
    if (index >= 0) waiters.splice(index, 1);
  }

  return {
    async enter(owner, signal) {
      if (signal.aborted) throw signal.reason;
      if (running < places()) return take(owner);
      if (waiters.length >= room()) throw busy();
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      const waiter: Waiter = { owner, start: () => resolve(take(owner)) };
      waiters.push(waiter);
      const onAbort = (): void => {
        remove(waiter);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort);
      return promise.finally(() => signal.removeEventListener('abort', onAbort));
    },
    get running() {
      return running;
    },
    get waiting() {
      return waiters.length;
    },
  };
}
