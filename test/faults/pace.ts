/**
 * How long each fault is looked at: with `--long` until the 99th percentile of the other calls says something, else just until it
 * is seen what is lost.
 */
export const PACE = process.argv.includes('--long')
  ? { rounds: 8, warmUpMs: 3_000, quietMs: 3_000, troubleMs: 3_000 }
  : { rounds: 2, warmUpMs: 0, quietMs: 800, troubleMs: 1_400 };
