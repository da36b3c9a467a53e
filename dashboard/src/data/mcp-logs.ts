import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { z } from 'zod';
import type {
  McpLogCostHistogram,
  McpLogFilterData,
  McpLogHistogram,
  McpLogList,
  McpLogStats,
  McpLogTopTools,
  McpLogView,
} from '../../../src/contract/log.ts';
import { query, request } from '../api.ts';
import { momentsOf, type TimeRange } from '../ui/time-range.tsx';
import { keys } from './keys.ts';

/** One tool call. */
export type McpLog = McpLogView;

/** Which calls are meant: words as the API takes them, in a time that may end now. */
export interface McpLogFilter extends TimeRange {
  readonly status?: string | undefined;
  readonly server_labels?: string | undefined;
  readonly tool_names?: string | undefined;
  readonly virtual_key_ids?: string | undefined;
  readonly llm_request_ids?: string | undefined;
  readonly min_latency?: string | undefined;
  readonly content_search?: string | undefined;
}

/** One page of a list and its order. */
export interface LogPage {
  readonly limit: number;
  readonly offset: number;
  readonly sort_by?: string | undefined;
  readonly order?: 'asc' | 'desc' | undefined;
}

/** Calls, newest first unless the page says otherwise, and what they sum up to. */
export function mcpLogsQuery(filter: McpLogFilter, page: LogPage) {
  return queryOptions({
    queryKey: [...keys.mcpLogs, 'list', filter, page],
    queryFn: () => request<McpLogList>('GET', `/api/mcp-logs${query({ ...paramsOf(filter), ...page })}`),
    placeholderData: keepPreviousData,
  });
}

/** One call with all of its arguments and its result. */
export function mcpLogQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.mcpLogs, 'one', id],
    queryFn: () => request<McpLog>('GET', `/api/mcp-logs/${encodeURIComponent(id)}`),
  });
}

/** What calls can be filtered by. */
export const mcpLogFilterDataQuery = queryOptions({
  queryKey: [...keys.mcpLogs, 'filterdata'],
  staleTime: 30_000,
  queryFn: () => request<z.infer<typeof McpLogFilterData>>('GET', '/api/mcp-logs/filterdata'),
});

/** What the overview shows of a time. */
export function mcpOverviewQuery(filter: McpLogFilter) {
  return queryOptions({
    queryKey: [...keys.mcpLogs, 'overview', filter],
    placeholderData: keepPreviousData,
    async queryFn() {
      // One moment for all: they are about the same calls.
      const params = query(paramsOf(filter));
      const [stats, volume, cost, top] = await Promise.all([
        request<McpLogStats>('GET', `/api/mcp-logs/stats${params}`),
        request<z.infer<typeof McpLogHistogram>>('GET', `/api/mcp-logs/histogram${params}`),
        request<z.infer<typeof McpLogCostHistogram>>('GET', `/api/mcp-logs/histogram/cost${params}`),
        request<z.infer<typeof McpLogTopTools>>('GET', `/api/mcp-logs/histogram/top-tools${params}`),
      ]);
      return { stats, volume, cost, top: top.tools };
    },
  });
}

/** Deletes calls from the logs. */
export async function deleteMcpLogs(ids: readonly string[]): Promise<string> {
  return (await request<{ message: string }>('DELETE', '/api/mcp-logs', { ids })).message;
}

function paramsOf({ last, from, to, ...words }: McpLogFilter): Record<string, string | undefined> {
  const { start, end } = momentsOf({ last, from, to });
  const isOpen = from === undefined || to === undefined;
  // A time until now has no end: the clock of this machine may be behind that of the gateway.
  return { ...words, start_time: start, ...(isOpen ? {} : { end_time: end }) };
}
