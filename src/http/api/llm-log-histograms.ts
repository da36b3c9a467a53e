import {
  LlmCostHistogram,
  LlmLatencyHistogram,
  LlmLogHistogram,
  LlmModelHistogram,
  LlmTokenHistogram,
} from '../../contract/llm-log.ts';
import { toUsd } from '../../lib/money.ts';
import type { LedgerStore } from '../../store/ledger/ledger-store.ts';
import type { LlmFilter } from '../../store/ledger/llm/filter.ts';
import { percentile } from '../../store/ledger/llm/latency-slots.ts';
import { NO_SUMS, type LlmGroup, type LlmSums } from '../../store/ledger/llm/sums.ts';
import type { Ledger } from '../../telemetry/ledger.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import { llmFilterOf, LlmLogQuery } from './llm-log-query.ts';
import { planBuckets } from './mcp-log-buckets.ts';
import { timeText } from './mcp-log-view.ts';

interface Deps {
  readonly ledger: Pick<Ledger, 'flush'>;
  readonly store: Pick<LedgerStore, 'sumsLlm' | 'latenciesLlm' | 'spanLlm'>;
}

type Stamped<T> = T & { timestamp: string };

/** `/api/logs/histogram…`: what requests to models sum up to over time. */
export function llmHistogramRoutes({ ledger, store }: Deps): Route[] {
  const definition = { method: 'get', scope: 'read', query: LlmLogQuery } as const;

  async function plan(filter: LlmFilter) {
    await ledger.flush();
    return planBuckets(filter, await store.spanLlm());
  }

  async function overTime<T extends object>(filter: LlmFilter, render: (sums: LlmSums) => T) {
    const { size, starts } = await plan(filter);
    const groups = await store.sumsLlm(filter, { bucket: size });
    const at = new Map(groups.map((group) => [group.time, group]));
    return within(size, starts, (start) => render(at.get(start) ?? NO_SUMS));
  }

  async function overModels<T extends object>(filter: LlmFilter, render: (groups: readonly LlmGroup[]) => T) {
    const { size, starts } = await plan(filter);
    const groups = await store.sumsLlm(filter, { bucket: size, byModel: true });
    const at = Map.groupBy(groups, ({ time }) => time);
    const models = [...new Set(groups.map(({ model }) => model))].toSorted();
    return { ...within(size, starts, (start) => render(at.get(start) ?? [])), models };
  }

  return [
    route({
      ...definition,
      path: '/api/logs/histogram',
      summary: 'Count requests to models over time',
      description: 'The length of a bucket follows from the range; empty buckets are there too.',
      response: LlmLogHistogram,
      handle: ({ query }) =>
        overTime(llmFilterOf(query), ({ count, running, success, error }) => ({
          ...{ count: count + running, success, error },
        })),
    }),
    route({
      ...definition,
      path: '/api/logs/histogram/tokens',
      summary: 'Sum up tokens over time',
      response: LlmTokenHistogram,
      handle: ({ query }) => overTime(llmFilterOf(query), tokensOf),
    }),
    route({
      ...definition,
      path: '/api/logs/histogram/cost',
      summary: 'Sum up the cost of requests to models over time',
      description: 'What nobody knows the cost of is not in it; see `cost_unknown_requests` of the statistics.',
      response: LlmCostHistogram,
      handle: ({ query }) => overModels(llmFilterOf(query), costOf),
    }),
    route({
      ...definition,
      path: '/api/logs/histogram/models',
      summary: 'Count requests by model over time',
      response: LlmModelHistogram,
      handle: ({ query }) => overModels(llmFilterOf(query), countsOf),
    }),
    route({
      ...definition,
      path: '/api/logs/histogram/latency',
      summary: 'Tell how long requests to models took over time',
      description: 'Milliseconds; the percentiles within 5 %.',
      response: LlmLatencyHistogram,
      async handle({ query }) {
        const filter = llmFilterOf(query);
        const { size, starts } = await plan(filter);
        const sums = new Map((await store.sumsLlm(filter, { bucket: size })).map((group) => [group.time, group]));
        const spread = new Map((await store.latenciesLlm(filter, size)).map(({ time, slots }) => [time, slots]));
        return within(size, starts, (start) => latencyOf(sums.get(start), spread.get(start)));
      },
    }),
  ];
}

function within<T extends object>(size: number, starts: readonly number[], render: (start: number) => T) {
  const buckets: Stamped<T>[] = starts.map((start) => ({ timestamp: timeText(start), ...render(start) }));
  return { buckets, bucket_size_seconds: size / 1000 };
}

function tokensOf({ prompt_tokens, completion_tokens, total_tokens, cached_read_tokens }: LlmSums) {
  return { prompt_tokens, completion_tokens, total_tokens, cached_read_tokens };
}

function costOf(groups: readonly LlmGroup[]) {
  const total = groups.reduce((sum, { cost_sum }) => sum + cost_sum, 0);
  const by_model = Object.fromEntries(groups.map(({ model, cost_sum }) => [model, toUsd(cost_sum)]));
  return { total_cost: toUsd(total), by_model };
}

function countsOf(groups: readonly LlmGroup[]) {
  const counts = groups.map(
    ({ model, count, running, success, error }) => [model, { total: count + running, success, error }] as const,
  );
  return { by_model: Object.fromEntries(counts) };
}

function latencyOf(sums: LlmSums = NO_SUMS, slots: ReadonlyMap<number, number> = new Map()) {
  const { count, latency_sum } = sums;
  const at = (share: number) => percentile(slots, share) / 1000;
  return {
    avg_latency: count === 0 ? 0 : latency_sum / count / 1000,
    ...{ p90_latency: at(0.9), p95_latency: at(0.95), p99_latency: at(0.99) },
    total_requests: count,
  };
}
