import { timingSafeEqual } from 'node:crypto';

/** Compares a secret with what somebody sent, in the same time wherever they differ; only the length can be told. */
export function isSameText(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
