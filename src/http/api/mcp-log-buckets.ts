import type { LogFilter } from '../../store/ledger/log-filter.ts';
import type { LedgerStore } from '../../store/ledger/ledger-store.ts';
import type { Sums } from '../../store/ledger/sums.ts';
import { timeText } from './mcp-log-view.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The length of a bucket, by the length of the range. */
const SIZES: readonly (readonly [range: number, bucket: number])[] = [
  [365 * DAY, 30 * DAY],
  [90 * DAY, 7 * DAY],
  [30 * DAY, 3 * DAY],
  [7 * DAY, DAY],
  [3 * DAY, 8 * HOUR],
  [DAY, HOUR],
  [2 * HOUR, 10 * MINUTE],
  [0, MINUTE],
];
const SIZE_WITHOUT_RANGE = HOUR;

export interface Buckets<T> {
  readonly buckets: (T & { timestamp: string })[];
  readonly bucket_size_seconds: number;
}

type Reader = Pick<LedgerStore, 'sums' | 'span'>;

/** Counts the calls of a filter bucket by bucket, from the beginning of the range to its end; empty buckets are there too. */
export async function countBuckets<T extends object>(
  store: Reader,
  filter: LogFilter,
  render: (sums: Sums) => T,
): Promise<Buckets<T>> {
  const { size, starts } = planBuckets(filter, await store.span());
  const sums = await store.sums(filter, { by: 'time', bucket: size });
  const buckets = starts.map((start) => ({ timestamp: timeText(start), ...render(sums.get(start) ?? EMPTY) }));
  return { buckets, bucket_size_seconds: size / 1000 };
}

/** The buckets of a range of time, in milliseconds. `span` is when the first and the last log are from. */
export function planBuckets(
  range: Pick<LogFilter, 'from' | 'to'>,
  span: { readonly first: number; readonly last: number } | undefined,
): { readonly size: number; readonly starts: readonly number[] } {
  const now = Date.now();
  const size = range.from === undefined ? SIZE_WITHOUT_RANGE : sizeFor((range.to ?? now) - range.from);
  const { first, last } = bordersOf(range, { first: now, last: now, ...span, now });
  const starts: number[] = [];
  for (let start = Math.floor(first / size) * size; start <= last; start += size) starts.push(start);
  return { size, starts };
}

const EMPTY: Sums = { count: 0, success: 0, error: 0, latency: 0, cost: 0 };

function sizeFor(range: number): number {
  return SIZES.find(([least]) => range >= least)?.[1] ?? MINUTE;
}

/** Nobody needs the empty buckets before the year 1970 or after tomorrow. */
function bordersOf(
  { from, to }: Pick<LogFilter, 'from' | 'to'>,
  { first, last, now }: { first: number; last: number; now: number },
) {
  const latest = Math.max(now + DAY, last);
  return {
    first: Math.max(0, from ?? Math.min(first, to ?? first)),
    last: Math.min(to ?? (from === undefined ? last : Math.max(now, last)), latest),
  };
}
