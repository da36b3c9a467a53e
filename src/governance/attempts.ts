import { createThrottle, tooManyAttempts } from '../lib/throttle.ts';

/** Limits how often somebody may be wrong, by where they are and by whom they say they are. */
export interface Attempts {
  /**
   * Runs an attempt, which throws when it was wrong. Throws `too_many_attempts` without running it when there were too many.
   * A name is undefined where nobody in particular is meant.
   */
  run<T>(who: { readonly address: string; readonly name: string | undefined }, attempt: () => Promise<T>): Promise<T>;
}

/** Many people may share an address, and one who knows a password must not be kept out for long by one who does not. */
const BY_ADDRESS = { free: 20, firstMs: 1_000, longestMs: 15 * 60_000 };
const BY_NAME = { free: 5, firstMs: 1_000, longestMs: 60_000 };

export function createAttempts(now?: () => number): Attempts {
  const addresses = createThrottle(BY_ADDRESS, now);
  const names = createThrottle(BY_NAME, now);
  return {
    async run({ address, name }, attempt) {
      const delay = Math.max(addresses.delay(address), name === undefined ? 0 : names.delay(name));
      if (delay > 0) throw tooManyAttempts(delay, 'too_many_attempts');
      addresses.count(address);
      if (name !== undefined) names.count(name);
      const result = await attempt();
      // Not forgiven: one good account must not pay for guesses at all others.
      addresses.takeBack(address);
      if (name !== undefined) names.forgive(name);
      return result;
    },
  };
}
