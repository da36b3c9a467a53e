import { GatewayError } from './errors.ts';

/** How a throttle counts. */
export interface ThrottleOptions {
  /** Attempts before the first delay. */
  readonly free: number;
  /** The first delay; each further attempt doubles it. */
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Delays whoever keeps failing, ever longer. */
export interface Throttle {
  /** Milliseconds until the next attempt is allowed; 0 now. */
  delay(key: string): number;
  /** Counts an attempt as failed, before its outcome is known: attempts in parallel must not pass under the limit. */
  count(key: string): void;
  /** Takes one counted attempt back, which did not fail. */
  takeBack(key: string): void;
  /** Forgets everything about a key. */
  forgive(key: string): void;
}

interface Failures {
  count: number;
  blockedUntil: number;
  seen: number;
}

/** Without an attempt for so long, a key starts anew. */
const FORGET_MS = 60 * 60_000;
const MAX_KEYS = 10_000;

/** Counts in memory, in this process: what it protects is slow enough that a few processes make no difference. */
export function createThrottle(
  { free, firstMs, longestMs }: ThrottleOptions,
  now: () => number = () => performance.now(),
): Throttle {
  /** In the order of the last attempt. */
  const known = new Map<string, Failures>();

  function find(key: string): Failures | undefined {
    const failures = known.get(key);
    if (failures === undefined || now() - failures.seen < FORGET_MS) return failures;
    known.delete(key);
    return undefined;
  }

  return {
    delay: (key) => Math.max(0, (find(key)?.blockedUntil ?? 0) - now()),
    count(key) {
      const count = (find(key)?.count ?? 0) + 1;
      const delay = count < free ? 0 : Math.min(firstMs * 2 ** (count - free), longestMs);
      known.delete(key);
      // The one that was quiet for longest goes: whoever is under attack is not quiet.
      if (known.size >= MAX_KEYS) for (const [oldest] of known.entries().take(1)) known.delete(oldest);
      known.set(key, { count, blockedUntil: now() + delay, seen: now() });
    },
    takeBack(key) {
      const failures = find(key);
      if (failures === undefined) return;
      failures.count -= 1;
      if (failures.count < free) failures.blockedUntil = 0;
    },
    forgive: (key) => void known.delete(key),
  };
}

/** The error for who tries too often. */
export function tooManyAttempts(delayMs: number, code: 'rate_limited' | 'too_many_attempts'): GatewayError {
  const retry_after = Math.ceil(delayMs / 1_000);
  return new GatewayError(code, `too many attempts; try again in ${retry_after} s`, { details: { retry_after } });
}
