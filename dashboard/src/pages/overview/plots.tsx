import { lazy, Suspense, type ReactNode } from 'react';
import { countText, durationText, shortText, usdText } from '../../numbers.ts';
import { Section } from '../../ui/page.tsx';
import type { Series } from '../../ui/plot.tsx';
import { isEnded, latenciesOf, PERCENTS, type Timed } from './latencies.ts';

const Plot = lazy(async () => ({ default: (await import('../../ui/plot.tsx')).Plot }));

interface Buckets<T> {
  readonly buckets: readonly (T & { readonly timestamp: string })[];
  readonly bucket_size_seconds: number;
}

interface PlotProps {
  readonly onPick: (from: number, to: number) => void;
}

/** How much was asked, and how much of it failed. */
export function VolumePlot({ volume, onPick }: PlotProps & { volume: Buckets<{ success: number; error: number }> }) {
  const errors = volume.buckets.map(({ error }) => error);
  const all = volume.buckets.map(({ success, error }) => success + error);
  const [sum, failed] = [sumOf(all), sumOf(errors)];
  return (
    <Framed title="Volume and errors" text={`${countText(sum)} ended, ${countText(failed)} of them failed.`}>
      <Plot
        summary={`Volume over time: ${countText(sum)} ended, ${countText(failed)} failed.`}
        times={timesOf(volume)}
        series={[
          { label: 'All', values: all, tone: 'accent', isBars: true },
          { label: 'Failed', values: errors, tone: 'bad', isBars: true },
        ]}
        unit={shortText}
        onPick={onPick}
      />
    </Framed>
  );
}

/** What it cost. */
export function CostPlot({ cost, onPick }: PlotProps & { cost: Buckets<{ total_cost: number }> }) {
  const values = cost.buckets.map(({ total_cost }) => total_cost);
  const text = `${usdText(sumOf(values))} in all.`;
  return (
    <Framed title="Cost" text={text}>
      <Plot
        summary={`Cost over time: ${text}`}
        times={timesOf(cost)}
        series={[{ label: 'Cost', values, tone: 'good', isBars: true }]}
        unit={usdText}
        onPick={onPick}
      />
    </Framed>
  );
}

const TONES = ['good', 'warn', 'bad'] as const satisfies readonly Series['tone'][];

interface LatencyProps extends PlotProps {
  readonly calls: readonly Timed[];
  /** Of so many in all. */
  readonly total: number;
  readonly volume: Buckets<object>;
}

/** How long it took. */
export function LatencyPlot({ calls, total, volume, onPick }: LatencyProps) {
  const times = timesOf(volume);
  const values = latenciesOf(calls, times, volume.bucket_size_seconds);
  const count = calls.filter(isEnded).length;
  const text = count < total ? `Of the newest ${countText(count)} calls.` : `Of ${countText(count)} calls.`;
  return (
    <Framed title="Time taken" text={text}>
      <Plot
        summary={`Percentiles of the time taken. ${text}`}
        times={times}
        series={PERCENTS.map((percent, index) => ({
          label: `p${percent}`,
          values: values[index] ?? [],
          tone: TONES[index] ?? 'muted',
          isBars: false,
        }))}
        unit={durationText}
        onPick={onPick}
      />
    </Framed>
  );
}

function Framed({ title, text, children }: { title: string; text: string; children: ReactNode }) {
  return (
    <Section title={title} text={text}>
      <Suspense fallback={<div className="h-56" />}>{children}</Suspense>
    </Section>
  );
}

function timesOf({ buckets }: Buckets<object>): number[] {
  return buckets.map(({ timestamp }) => Date.parse(timestamp) / 1_000);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
