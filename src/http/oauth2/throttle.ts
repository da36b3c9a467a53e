import { GatewayError } from '../../lib/errors.ts';

/** Counts attempts of one kind. */
export interface Throttle {
  /** Throws `rate_limited` when this one has made too many. */
  check(who: string): void;
  /** Counts one more. */
  count(who: string): void;
}

const MAX_KNOWN = 10_000;

/** So many in a window, in the memory of this node. */
export function createThrottle({ limit, windowMs }: { limit: number; windowMs: number }): Throttle {
  const counts = new Map<string, { count: number; readonly until: number }>();
  return {
    check(who) {
      const { count, until } = counts.get(who) ?? { count: 0, until: 0 };
      const left = until - Date.now();
      if (count < limit || left <= 0) return;
      const retry_after = Math.ceil(left / 1000);
      throw new GatewayError('rate_limited', `too many attempts; try again in ${retry_after} s`, {
        details: { retry_after },
      });
    },
    count(who) {
      const now = Date.now();
      const entry = counts.get(who);
      if (entry !== undefined && entry.until > now) return void (entry.count += 1);
      if (counts.size >= MAX_KNOWN) counts.clear();
      counts.set(who, { count: 1, until: now + windowMs });
    },
  };
}
