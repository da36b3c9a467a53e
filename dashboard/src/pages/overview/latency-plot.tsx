import { countText, durationText } from '../../numbers.ts';
import type { Series } from '../../ui/plot.tsx';
import { TimePlot, timesOf, type Buckets, type PlotProps } from '../logs/plots.tsx';
import { isEnded, latenciesOf, PERCENTS, type Timed } from './latencies.ts';

const TONES = ['good', 'warn', 'bad'] as const satisfies readonly Series['tone'][];

interface LatencyProps extends PlotProps {
  readonly calls: readonly Timed[];
  /** Of so many in all. */
  readonly total: number;
  readonly volume: Buckets<object>;
}

/** How long it took. */
export function LatencyPlot({ calls, total, volume, onPick }: LatencyProps) {
  const values = latenciesOf(calls, timesOf(volume), volume.bucket_size_seconds);
  const count = calls.filter(isEnded).length;
  return (
    <TimePlot
      title="Time taken"
      text={`Percentiles of ${count < total ? 'the newest ' : ''}${countText(count)} calls.`}
      over={volume}
      series={PERCENTS.map((percent, index) => ({
        label: `p${percent}`,
        values: values[index] ?? [],
        tone: TONES[index] ?? 'muted',
        isBars: false,
      }))}
      unit={durationText}
      onPick={onPick}
    />
  );
}
