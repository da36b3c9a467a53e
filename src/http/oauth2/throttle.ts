import { GatewayError } from '../../lib/errors.ts';

/** Counts attempts of one kind. */
export interface Throttle {
  /** Counts one more by this one; throws `rate_limited` when there are too many. */
  take(who: string): void;
}

const MAX_KNOWN = 10_000;

/** So many in a window, in the memory of this node. */
export function createThrottle({ limit, windowMs }: { limit: number; windowMs: number }): Throttle {
  const counts = new Map<string, { count: number; until: number }>();
  return {
    take(who) {
      const now = Date.now();
      let entry = counts.get(who);
      if (entry === undefined || entry.until <= now) {
        if (counts.size >= MAX_KNOWN) counts.clear();
        entry = { count: 0, until: now + windowMs };
        counts.set(who, entry);
      }
      entry.count += 1;
      if (entry.count <= limit) return;
      const retry_after = Math.ceil((entry.until - now) / 1000);
      throw new GatewayError('rate_limited', `too many attempts; try again in ${retry_after} s`, {
        details: { retry_after },
      });
    },
  };
}
