import type { TimeRange } from './log-filter.ts';
import { SPANS } from './rollups.ts';

/** Part of a range, and where it is counted: in the sums of one span, or in the rows themselves. */
export interface CoverPart extends TimeRange {
  readonly source: (typeof SPANS)[number] | 'rows';
}

/**
 * Cuts a range into parts that sums cover whole, the longest spans in the middle; rows are counted only at edges that fall
 * within a minute. `bucket`: no span may lie across a border of buckets of this length.
 */
export function coverRange(range: TimeRange, bucket: number): CoverPart[] {
  const spans = SPANS.filter((span) => span <= bucket && bucket % span === 0);
  return coverWith(range, spans);
}

function coverWith(range: TimeRange, spans: readonly (typeof SPANS)[number][]): CoverPart[] {
  if (range.from >= range.to) return [];
  const span = spans.at(-1);
  if (span === undefined) return [{ ...range, source: 'rows' }];
  const from = Math.ceil(range.from / span) * span;
  const to = Math.floor(range.to / span) * span;
  const finer = spans.slice(0, -1);
  if (from >= to) return coverWith(range, finer);
  return [
    ...coverWith({ from: range.from, to: from }, finer),
    { from, to, source: span },
    ...coverWith({ from: to, to: range.to }, finer),
  ];
}
