import { GatewayError } from './errors.ts';

const DAY = 86_400_000;
/** Of those units that do not follow the calendar: a month is 30 days, a quarter 90, a year 365. */
const MILLISECONDS = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: DAY,
  w: 7 * DAY,
  M: 30 * DAY,
  Q: 90 * DAY,
  Y: 365 * DAY,
} as const;
type Unit = keyof typeof MILLISECONDS;

/** 1970-01-05, the first Monday of the epoch. */
const FIRST_MONDAY = 4 * DAY;
const MONTHS_UNTIL_1970 = 1970 * 12;
/** The last instant that a Date can hold; the first is its negative. */
const END_OF_TIME = 8.64e15;

/** When a budget or limit starts anew. */
export interface WindowSpec {
  /** A whole number and one of s m h d w M Q Y, such as "1d". */
  readonly duration: string;
  /** Windows begin on borders of the UTC calendar; without effect on s, m and h. */
  readonly isCalendar: boolean;
  /** Epoch milliseconds: some window that does not follow the calendar begins here. */
  readonly anchor: number;
  /** The month in which the first quarter begins, 1 to 12; 1 unless said. */
  readonly quarterStartMonth?: number | undefined;
}

/** From `start` until just before `end`, epoch milliseconds. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** The window that an instant is in. It follows from the arguments alone, so that all processes agree without talking. */
export function windowAt(spec: WindowSpec, now: number): Window {
  const [count, unit] = parse(spec.duration);
  if (spec.isCalendar) {
    switch (unit) {
      case 'd':
        return onGrid(0, count * DAY, now);
      case 'w':
        return onGrid(FIRST_MONDAY, count * 7 * DAY, now);
      case 'M':
        return onMonths(MONTHS_UNTIL_1970, count, now);
      case 'Q':
        return onMonths(MONTHS_UNTIL_1970 + (spec.quarterStartMonth ?? 1) - 1, 3 * count, now);
      case 'Y':
        return onMonths(0, 12 * count, now);
      case 's':
      case 'm':
      case 'h':
        break;
    }
  }
  return onGrid(spec.anchor, count * MILLISECONDS[unit], now);
}

function parse(duration: string): [count: number, unit: Unit] {
  const [, count, unit] = /^([1-9]\d{0,5})([smhdwMQY])$/.exec(duration) ?? [];
  if (unit === undefined) {
    throw new GatewayError('invalid_request', `"${duration}" is not a duration such as "1h", "1d", "1w" or "1M"`);
  }
  return [Number(count), unit as Unit]; // the expression lets through nothing else
}

function onGrid(anchor: number, length: number, now: number): Window {
  const index = Math.floor((now - anchor) / length);
  // Both ends by the same formula, so that neighbours touch even where a number is no longer exact.
  return { start: inTime(anchor + index * length), end: inTime(anchor + (index + 1) * length) };
}

/** Groups of `size` months, counted from month `base`; month 0 is January of the year 0. */
function onMonths(base: number, size: number, now: number): Window {
  const date = new Date(now);
  const index = Math.floor((date.getUTCFullYear() * 12 + date.getUTCMonth() - base) / size);
  return { start: startOfMonth(base + index * size), end: startOfMonth(base + (index + 1) * size) };
}

function startOfMonth(month: number): number {
  // Counted from 1970, because Date.UTC takes the years 0 to 99 for 1900 to 1999.
  const start = Date.UTC(1970, month - MONTHS_UNTIL_1970);
  return Number.isNaN(start) ? Math.sign(month) * END_OF_TIME : start;
}

function inTime(instant: number): number {
  return Math.max(-END_OF_TIME, Math.min(END_OF_TIME, instant));
}
