import { percentileOf } from '../../numbers.ts';

/** A call that took some time. */
export interface Timed {
  readonly timestamp: string;
  readonly latency?: number | undefined;
}

export const PERCENTS = [50, 95, 99] as const;

/** The percentiles of what began in each bucket, one list of values for each of PERCENTS; null where nothing did. */
export function latenciesOf(
  calls: readonly Timed[],
  starts: readonly number[],
  bucketSeconds: number,
): readonly (readonly (number | null)[])[] {
  const first = starts[0] ?? 0;
  const byBucket = Map.groupBy(calls.filter(isEnded), ({ timestamp }) =>
    Math.floor((Date.parse(timestamp) / 1_000 - first) / bucketSeconds),
  );
  return PERCENTS.map((percent) =>
    starts.map((_, index) =>
      percentileOf(
        (byBucket.get(index) ?? []).map(({ latency }) => latency),
        percent,
      ),
    ),
  );
}

/** What still runs took no time yet. */
export function isEnded<T extends Timed>(call: T): call is T & { readonly latency: number } {
  return call.latency !== undefined;
}
