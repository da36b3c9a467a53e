import type { ErrorEnvelope } from '../../contract/common.ts';
import type { McpLogStats, McpLogView } from '../../contract/log.ts';
import { ERRORS } from '../../lib/errors.ts';
import type { CallEnd, CallStart } from '../../store/ledger-rows.ts';
import type { StoredLog } from '../../store/ledger/read-logs.ts';
import type { Sums } from '../../store/ledger/sums.ts';

const NANO = 1e9;

/** A log as it is stored, in the shape of the API. */
export function renderLog(log: StoredLog): McpLogView {
  return {
    ...renderNames({ ...log, server_label: log.server_label || null, virtual_key_id: log.virtual_key_id || null }),
    source: log.source as McpLogView['source'], // written by us
    ...renderContent('arguments', log.arguments, log.arguments_size),
    ...renderContent('result', log.result, log.result_size),
    ...(log.error_code !== null && { error_details: renderFault(log.error_code, log.error_message ?? '') }),
    ...(log.latency !== null && { latency: log.latency / 1000 }),
    cost: log.cost / NANO,
    status: log.status,
    ...(log.metadata !== null && { metadata: JSON.parse(log.metadata) as Record<string, unknown> }),
    created_at: timeText(log.created_at),
  };
}

/** A call that begins or ends just now, in the same shape; of its content at most `preview` characters. */
export function renderCall(start: CallStart, end: CallEnd | undefined, preview: number): McpLogView {
  const cut = (text: string | undefined) => text?.slice(0, preview) ?? null;
  return {
    ...renderNames(start),
    source: start.source,
    ...renderContent('arguments', cut(start.arguments), start.arguments?.length ?? 0),
    ...renderContent('result', cut(end?.result), end?.result?.length ?? 0),
    ...(end?.error && { error_details: renderFault(end.error.code, end.error.message) }),
    ...(end && { latency: end.latency }),
    cost: (end?.cost ?? 0) / NANO,
    status: end?.status ?? 'processing',
    ...(start.metadata && { metadata: start.metadata }),
    created_at: timeText(start.timestamp),
  };
}

/** Sums in the shape of the API. */
export function renderStats({ count, success, error, latency, cost }: Sums): McpLogStats {
  const ended = success + error;
  return {
    total_executions: count,
    success_rate: ended === 0 ? 0 : (success / ended) * 100,
    average_latency: ended === 0 ? 0 : latency / ended / 1000,
    total_cost: cost / NANO,
  };
}

/** Nano-dollars as USD. */
export function usd(nano: number): number {
  return nano / NANO;
}

/** Epoch milliseconds as RFC 3339. */
export function timeText(time: number): string {
  return new Date(time).toISOString();
}

type Named = Pick<McpLogView, 'id' | 'tool_name' | 'principal'>;
const OPTIONAL = [
  'request_id',
  'llm_request_id',
  'server_label',
  'client_id',
  'virtual_key_id',
  'virtual_key_name',
  'team_id',
  'team_name',
  'customer_id',
  'customer_name',
  'app',
  'user_agent',
] as const;

function renderNames(
  log: Named & { readonly timestamp: number } & {
    readonly [K in (typeof OPTIONAL)[number]]: string | null | undefined;
  },
) {
  const { id, timestamp, tool_name, principal, virtual_key_id: keyId, virtual_key_name: keyName } = log;
  const known = OPTIONAL.flatMap((name) => (log[name] == null ? [] : [[name, log[name]]]));
  return {
    id,
    timestamp: timeText(timestamp),
    tool_name,
    principal,
    ...(Object.fromEntries(known) as { [K in (typeof OPTIONAL)[number]]?: string }),
    ...(keyId != null && { virtual_key: { id: keyId, name: keyName ?? keyId } }),
  };
}

/** A text that is whole is shown as the JSON that it is; a part of one as text. */
export function renderContent(name: string, text: string | null, size: number | null) {
  if (text === null) return {};
  if (text.length < (size ?? 0)) return { [name]: text, [`${name}_truncated`]: true };
  try {
    return { [name]: JSON.parse(text) as unknown };
  } catch {
    return { [name]: text };
  }
}

/** Why something failed, as the error it was answered with. */
export function renderFault(code: string, message: string): ErrorEnvelope {
  const status_code = Object.hasOwn(ERRORS, code) ? ERRORS[code as keyof typeof ERRORS].status : 400;
  return { type: code, is_bifrost_error: false, status_code, error: { message, code }, extra_fields: {} };
}
