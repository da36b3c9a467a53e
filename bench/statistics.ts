/** The middle of some numbers; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The value below which a share of the sorted numbers lies; NaN of none. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The range in which the median of what was sampled lies with at least 95 % certainty, whatever its distribution. */
export function rangeOfMedian(values: readonly number[]): [low: number, high: number] {
  const sorted = values.toSorted((a, b) => a - b);
  const { length } = sorted;
  // Each value is below the median with a chance of one half: how many are, follows the binomial distribution.
  let left = 0;
  let probability = 0.5 ** length;
  let tail = probability;
  while (tail <= 0.025) {
    left += 1;
    probability *= (length - left + 1) / left;
    tail += probability;
  }
  const outside = Math.max(0, left - 1);
  return [sorted[outside] ?? Number.NaN, sorted[length - 1 - outside] ?? Number.NaN];
}
