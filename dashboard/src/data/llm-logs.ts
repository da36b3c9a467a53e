import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { z } from 'zod';
import type {
  LlmCostHistogram,
  LlmLatencyHistogram,
  LlmLogFilterData,
  LlmLogHistogram,
  LlmLogList,
  LlmLogView,
  LlmModelHistogram,
  LlmTokenHistogram,
} from '../../../src/contract/llm-log.ts';
import { query, request } from '../api.ts';
import { keys } from './keys.ts';
import { logParams, type LogFilter, type LogPage } from './logs.ts';

/** One request to a model. */
export type LlmLog = LlmLogView;

/** Requests, newest first unless the page says otherwise, and what they sum up to. */
export function llmLogsQuery(filter: LogFilter, page: LogPage) {
  return queryOptions({
    queryKey: [...keys.llmLogs, 'list', filter, page],
    queryFn: () => request<LlmLogList>('GET', `/api/logs${logParams(filter, page)}`),
    placeholderData: keepPreviousData,
  });
}

/** One request with all that is kept of it. */
export function llmLogQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.llmLogs, 'one', id],
    queryFn: () => request<LlmLog>('GET', `/api/logs/${encodeURIComponent(id)}`),
  });
}

/** The further requests of one run of an agent, or of one chain of fallbacks, in their order. */
export function llmRunQuery(root: string) {
  const params = { parent_request_id: root, limit: 100, order: 'asc' };
  return queryOptions({
    queryKey: [...keys.llmLogs, 'run', root],
    queryFn: async () => (await request<LlmLogList>('GET', `/api/logs${query(params)}`)).logs,
  });
}

/** What requests can be filtered by. */
export const llmLogFilterDataQuery = queryOptions({
  queryKey: [...keys.llmLogs, 'filterdata'],
  staleTime: 30_000,
  queryFn: () => request<z.infer<typeof LlmLogFilterData>>('GET', '/api/logs/filterdata'),
});

/** What the plots show of a time. */
export function llmPlotsQuery(filter: LogFilter) {
  return queryOptions({
    queryKey: [...keys.llmLogs, 'plots', filter],
    placeholderData: keepPreviousData,
    async queryFn() {
      // One moment for all: they are about the same requests.
      const params = logParams(filter);
      const [volume, tokens, cost, models, latency] = await Promise.all([
        request<z.infer<typeof LlmLogHistogram>>('GET', `/api/logs/histogram${params}`),
        request<z.infer<typeof LlmTokenHistogram>>('GET', `/api/logs/histogram/tokens${params}`),
        request<z.infer<typeof LlmCostHistogram>>('GET', `/api/logs/histogram/cost${params}`),
        request<z.infer<typeof LlmModelHistogram>>('GET', `/api/logs/histogram/models${params}`),
        request<z.infer<typeof LlmLatencyHistogram>>('GET', `/api/logs/histogram/latency${params}`),
      ]);
      return { volume, tokens, cost, models, latency };
    },
  });
}

/** What the plots are drawn from. */
export type LlmPlotData = Awaited<ReturnType<NonNullable<ReturnType<typeof llmPlotsQuery>['queryFn']>>>;

/** Deletes requests from the logs. */
export async function deleteLlmLogs(ids: readonly string[]): Promise<string> {
  return (await request<{ message: string }>('DELETE', '/api/logs', { ids })).message;
}
