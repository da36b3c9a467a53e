import { query } from '../api.ts';
import { momentsOf, type TimeRange } from '../ui/time-range.tsx';

/** One page of a list of logs and its order. */
export interface LogPage {
  readonly limit: number;
  readonly offset: number;
  readonly sort_by?: string | undefined;
  readonly order?: 'asc' | 'desc' | undefined;
}

/** Which logs are meant: words as the API takes them, in a time that may end now. */
export interface LogFilter extends TimeRange {
  readonly [word: string]: string | undefined;
}

/** The filter, and more, as the parameters of a request. */
export function logParams({ last, from, to, ...words }: LogFilter, more: Partial<LogPage> = {}): string {
  const { start, end } = momentsOf({ last, from, to });
  const isOpen = from === undefined || to === undefined;
  // A time until now has no end: the clock of this machine may be behind that of the gateway.
  return query({ ...words, start_time: start, ...(isOpen ? {} : { end_time: end }), ...more });
}
