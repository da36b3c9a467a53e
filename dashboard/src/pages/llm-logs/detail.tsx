import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { keys } from '../../data/keys.ts';
import { deleteLlmLogs, llmLogQuery, type LlmLog } from '../../data/llm-logs.ts';
import { countText, durationText, usdText } from '../../numbers.ts';
import { Facts } from '../../ui/facts.tsx';
import { Content, FaultText, momentText, StatusBadge } from '../logs/content.tsx';
import { endOf, LogDrawer, type DetailProps } from '../logs/log-drawer.tsx';
import { Conversation } from './conversation.tsx';
import { Run } from './run.tsx';

/** One request to a model: who asked whom what, the answer, what it took and cost. */
export function LlmLogDetail(props: DetailProps<LlmLog>) {
  const { id } = props;
  const query = useQuery(llmLogQuery(id));
  const queries = useQueryClient();
  return (
    <LogDrawer
      {...props}
      query={query}
      title={(log) => (log === undefined ? 'Request to a model' : `${log.provider}/${log.model}`)}
      wordOf={(log) => `this request to "${log?.model ?? id}"`}
      onDelete={async () => {
        await deleteLlmLogs([id]);
        await queries.invalidateQueries({ queryKey: [...keys.llmLogs, 'list'] });
      }}
    >
      {(log) => <Request log={log} />}
    </LogDrawer>
  );
}

const NOT_KEPT = 'Not kept: content logging is off, or there was none.';

function Request({ log }: { log: LlmLog }) {
  const isRunning = log.status === 'processing';
  return (
    <div className="flex flex-col gap-5">
      {log.error_details !== undefined && <FaultText fault={log.error_details} />}
      <RequestFacts log={log} />
      <Run log={log} />
      <Conversation
        title="Request"
        value={log.input_history}
        isCut={log.input_history_truncated}
        role="user"
        absent={NOT_KEPT}
      />
      <Conversation
        title="Answer"
        value={log.output_message}
        isCut={log.output_message_truncated}
        role="assistant"
        absent={isRunning ? 'Still running.' : NOT_KEPT}
      />
      {log.params !== undefined && (
        <Content title="Parameters" value={log.params} isCut={log.params_truncated} absent="" />
      )}
      {log.tools !== undefined && (
        <Content title="Tools it may call" value={log.tools} isCut={log.tools_truncated} absent="" />
      )}
      {log.metadata !== undefined && <Content title="Metadata" value={log.metadata} absent="" />}
    </div>
  );
}

function RequestFacts({ log }: { log: LlmLog }) {
  const isRunning = log.status === 'processing';
  const traceId = log.metadata?.['trace_id'];
  return (
    <Facts
      facts={{
        Status: <StatusBadge status={log.status} />,
        Provider: log.provider,
        Model: log.model,
        'Asked for': log.alias,
        Kind: `${log.object.replaceAll('_', ' ')}${log.stream ? ', streamed' : ''}`,
        Key: log.virtual_key_name,
        Team: log.team_name,
        Customer: log.customer_name,
        Caller: log.principal,
        "Provider's key": log.selected_key_name,
        Client: log.user_agent,
        Retries: log.number_of_retries > 0 && log.number_of_retries,
        Fallback: log.fallback_index > 0 && `number ${log.fallback_index}`,
        Began: momentText(log.timestamp),
        Ended: endOf(log),
        'Time taken': durationText(log.latency),
        'First byte after': log.time_to_first_byte !== undefined && durationText(log.time_to_first_byte),
        'Stopped by': log.stop_reason,
        Tokens: <Tokens usage={log.token_usage} isRunning={isRunning} />,
        Cost: isRunning ? '–' : usdText(log.cost),
        Id: <Mono>{log.id}</Mono>,
        'Request id': log.request_id && <Mono>{log.request_id}</Mono>,
        'Trace id': typeof traceId === 'string' && <Mono>{traceId}</Mono>,
      }}
    />
  );
}

function Mono({ children }: { children: ReactNode }) {
  return <span className="font-mono text-xs">{children}</span>;
}

function Tokens({ usage, isRunning }: { usage: LlmLog['token_usage']; isRunning: boolean }) {
  if (usage === undefined) return isRunning ? '–' : 'unknown';
  const { cached_read_tokens: read, cached_write_tokens: written } = usage.prompt_tokens_details;
  const reasoning = usage.completion_tokens_details.reasoning_tokens;
  const parts = [
    `${countText(usage.prompt_tokens)} in`,
    read > 0 && `${countText(read)} of them from the cache`,
    written > 0 && `${countText(written)} into the cache`,
    `${countText(usage.completion_tokens)} out`,
    reasoning > 0 && `${countText(reasoning)} of them to think`,
    `${countText(usage.total_tokens)} in all`,
    usage.is_estimate && 'an estimate: the provider did not say',
  ];
  return parts.filter((part) => part !== false).join(', ');
}
