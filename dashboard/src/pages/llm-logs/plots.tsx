import { Link } from '@tanstack/react-router';
import type { LlmPlotData } from '../../data/llm-logs.ts';
import { countText, durationText, shortText } from '../../numbers.ts';
import type { Series } from '../../ui/plot.tsx';
import { CostPlot, sumOf, TimePlot, VolumePlot, type PlotProps } from '../logs/plots.tsx';
import { Shares } from '../logs/shares.tsx';
import { byModel } from './model-sums.ts';

interface LlmPlotsProps extends PlotProps {
  readonly data: LlmPlotData;
}

const TONES = ['accent', 'good', 'warn', 'muted'] as const satisfies readonly Series['tone'][];

/** What requests to models sum up to over time. */
export function LlmPlots({ data, onPick }: LlmPlotsProps) {
  const sums = byModel(data.models, data.cost);
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-2">
      <VolumePlot volume={data.volume} onPick={onPick} />
      <TimesPlot latency={data.latency} onPick={onPick} />
      <TokenPlot tokens={data.tokens} onPick={onPick} />
      <CostPlot cost={data.cost} onPick={onPick} />
      <ModelPlot models={data.models} names={sums.map(({ name }) => name)} onPick={onPick} />
      <Shares
        title="Models"
        text="Each leads to its requests. What nobody knows the cost of is in no cost."
        shares={sums}
        linkTo={(model) => (
          <Link
            to="/workspace/logs"
            search={(search: object) => ({ ...search, model, view: undefined })}
            className="truncate hover:underline"
          >
            {model}
          </Link>
        )}
      />
    </div>
  );
}

function TimesPlot({ latency, onPick }: PlotProps & Pick<LlmPlotData, 'latency'>) {
  // In a bucket without requests nothing took no time.
  const times = (field: 'avg_latency' | 'p90_latency' | 'p95_latency' | 'p99_latency') =>
    latency.buckets.map((bucket) => (bucket.total_requests === 0 ? null : bucket[field]));
  return (
    <TimePlot
      title="Time taken"
      text="Mean and percentiles of all requests, within 5 %."
      over={latency}
      series={[
        { label: 'mean', values: times('avg_latency'), tone: 'accent' },
        { label: 'p90', values: times('p90_latency'), tone: 'good' },
        { label: 'p95', values: times('p95_latency'), tone: 'warn' },
        { label: 'p99', values: times('p99_latency'), tone: 'bad' },
      ]}
      unit={durationText}
      onPick={onPick}
    />
  );
}

function TokenPlot({ tokens, onPick }: PlotProps & Pick<LlmPlotData, 'tokens'>) {
  const all = tokens.buckets.map(({ total_tokens }) => total_tokens);
  const out = tokens.buckets.map(({ completion_tokens }) => completion_tokens);
  return (
    <TimePlot
      title="Tokens"
      text={`${countText(sumOf(all))} in all, ${countText(sumOf(out))} of them written by models.`}
      over={tokens}
      series={[
        { label: 'All', values: all, tone: 'accent', isBars: true },
        { label: 'Written', values: out, tone: 'good', isBars: true },
      ]}
      unit={shortText}
      onPick={onPick}
    />
  );
}

interface ModelPlotProps extends PlotProps, Pick<LlmPlotData, 'models'> {
  /** The one that is asked most first. */
  readonly names: readonly string[];
}

function ModelPlot({ models, names, onPick }: ModelPlotProps) {
  const shown = names.slice(0, TONES.length);
  return (
    <TimePlot
      title="Requests by model"
      text={names.length > shown.length ? `The ${shown.length} that are asked most of ${names.length}.` : 'All models.'}
      over={models}
      series={shown.map((name, index) => ({
        label: name,
        tone: TONES[index] ?? 'muted',
        values: models.buckets.map(({ by_model }) => by_model[name]?.total ?? 0),
      }))}
      unit={shortText}
      onPick={onPick}
    />
  );
}
