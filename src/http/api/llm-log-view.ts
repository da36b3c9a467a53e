import type { LlmLogStats, LlmLogView } from '../../contract/llm-log.ts';
import { toUsd } from '../../lib/money.ts';
import type { LlmEnd, LlmStart } from '../../store/ledger-rows.ts';
import { asStored } from '../../store/ledger/llm/batch.ts';
import type { StoredLlmLog } from '../../store/ledger/llm/read.ts';
import type { LlmSums } from '../../store/ledger/llm/sums.ts';
import { renderContent, renderFault, timeText } from './mcp-log-view.ts';

/** Characters of each text in a list; what is longer has to be asked for one by one. */
export const LLM_PREVIEW = 1000;

/** Whether a key is no longer there that logs name. */
export type IsGone = (kind: 'virtual_key' | 'selected_key', id: string) => boolean;

type Log = Omit<StoredLlmLog, 'seq'>;

/** A log as it is stored, in the shape of lists: parameters and tools are left out. */
export function renderListed(log: Log, isGone: IsGone): LlmLogView {
  return {
    ...renderNames(log, isGone),
    ...{ stream: log.stream === 1, fallback_index: log.fallback_index, number_of_retries: log.number_of_retries },
    ...renderContent('input_history', log.input, log.input_size),
    ...renderContent('output_message', log.output, log.output_size),
    ...renderUsage(log),
    ...(log.latency !== null && { latency: log.latency / 1000 }),
    ...(log.first_byte !== null && { time_to_first_byte: log.first_byte / 1000 }),
    cost: log.cost === null ? null : toUsd(log.cost),
    ...(log.cost === null && log.status !== 'processing' && { cost_unknown: true as const }),
    status: log.status,
    ...(log.error_code !== null && { error_details: renderFault(log.error_code, log.error_message ?? '') }),
    ...(log.metadata !== null && { metadata: JSON.parse(log.metadata) as Record<string, unknown> }),
    created_at: timeText(log.created_at),
  };
}

/** A log with all that is kept of it. */
export function renderWhole(log: Log, isGone: IsGone): LlmLogView {
  return {
    ...renderListed(log, isGone),
    ...renderContent('params', log.params, log.params_size),
    ...renderContent('tools', log.tools, log.tools_size),
  };
}

/** A request that begins or ends just now, in the shape of lists. */
export function renderRequest(start: LlmStart, end: LlmEnd | undefined, isGone: IsGone): LlmLogView {
  const log = asStored(start, end);
  const cut = (text: string | null) => text?.slice(0, LLM_PREVIEW) ?? null;
  return renderListed({ ...log, input: cut(log.input), output: cut(log.output) }, isGone);
}

/** Sums in the shape of the API. */
export function renderLlmStats(sums: LlmSums): LlmLogStats {
  const { count, success, running, roots, user_successes, latency_sum } = sums;
  const share = (part: number, whole: number) => (whole === 0 ? 0 : (Math.min(part, whole) / whole) * 100);
  return {
    total_requests: count + running,
    success_rate: share(success, count),
    user_facing_success_rate: share(user_successes, roots),
    user_facing_total_requests: roots,
    average_latency: count === 0 ? 0 : latency_sum / count / 1000,
    total_tokens: sums.total_tokens,
    total_cost: toUsd(sums.cost_sum),
    cost_unknown_requests: sums.unpriced,
    direct_cache_hits: 0,
  };
}

/** A name with the note that its owner is gone, where that is so. */
export function nameOrNote(name: string, isGone: boolean): string {
  return isGone ? `${name} (deleted)` : name;
}

const OPTIONAL = [
  'request_id',
  'parent_request_id',
  'alias',
  'team_id',
  'team_name',
  'customer_id',
  'customer_name',
  'selected_key_id',
  'user_agent',
  'stop_reason',
] as const;

function renderNames(log: Log, isGone: IsGone) {
  const { id, timestamp, object, provider, model, principal, virtual_key_id: keyId } = log;
  const known = OPTIONAL.flatMap((name) => (log[name] === null || log[name] === '' ? [] : [[name, log[name]]]));
  const keyName = nameOrNote(log.virtual_key_name ?? keyId, isGone('virtual_key', keyId));
  const { selected_key_id: selected, selected_key_name: selectedName } = log;
  return {
    ...{ id, timestamp: timeText(timestamp), object, provider, model, principal },
    ...(Object.fromEntries(known) as { [K in (typeof OPTIONAL)[number]]?: string }),
    ...(selected !== null && {
      selected_key_name: nameOrNote(selectedName ?? selected, isGone('selected_key', selected)),
    }),
    ...(keyId !== '' && {
      virtual_key_id: keyId,
      virtual_key_name: keyName,
      virtual_key: { id: keyId, name: keyName },
    }),
  };
}

function renderUsage(log: Log): Pick<LlmLogView, 'token_usage'> {
  const { prompt_tokens, completion_tokens, total_tokens } = log;
  if (prompt_tokens === null || completion_tokens === null || total_tokens === null) return {};
  return {
    token_usage: {
      prompt_tokens,
      prompt_tokens_details: {
        cached_read_tokens: log.cached_read_tokens ?? 0,
        cached_write_tokens: log.cached_write_tokens ?? 0,
      },
      completion_tokens,
      completion_tokens_details: { reasoning_tokens: log.reasoning_tokens ?? 0 },
      total_tokens,
      is_estimate: log.is_estimate === 1,
    },
  };
}
