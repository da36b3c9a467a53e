import { expect, test } from 'vitest';
import { durationText, nextReset, untilText } from '../dashboard/src/reset-time.ts';
import { windowAt } from '../src/lib/window.ts';

const NOW = Date.parse('2027-02-11T10:20:30Z');
const anchor = Date.parse('2026-05-31T23:59:58Z');

test.each(['30s', '5m', '2h', '1d', '3d', '1w', '1M', '5M', '1Q', '1Y'])(
  'the next reset of %s is where the window of the gateway ends',
  (duration) => {
    for (const isCalendar of [false, true]) {
      const { start, end } = windowAt({ duration, isCalendar, anchor }, NOW);
      expect(nextReset(new Date(start).toISOString(), duration, isCalendar).getTime()).toBe(end);
    }
  },
);

test('durations and moments to come are said in words', () => {
  expect(['1d', '3M', '1Q', 'soon'].map(durationText)).toEqual(['day', '3 months', 'quarter', 'soon']);
  const after = (ms: number): string => untilText(new Date(NOW + ms), NOW);
  expect([after(5_000), after(125_000), after(7_200_000)]).toEqual(['in 5 s', 'in 2 min', 'in 2 h']);
  expect(after(30 * 86_400_000)).toContain('2027');
});
