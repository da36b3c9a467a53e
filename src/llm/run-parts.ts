import { asAbortSignal, type CallSignal } from '../lib/call-signal.ts';

/** What came of the parts: results by their places, those that never came left out, and why the rest did not come. */
export interface Parts<T> {
  readonly results: readonly T[];
  readonly failure: { readonly error: unknown } | undefined;
}

/** How many parts there are, and how many may run at once. */
interface Extent {
  readonly count: number;
  readonly atOnce: number;
}

/** Runs the parts of one thing, begun in their order. The first that fails ends the others. */
export async function runParts<T>(
  { count, atOnce }: Extent,
  run: (index: number, signal: AbortSignal) => Promise<T>,
  signal: CallSignal,
): Promise<Parts<T>> {
  const results = new Map<number, T>();
  const stop = new AbortController();
  const either = AbortSignal.any([asAbortSignal(signal), stop.signal]);
  let next = 0;
  let failure: Parts<T>['failure'];
  const lane = async (): Promise<void> => {
    while (next < count && failure === undefined) {
      const index = next;
      next += 1;
      try {
        results.set(index, await run(index, either));
      } catch (error) {
        failure ??= { error };
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, lane));
  const inOrder = [...results].toSorted(([a], [b]) => a - b).map(([, result]) => result);
  return { results: inOrder, failure };
}
