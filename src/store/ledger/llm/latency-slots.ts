/** Eight slots each time that the latency doubles: what is read from them is off by less than 5 %. */
const PER_DOUBLING = 8;

/** The slot that a latency in microseconds counts in. */
export function slotOf(micros: number): number {
  return micros < 1 ? 0 : Math.floor(Math.log2(micros) * PER_DOUBLING);
}

/** The latency in microseconds that stands for all of a slot. */
export function middleOf(slot: number): number {
  return 2 ** ((slot + 0.5) / PER_DOUBLING);
}

/** The latency in microseconds that this share of requests did not exceed; 0 without requests. */
export function percentile(slots: ReadonlyMap<number, number>, share: number): number {
  const sorted = [...slots].toSorted(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  let left = Math.ceil(total * share);
  for (const [slot, count] of sorted) {
    left -= count;
    if (left <= 0) return middleOf(slot);
  }
  return 0;
}
