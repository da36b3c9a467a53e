import { tooManyAttempts } from '../../lib/throttle.ts';

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
      throw tooManyAttempts(left, 'rate_limited');
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
