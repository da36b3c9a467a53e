import type { CallEnd, CallStart, Charge } from '../ledger-rows.ts';
import { cut, MAX_CONTENT, MAX_TEXT, metadataText, micros, name, whole, type Value } from './column-values.ts';
import { encodeLlmBatch, type EncodedLlmBatch, type LlmBatch } from './llm/batch.ts';

/** A call whose beginning was written before. */
export interface EndedCall {
  readonly id: string;
  readonly end: CallEnd;
}

/** A call that began and ended within one batch. */
export interface CompletedCall {
  readonly start: CallStart;
  readonly end: CallEnd;
}

/** What is written in one transaction. */
export interface LedgerBatch {
  /** The process that writes, and the number of this batch: 1, 2, 3 … A number that was written is not written again. */
  readonly node: string;
  readonly seq: number;
  readonly started: readonly CallStart[];
  readonly ended: readonly EndedCall[];
  readonly completed: readonly CompletedCall[];
  readonly charges: readonly Charge[];
  /** Requests to models, if there were any. */
  readonly llm?: LlmBatch | undefined;
}

/** A batch as it goes to the thread that writes it: flat lists of values, which cost a fraction of objects to hand over. */
export interface EncodedBatch {
  readonly node: string;
  readonly seq: number;
  /** LOG_COLUMNS, row after row. */
  readonly rows: readonly Value[];
  /** Index of the row, arguments, arguments_size, result, result_size; only for rows that have content. */
  readonly contents: readonly Value[];
  /** ENDED_COLUMNS, call after call. */
  readonly ended: readonly Value[];
  /** counter_id, window_start, amount, reset. */
  readonly charges: readonly Value[];
  readonly llm?: EncodedLlmBatch | undefined;
}

/** The columns of a new row, in the order in which they are handed over. */
export const LOG_COLUMNS = [
  'id',
  'timestamp',
  'tool_name',
  'server_label',
  'virtual_key_id',
  'status',
  'latency',
  'cost',
  'client_id',
  'principal',
  'virtual_key_name',
  'team_id',
  'team_name',
  'customer_id',
  'customer_name',
  'source',
  'app',
  'user_agent',
  'request_id',
  'llm_request_id',
  'metadata',
  'error_code',
  'error_message',
  'node',
  'created_at',
] as const;

/** The values of a call that ends: first the columns of the row, then its content. */
export const ENDED_COLUMNS = [
  'id',
  'status',
  'latency',
  'cost',
  'error_code',
  'error_message',
  'result',
  'result_size',
] as const;

export const CONTENT_COLUMNS = ['log_seq', 'arguments', 'arguments_size', 'result', 'result_size'] as const;

/** Lays a batch out as flat lists. It runs on the main thread, so it does no more than cut what is too long. */
export function encodeBatch(batch: LedgerBatch, now: number): EncodedBatch {
  const { node, seq, started, ended, completed, charges, llm } = batch;
  const rows: Value[] = [];
  const contents: Value[] = [];
  const write = (start: CallStart, end: CallEnd | undefined): void => {
    if (start.arguments !== undefined || end?.result !== undefined) {
      contents.push(rows.length / LOG_COLUMNS.length);
      pushContent(contents, start.arguments);
      pushContent(contents, end?.result);
    }
    pushRow(rows, start, end, node, now);
  };
  for (const { start, end } of completed) write(start, end);
  for (const start of started) write(start, undefined);
  const endings: Value[] = [];
  for (const { id, end } of ended) {
    const { status, latency, cost, error } = end;
    endings.push(name(id), status, micros(latency), whole(cost), name(error?.code), cut(error?.message, MAX_TEXT));
    pushContent(endings, end.result);
  }
  const encodedLlm = llm && encodeLlmBatch(llm, { node, now });
  return { node, seq, rows, contents, ended: endings, charges: charges.flatMap(chargeValues), llm: encodedLlm };
}

// eslint-disable-next-line max-params -- on the hot path: no object for each row
function pushRow(rows: Value[], start: CallStart, end: CallEnd | undefined, node: string, now: number): void {
  rows.push(
    name(start.id),
    whole(start.timestamp),
    name(start.tool_name),
    name(start.server_label ?? ''),
    name(start.virtual_key_id ?? ''),
    end?.status ?? 'processing',
    end === undefined ? null : micros(end.latency),
    end === undefined ? 0 : whole(end.cost),
    name(start.client_id),
    name(start.principal),
    name(start.virtual_key_name),
    name(start.team_id),
    name(start.team_name),
    name(start.customer_id),
    name(start.customer_name),
    start.source,
    name(start.app),
    cut(start.user_agent, MAX_TEXT),
    name(start.request_id),
    name(start.llm_request_id),
    metadataText(start.metadata),
    name(end?.error?.code),
    cut(end?.error?.message, MAX_TEXT),
    node,
    now,
  );
}

function pushContent(values: Value[], text: string | undefined): void {
  values.push(cut(text, MAX_CONTENT), text?.length ?? 0);
}

function chargeValues({ counter_id, window_start, amount, reset = 0 }: Charge): Value[] {
  return [counter_id, whole(window_start), whole(amount), whole(reset)];
}
