import { z } from 'zod';
import { LlmLogFilterData, LlmLogList, LlmLogRemoval, LlmLogStats, LlmLogView } from '../../contract/llm-log.ts';
import { describeChange, type Actor } from '../../governance/audit.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { AuditStore } from '../../store/audit.ts';
import type { Database } from '../../store/database.ts';
import type { LedgerStore } from '../../store/ledger/ledger-store.ts';
import type { Named } from '../../store/ledger/llm/read.ts';
import type { Ledger } from '../../telemetry/ledger.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';
import { llmHistogramRoutes } from './llm-log-histograms.ts';
import { llmFilterOf, LlmLogPageQuery, LlmLogQuery } from './llm-log-query.ts';
import { LLM_PREVIEW, nameOrNote, renderListed, renderLlmStats, renderWhole, type IsGone } from './llm-log-view.ts';
import { logPageOf } from './mcp-log-query.ts';

interface Deps {
  /** Is flushed before each read, so that a read sees every request before it. */
  readonly ledger: Pick<Ledger, 'flush'>;
  readonly store: LedgerStore;
  readonly database: Pick<Database, 'transaction'>;
  readonly audit: Pick<AuditStore, 'with'>;
  readonly isGone: IsGone;
}

/** More than is kept. */
const ALL = 1_000_000;

/** `/api/logs`: every request to a model, and what they sum up to. */
export function llmLogRoutes(deps: Deps): readonly Route[] {
  return [...sumRoutes(deps), ...llmHistogramRoutes(deps), ...readRoutes(deps), removeRoute(deps)];
}

function sumRoutes({ ledger, store, isGone }: Deps): Route[] {
  const noted = (kind: 'virtual_key' | 'selected_key', keys: readonly Named[]) =>
    keys.map(({ id, name }) => ({ id, name: nameOrNote(name, isGone(kind, id)) }));
  return [
    route({
      method: 'get',
      path: '/api/logs/stats',
      summary: 'Sum up requests to models',
      scope: 'read',
      query: LlmLogQuery,
      response: LlmLogStats,
      async handle({ query }) {
        const filter = llmFilterOf(query);
        await ledger.flush();
        return renderLlmStats(await store.totalLlm(filter));
      },
    }),
    route({
      method: 'get',
      path: '/api/logs/filterdata',
      summary: 'List what requests to models can be filtered by',
      scope: 'read',
      response: LlmLogFilterData,
      async handle() {
        await ledger.flush();
        const { providers, models, objects, selected_keys, virtual_keys } = await store.filterValuesLlm();
        return {
          ...{ providers: [...providers], models: [...models], objects: [...objects], routing_rules: [] },
          selected_keys: noted('selected_key', selected_keys),
          virtual_keys: noted('virtual_key', virtual_keys),
        };
      },
    }),
  ];
}

function readRoutes({ ledger, store, isGone }: Deps): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/logs',
      summary: 'List requests to models',
      description: `Texts are cut after ${LLM_PREVIEW} characters and then marked; a single log has more, and parameters and tools.`,
      scope: 'read',
      query: LlmLogPageQuery,
      response: LlmLogList,
      async handle({ query }) {
        const filter = llmFilterOf(query);
        const page = logPageOf(query);
        await ledger.flush();
        const { logs, sums, hasLogs } = await store.listLlm(filter, { ...page, preview: LLM_PREVIEW });
        return {
          logs: logs.map((log) => renderListed(log, isGone)),
          pagination: { ...page, total_count: sums.count + sums.running },
          stats: renderLlmStats(sums),
          has_logs: hasLogs,
        };
      },
    }),
    route({
      method: 'get',
      path: '/api/logs/{id}',
      summary: 'Get a request to a model',
      scope: 'read',
      response: LlmLogView,
      async handle({ params }) {
        await ledger.flush();
        const log = await store.findLlm(params.id, ALL);
        if (log === undefined) throw new GatewayError('not_found', `There is no log with the id "${params.id}"`);
        return renderWhole(log, isGone);
      },
    }),
  ];
}

function removeRoute(deps: Deps): Route {
  const { ledger, store } = deps;
  return route({
    method: 'delete',
    path: '/api/logs',
    summary: 'Delete logs of requests to models',
    description: 'The sums no longer count them. What was spent stays spent.',
    scope: 'write',
    body: LlmLogRemoval,
    response: z.object({ message: z.string() }),
    async handle({ body, actor }) {
      await ledger.flush();
      const count = await store.removeLlmLogs(body.ids);
      await recordRemoval(deps, actor, { asked: body.ids.length, deleted: count });
      return { message: `${count} log${count === 1 ? '' : 's'} deleted successfully` };
    },
  });
}

/** After the deletion: the logs are in another database, and no transaction spans both. */
function recordRemoval({ database, audit }: Deps, actor: Actor, after: { asked: number; deleted: number }) {
  const change = { action: 'delete', entity: 'llm_logs', id: 'llm_logs', name: 'LLM logs', after } as const;
  return database.transaction((tx) => audit.with(tx).append(describeChange(actor, change)));
}
