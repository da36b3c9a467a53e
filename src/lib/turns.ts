/** A turn that somebody has, or waits for. */
export interface Turn {
  /** Resolves when it has come; undefined when it came at once. */
  readonly ready: Promise<void> | undefined;
  /** Somebody is waiting for this one: it comes before all that nobody waits for. */
  hurry(): void;
  /** Lets the next one have it. */
  end(): void;
}

/** Spreads out what many would begin at the same moment. */
export interface Turns {
  take(): Turn;
}

interface TurnsOptions {
  /** How many have a turn at once. */
  readonly places: number;
  /** After so long the next one has its turn as well: whoever only waits for somebody else's answer holds nobody up. */
  readonly longestMs: number;
}

/** First come, first served, but for those in a hurry. */
export function createTurns({ places, longestMs }: TurnsOptions): Turns {
  const waiting = new Set<() => void>();
  const hurried = new Set<() => void>();
  let taken = 0;

  function next(): void {
    if (taken >= places) return;
    const [start] = hurried.size > 0 ? hurried : waiting;
    start?.();
  }

  return {
    take() {
      const { promise, resolve } = Promise.withResolvers<void>();
      let state: 'waiting' | 'running' | 'over' = 'waiting';
      let limit: NodeJS.Timeout | undefined;
      const leaveQueue = (): boolean => waiting.delete(start) || hurried.delete(start);
      const giveBack = (): void => {
        if (state !== 'running') return;
        state = 'over';
        clearTimeout(limit);
        taken -= 1;
        next();
      };
      const start = (): void => {
        leaveQueue();
        state = 'running';
        taken += 1;
        limit = setTimeout(giveBack, longestMs).unref();
        resolve();
      };
      const isFree = taken < places;
      if (isFree) start();
      else waiting.add(start);
      return {
        ready: isFree ? undefined : promise,
        hurry: () => void (waiting.delete(start) && hurried.add(start)),
        end() {
          if (!leaveQueue()) return giveBack();
          state = 'over';
          resolve();
        },
      };
    },
  };
}
