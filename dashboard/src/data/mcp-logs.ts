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
import { request } from '../api.ts';
import { keys } from './keys.ts';
import { logParams, type LogFilter, type LogPage } from './logs.ts';

/** One tool call. */
export type McpLog = McpLogView;

/** Calls, newest first unless the page says otherwise, and what they sum up to. */
export function mcpLogsQuery(filter: LogFilter, page: LogPage) {
  return queryOptions({
    queryKey: [...keys.mcpLogs, 'list', filter, page],
    queryFn: () => request<McpLogList>('GET', `/api/mcp-logs${logParams(filter, page)}`),
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
export function mcpOverviewQuery(filter: LogFilter) {
  return queryOptions({
    queryKey: [...keys.mcpLogs, 'overview', filter],
    placeholderData: keepPreviousData,
    async queryFn() {
      // One moment for all: they are about the same calls.
      const params = logParams(filter);
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
