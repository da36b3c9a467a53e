import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { llmLogQuery, llmRunQuery, type LlmLog } from '../../data/llm-logs.ts';
import { mcpLogsQuery, type McpLog } from '../../data/mcp-logs.ts';
import { durationText, usdText } from '../../numbers.ts';
import { StatusBadge } from '../logs/content.tsx';

const DAY_MS = 86_400_000;
const CALLS = { limit: 200, offset: 0, sort_by: 'timestamp', order: 'asc' } as const;

/** What belongs to the same run of an agent: further requests, and the calls of tools in between. */
export function Run({ log }: { log: LlmLog }) {
  const root = log.parent_request_id ?? log.id;
  const began = Date.parse(log.timestamp);
  const around = {
    from: new Date(began - DAY_MS).toISOString(),
    to: new Date(began + DAY_MS).toISOString(),
    llm_request_ids: root,
  };
  const { data: first } = useQuery(llmLogQuery(root));
  const { data: further = [] } = useQuery(llmRunQuery(root));
  const { data: calls } = useQuery(mcpLogsQuery(around, CALLS));
  const requests = first === undefined ? further : [first, ...further];
  const steps = [
    ...requests.map((request) => ({ at: request.timestamp, key: request.id, request })),
    ...(calls?.logs ?? []).map((call) => ({ at: call.timestamp, key: call.id, call })),
  ].toSorted((a, b) => (a.at < b.at ? -1 : 1));
  if (steps.length < 2) return null;
  return (
    <section>
      <h3 className="pb-1 text-sm font-semibold">The whole run</h3>
      <ol aria-label="Steps of the run" className="flex flex-col divide-y rounded-md border text-sm">
        {steps.map((step) => (
          <li key={step.key} className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1 px-3 py-1.5">
            {'call' in step ? <CallStep call={step.call} /> : <RequestStep request={step.request} shown={log.id} />}
          </li>
        ))}
      </ol>
    </section>
  );
}

function RequestStep({ request, shown }: { request: LlmLog; shown: string }) {
  const { id, provider, model, status, latency, cost } = request;
  const name = `${provider}/${model}`;
  return (
    <>
      <StatusBadge status={status} />
      <span className="min-w-0 flex-1 basis-40 truncate">
        {id === shown ? (
          <span className="font-medium">{name} (this one)</span>
        ) : (
          <Link
            to="/workspace/logs"
            search={(search: object) => ({ ...search, selected: id })}
            className="text-accent underline"
          >
            {name}
          </Link>
        )}
      </span>
      <Sums latency={latency} cost={cost} isRunning={status === 'processing'} />
    </>
  );
}

function CallStep({ call: { id, tool_name, server_label, status, latency, cost } }: { call: McpLog }) {
  return (
    <>
      <StatusBadge status={status} />
      <span className="min-w-0 flex-1 basis-40 truncate">
        calls{' '}
        <Link
          to="/workspace/mcp-logs"
          search={{ selected: id, last: '30d' }}
          className="font-mono text-accent underline"
        >
          {tool_name}
        </Link>
        {server_label !== undefined && <span className="text-muted"> of {server_label}</span>}
      </span>
      <Sums latency={latency} cost={cost} isRunning={status === 'processing'} />
    </>
  );
}

function Sums({ latency, cost, isRunning }: { latency: number | undefined; cost: number | null; isRunning: boolean }) {
  return (
    <span className="text-muted tabular-nums">
      {durationText(latency)} · {isRunning ? '–' : usdText(cost)}
    </span>
  );
}
