const DAY = 86_400_000;
const LENGTHS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: DAY,
  w: 7 * DAY,
  M: 30 * DAY,
  Q: 90 * DAY,
  Y: 365 * DAY,
};
const MONTHS: Readonly<Record<string, number>> = { M: 1, Q: 3, Y: 12 };

/** When a budget or limit starts anew: one window after the last time, counted as the gateway does. */
export function nextReset(lastReset: string, duration: string, isCalendar = false): Date {
  const start = new Date(lastReset);
  const [count, unit] = [Number.parseInt(duration, 10), duration.slice(-1)];
  const months = MONTHS[unit];
  if (isCalendar && months !== undefined) {
    return new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + count * months));
  }
  return new Date(start.getTime() + count * (LENGTHS[unit] ?? 0));
}

const UNITS: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  M: 'month',
  Q: 'quarter',
  Y: 'year',
};

/** "1d" is a day, "3M" are 3 months. */
export function durationText(duration: string): string {
  const [count, unit] = [Number.parseInt(duration, 10), UNITS[duration.slice(-1)]];
  if (unit === undefined || Number.isNaN(count)) return duration;
  return count === 1 ? unit : `${count} ${unit}s`;
}

/** How long until a moment: "in 5 min", and after two days which day. */
export function untilText(moment: Date, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((moment.getTime() - now) / 1_000));
  if (seconds < 60) return `in ${seconds} s`;
  if (seconds < 3_600) return `in ${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `in ${Math.floor(seconds / 3_600)} h`;
  return `on ${moment.toLocaleDateString(undefined, { dateStyle: 'medium' })}`;
}
