const NANOS_PER_USD = 1e9;

/** The most that one call may cost and one budget may hold, in nano-dollars: sums of it stay exact in a number. */
export const MAX_NANOS = 1e15;

/** USD, as it is on the wire, to whole nano-dollars, in which the gateway counts: sums of whole numbers are exact. */
export function toNanos(usd: number): number {
  return Math.round(usd * NANOS_PER_USD);
}

/** Whole nano-dollars to USD. What came from USD with up to nine decimals is the same number again. */
export function toUsd(nanos: number): number {
  return nanos / NANOS_PER_USD;
}
