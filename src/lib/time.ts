/** How long to wait before the next attempt: doubling from 1 s to 30 s, with jitter so that many do not come at once. */
export function backOff(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(30_000, 1_000 * 2 ** attempt);
  return ceiling / 2 + (random() * ceiling) / 2;
}
