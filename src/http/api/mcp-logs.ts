import { z } from 'zod';
import {
  McpLogCostHistogram,
  McpLogFilterData,
  McpLogHistogram,
  McpLogList,
  McpLogRemoval,
  McpLogStats,
  McpLogTopTools,
  McpLogView,
} from '../../contract/log.ts';
import { GatewayError } from '../../lib/errors.ts';
import { describeChange, type Actor } from '../../governance/audit.ts';
import type { AuditStore } from '../../store/audit.ts';
import type { Database } from '../../store/database.ts';
import type { LedgerStore } from '../../store/ledger/ledger-store.ts';
import type { Ledger } from '../../telemetry/ledger.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import { countBuckets } from './mcp-log-buckets.ts';
import { filterOf, LogPageQuery, logPageOf, LogQuery } from './mcp-log-query.ts';
import { renderLog, renderStats, usd } from './mcp-log-view.ts';

interface Deps {
  /** Is flushed before each read, so that a read sees every call before it. */
  readonly ledger: Pick<Ledger, 'flush' | 'dropped'>;
  readonly store: LedgerStore;
  readonly database: Pick<Database, 'transaction'>;
  readonly audit: Pick<AuditStore, 'with'>;
}

/** Characters of arguments and result in a list; what is longer has to be asked for one by one. */
export const PREVIEW = 1000;
/** More than is kept. */
const ALL = 1_000_000;
const TOP_TOOLS = 10;

/** `/api/mcp-logs`: every tool call, and what they sum up to. */
export function mcpLogRoutes(deps: Deps): readonly Route[] {
  return [...sumRoutes(deps), ...histogramRoutes(deps), ...rowRoutes(deps)];
}

function sumRoutes({ ledger, store }: Deps): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/mcp-logs/stats',
      summary: 'Sum up MCP logs',
      scope: 'read',
      query: LogQuery,
      response: McpLogStats,
      async handle({ query }) {
        const filter = filterOf(query);
        await ledger.flush();
        return renderStats(await store.total(filter));
      },
    }),
    route({
      method: 'get',
      path: '/api/mcp-logs/filterdata',
      summary: 'List what MCP logs can be filtered by',
      scope: 'read',
      response: McpLogFilterData,
      async handle() {
        await ledger.flush();
        const { tool_names, server_labels, virtual_keys } = await store.filterValues();
        return { tool_names: [...tool_names], server_labels: [...server_labels], virtual_keys: [...virtual_keys] };
      },
    }),
    route({
      method: 'get',
      path: '/api/logs/dropped',
      summary: 'Count the calls that are missing from the logs',
      description:
        'Calls that were not logged because the database did not take them for too long. Nothing is missing from budgets.',
      scope: 'read',
      response: z.object({ dropped_requests: z.int() }),
      handle: () => ({ dropped_requests: ledger.dropped }),
    }),
  ];
}

function histogramRoutes({ ledger, store }: Deps): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/mcp-logs/histogram',
      summary: 'Count MCP logs over time',
      description: 'The length of a bucket follows from the range; empty buckets are there too.',
      scope: 'read',
      query: LogQuery,
      response: McpLogHistogram,
      async handle({ query }) {
        const filter = filterOf(query);
        await ledger.flush();
        return countBuckets(store, filter, ({ count, success, error }) => ({ count, success, error }));
      },
    }),
    route({
      method: 'get',
      path: '/api/mcp-logs/histogram/cost',
      summary: 'Sum up the cost of MCP logs over time',
      scope: 'read',
      query: LogQuery,
      response: McpLogCostHistogram,
      async handle({ query }) {
        const filter = filterOf(query);
        await ledger.flush();
        return countBuckets(store, filter, ({ cost }) => ({ total_cost: usd(cost) }));
      },
    }),
    route({
      method: 'get',
      path: '/api/mcp-logs/histogram/top-tools',
      summary: 'List the tools that are called most',
      scope: 'read',
      query: LogQuery,
      response: McpLogTopTools,
      async handle({ query }) {
        const filter = filterOf(query);
        await ledger.flush();
        const sums = await store.sums(filter, { by: 'tool' });
        const tools = [...sums].map(([name, { count, cost }]) => ({ tool_name: String(name), count, cost: usd(cost) }));
        tools.sort((a, b) => b.count - a.count || (a.tool_name < b.tool_name ? -1 : 1));
        return { tools: tools.slice(0, TOP_TOOLS) };
      },
    }),
  ];
}

function rowRoutes(deps: Deps): Route[] {
  const { ledger, store } = deps;
  return [
    route({
      method: 'get',
      path: '/api/mcp-logs',
      summary: 'List MCP logs',
      description: `Arguments and results are cut after ${PREVIEW} characters and then marked; a single log has more.`,
      scope: 'read',
      query: LogPageQuery,
      response: McpLogList,
      async handle({ query }) {
        const filter = filterOf(query);
        const page = logPageOf(query);
        await ledger.flush();
        const { logs, sums, hasLogs } = await store.list(filter, { ...page, preview: PREVIEW });
        return {
          logs: logs.map(renderLog),
          pagination: { ...page, total_count: sums.count },
          stats: renderStats(sums),
          has_logs: hasLogs,
        };
      },
    }),
    route({
      method: 'get',
      path: '/api/mcp-logs/{id}',
      summary: 'Get an MCP log',
      scope: 'read',
      response: McpLogView,
      async handle({ params }) {
        await ledger.flush();
        const log = await store.find(params.id, ALL);
        if (log === undefined) throw new GatewayError('not_found', `there is no MCP log ${params.id}`);
        return renderLog(log);
      },
    }),
    route({
      method: 'delete',
      path: '/api/mcp-logs',
      summary: 'Delete MCP logs',
      description: 'The sums no longer count them. What was spent stays spent.',
      scope: 'write',
      body: McpLogRemoval,
      response: z.object({ message: z.string() }),
      async handle({ body, actor }) {
        await ledger.flush();
        const count = await store.removeLogs(body.ids);
        await recordRemoval(deps, actor, { asked: body.ids.length, deleted: count });
        return { message: `${count} MCP log${count === 1 ? '' : 's'} deleted successfully` };
      },
    }),
  ];
}

/** After the deletion: the logs are in another database, and no transaction spans both. */
function recordRemoval(
  { database, audit }: Deps,
  actor: Actor,
  after: { asked: number; deleted: number },
): Promise<void> {
  const change = { action: 'delete', entity: 'mcp_logs', id: 'mcp_logs', name: 'MCP logs', after } as const;
  return database.transaction((tx) => audit.with(tx).append(describeChange(actor, change)));
}
