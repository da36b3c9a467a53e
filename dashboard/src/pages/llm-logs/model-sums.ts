import type { LlmPlotData } from '../../data/llm-logs.ts';

/** One model in a time. */
export interface ModelSum {
  readonly name: string;
  readonly count: number;
  readonly cost: number;
}

/** What each model was asked and cost, the one that was asked most first. */
export function byModel(
  { models, buckets }: Pick<LlmPlotData['models'], 'models' | 'buckets'>,
  cost: Pick<LlmPlotData['cost'], 'buckets'>,
): readonly ModelSum[] {
  const sums = models.map((name) => ({
    name,
    count: buckets.reduce((sum, { by_model }) => sum + (by_model[name]?.total ?? 0), 0),
    cost: cost.buckets.reduce((sum, { by_model }) => sum + (by_model[name] ?? 0), 0),
  }));
  return sums.toSorted((a, b) => b.count - a.count);
}
