import { lazy, Suspense } from 'react';
import { countText, shortText, usdText } from '../../numbers.ts';
import { Section } from '../../ui/page.tsx';
import type { Series } from '../../ui/plot.tsx';
import type { TimeRange } from '../../ui/time-range.tsx';

const Plot = lazy(async () => ({ default: (await import('../../ui/plot.tsx')).Plot }));

/** Sums of equal times, as the API gives them. */
export interface Buckets<T> {
  readonly buckets: readonly (T & { readonly timestamp: string })[];
  readonly bucket_size_seconds: number;
}

/** What every plot gets. */
export interface PlotProps {
  /** Dragging picks a time, in seconds. */
  readonly onPick: (from: number, to: number) => void;
}

interface TimePlotProps extends PlotProps {
  readonly title: string;
  /** What it shows, in a sentence with the numbers that matter. */
  readonly text: string;
  readonly over: Buckets<object>;
  readonly series: readonly Series[];
  readonly unit: (value: number) => string;
}

/** A plot over time with its heading. */
export function TimePlot({ title, text, over, series, unit, onPick }: TimePlotProps) {
  return (
    <Section title={title} text={text}>
      <Suspense fallback={<div className="h-56" />}>
        <Plot
          summary={`${title} over time: ${text}`}
          times={timesOf(over)}
          series={series}
          unit={unit}
          onPick={onPick}
        />
      </Suspense>
    </Section>
  );
}

/** How much was asked, and how much of it failed. */
export function VolumePlot({ volume, onPick }: PlotProps & { volume: Buckets<{ success: number; error: number }> }) {
  const errors = volume.buckets.map(({ error }) => error);
  const all = volume.buckets.map(({ success, error }) => success + error);
  return (
    <TimePlot
      title="Volume and errors"
      text={`${countText(sumOf(all))} ended, ${countText(sumOf(errors))} of them failed.`}
      over={volume}
      series={[
        { label: 'All', values: all, tone: 'accent', isBars: true },
        { label: 'Failed', values: errors, tone: 'bad', isBars: true },
      ]}
      unit={shortText}
      onPick={onPick}
    />
  );
}

/** What it cost. */
export function CostPlot({ cost, onPick }: PlotProps & { cost: Buckets<{ total_cost: number }> }) {
  const values = cost.buckets.map(({ total_cost }) => total_cost);
  return (
    <TimePlot
      title="Cost"
      text={`${usdText(sumOf(values))} in all.`}
      over={cost}
      series={[{ label: 'Cost', values, tone: 'good', isBars: true }]}
      unit={usdText}
      onPick={onPick}
    />
  );
}

/** When the buckets begin, in seconds. */
export function timesOf({ buckets }: Buckets<object>): number[] {
  return buckets.map(({ timestamp }) => Date.parse(timestamp) / 1_000);
}

/** The time that was picked on a plot. */
export function rangeOf(from: number, to: number): Required<Pick<TimeRange, 'from' | 'to'>> {
  const momentOf = (seconds: number): string => new Date(Math.round(seconds) * 1_000).toISOString();
  return { from: momentOf(from), to: momentOf(to) };
}

/** The sum of numbers. */
export function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
