import fc from 'fast-check';
import { expect, test } from 'vitest';
import { windowAt, type WindowSpec } from './window.ts';

const DAY = 86_400_000;
const units = ['s', 'm', 'h', 'd', 'w', 'M', 'Q', 'Y'] as const;

const spec: fc.Arbitrary<WindowSpec> = fc.record({
  duration: fc
    .tuple(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 999_999 })), fc.constantFrom(...units))
    .map(([count, unit]) => `${count}${unit}`),
  isCalendar: fc.boolean(),
  anchor: fc.integer({ min: 0, max: 4e12 }),
  quarterStartMonth: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
});
const instant = fc.integer({ min: -1e12, max: 8e12 });

test('an instant is in its window', () => {
  fc.assert(
    fc.property(spec, instant, (spec, now) => {
      const { start, end } = windowAt(spec, now);
      expect(start).toBeLessThanOrEqual(now);
      expect(now).toBeLessThan(end);
    }),
    { numRuns: 2_000 },
  );
});

test('neighbouring windows touch, and each instant has one window only', () => {
  fc.assert(
    fc.property(spec, instant, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (spec, now, share) => {
      const window = windowAt(spec, now);
      const inside = Math.min(Math.floor(window.start + share * (window.end - window.start)), window.end - 1);
      expect(windowAt(spec, inside)).toEqual(window);
      expect(windowAt(spec, window.end - 1)).toEqual(window);
      expect(windowAt(spec, window.start)).toEqual(window);
      if (window.end < 8e15) expect(windowAt(spec, window.end).start).toBe(window.end);
      if (window.start > -8e15) expect(windowAt(spec, window.start - 1).end).toBe(window.start);
    }),
    { numRuns: 2_000 },
  );
});

test('windows that do not follow the calendar are all of one length, on a grid through the anchor', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.nat(4e12), instant, (count, anchor, now) => {
      for (const [unit, length] of Object.entries({
        s: 1e3,
        m: 6e4,
        h: 36e5,
        d: DAY,
        w: 7 * DAY,
        M: 30 * DAY,
        Q: 90 * DAY,
        Y: 365 * DAY,
      })) {
        const { start, end } = windowAt({ duration: `${count}${unit}`, isCalendar: false, anchor }, now);
        expect(end - start).toBe(count * length);
        expect(Math.abs(start - anchor) % (count * length)).toBe(0);
      }
    }),
  );
});

test.for<[duration: string, quarterStartMonth: number | undefined, start: string, end: string]>([
  ['1d', undefined, '2026-08-13', '2026-08-14'],
  ['1w', undefined, '2026-08-10', '2026-08-17'],
  ['1M', undefined, '2026-08-01', '2026-09-01'],
  ['1Q', undefined, '2026-07-01', '2026-10-01'],
  ['1Q', 1, '2026-07-01', '2026-10-01'],
  ['1Q', 2, '2026-08-01', '2026-11-01'],
  ['1Q', 6, '2026-06-01', '2026-09-01'],
  ['1Q', 12, '2026-06-01', '2026-09-01'],
  ['1Y', undefined, '2026-01-01', '2027-01-01'],
  // Groups of months count from January 1970, groups of years from the year 0.
  ['5M', undefined, '2026-04-01', '2026-09-01'],
  ['2Q', undefined, '2026-07-01', '2027-01-01'],
  ['10Y', undefined, '2020-01-01', '2030-01-01'],
])('on the calendar, %s with quarters from month %s is %s to %s', ([duration, quarterStartMonth, start, end]) => {
  const window = windowAt(
    { duration, isCalendar: true, anchor: 123_456_789, quarterStartMonth },
    Date.parse('2026-08-13T14:15:16Z'),
  );
  expect(window).toEqual({ start: Date.parse(start), end: Date.parse(end) });
});

test('groups of days and weeks begin on the same days for everybody', () => {
  const now = Date.parse('2026-08-13T14:15:16Z');
  for (const anchor of [0, 999]) {
    const days = windowAt({ duration: '3d', isCalendar: true, anchor }, now);
    expect([(days.start / DAY) % 3, (days.end - days.start) / DAY]).toEqual([0, 3]);
    const weeks = windowAt({ duration: '2w', isCalendar: true, anchor }, now);
    expect(new Date(weeks.start).getUTCDay()).toBe(1);
    expect([((weeks.start - Date.parse('1970-01-05')) / DAY) % 14, (weeks.end - weeks.start) / DAY]).toEqual([0, 14]);
  }
});

test('seconds, minutes and hours do not follow the calendar', () => {
  fc.assert(
    fc.property(fc.constantFrom('30s', '5m', '7h'), fc.nat(4e12), instant, (duration, anchor, now) => {
      expect(windowAt({ duration, isCalendar: true, anchor }, now)).toEqual(
        windowAt({ duration, isCalendar: false, anchor }, now),
      );
    }),
  );
});

test('both ends are instants that can be written as a date, however long the window', () => {
  fc.assert(
    fc.property(fc.constantFrom('d', 'w', 'M', 'Q', 'Y'), fc.boolean(), instant, (unit, isCalendar, now) => {
      const { start, end } = windowAt({ duration: `999999${unit}`, isCalendar, anchor: 1.7e12 }, now);
      expect(() => [new Date(start).toISOString(), new Date(end).toISOString()]).not.toThrow();
    }),
  );
});

test.for(['', '1', 'd', '0d', '01d', '-1d', '1.5h', '1D', '1 d', '1d ', '1000000d', '1h30m'])(
  '"%s" is no duration',
  (duration) => {
    expect(() => windowAt({ duration, isCalendar: false, anchor: 0 }, 0)).toThrow(/is not a duration/);
  },
);
