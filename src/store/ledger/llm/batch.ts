import type { Selectable } from 'kysely';
import type { LlmEnd, LlmStart, TokenUsage } from '../../ledger-rows.ts';
import { cut, MAX_CONTENT, MAX_TEXT, metadataText, micros, name, whole, type Value } from '../column-values.ts';
import { slotOf } from './latency-slots.ts';
import type { LlmContentTable, LlmLogTable } from './tables.ts';

/** A request whose beginning was written before. */
export interface EndedRequest {
  readonly id: string;
  readonly end: LlmEnd;
}

/** A request that began and ended within one batch. */
export interface CompletedRequest {
  readonly start: LlmStart;
  readonly end: LlmEnd;
}

/** The requests to models of one batch. */
export interface LlmBatch {
  readonly started: readonly LlmStart[];
  readonly ended: readonly EndedRequest[];
  readonly completed: readonly CompletedRequest[];
}

/** The same as flat lists of values, which cost little to hand over to a thread. */
export interface EncodedLlmBatch {
  /** START_COLUMNS, END_COLUMNS, `node`, `created_at`, row after row. */
  readonly rows: readonly Value[];
  /** Index of the row, then each of CONTENTS and its size; only for rows that have content. Of `tools` the place in `texts`. */
  readonly contents: readonly Value[];
  /** Definitions of tools: long, and the same in row after row. Each is handed over once. */
  readonly texts: readonly string[];
  /** `id`, END_COLUMNS, output, its size. */
  readonly ended: readonly Value[];
}

type Contents = Omit<LlmContentTable, 'log_seq'>;
/** A row with what is kept of its content. */
export type StoredRequest = Selectable<LlmLogTable> & { readonly [K in keyof Contents]: Contents[K] | null };

type Column = keyof LlmLogTable;

const STARTS = {
  id: (start) => name(start.id),
  timestamp: (start) => whole(start.timestamp),
  provider: (start) => name(start.provider),
  model: (start) => name(start.model),
  object: (start) => name(start.object),
  virtual_key_id: (start) => name(start.virtual_key_id ?? ''),
  team_id: (start) => name(start.team_id ?? ''),
  customer_id: (start) => name(start.customer_id ?? ''),
  parent_request_id: (start) => name(start.parent_request_id),
  fallback_index: (start) => whole(start.fallback_index),
  alias: (start) => name(start.alias),
  stream: (start) => (start.stream ? 1 : 0),
  principal: (start) => name(start.principal),
  virtual_key_name: (start) => name(start.virtual_key_name),
  team_name: (start) => name(start.team_name),
  customer_name: (start) => name(start.customer_name),
  user_agent: (start) => cut(start.user_agent, MAX_TEXT),
  request_id: (start) => name(start.request_id),
  metadata: (start) => metadataText(start.metadata),
} satisfies Partial<Record<Column, (start: LlmStart) => Value>>;

const tokens = (count: (usage: TokenUsage) => number) => (end: LlmEnd | undefined) =>
  end?.usage === undefined ? null : whole(count(end.usage));

const ENDS = {
  status: (end) => end?.status ?? 'processing',
  latency: (end) => (end === undefined ? null : micros(end.latency)),
  latency_slot: (end) => (end === undefined ? null : slotOf(micros(end.latency))),
  first_byte: (end) => (end?.first_byte === undefined ? null : micros(end.first_byte)),
  prompt_tokens: tokens((usage) => usage.prompt_tokens),
  completion_tokens: tokens((usage) => usage.completion_tokens),
  total_tokens: tokens((usage) => usage.total_tokens),
  cached_read_tokens: tokens((usage) => usage.cached_read_tokens),
  cached_write_tokens: tokens((usage) => usage.cached_write_tokens),
  reasoning_tokens: tokens((usage) => usage.reasoning_tokens),
  is_estimate: tokens((usage) => Number(usage.is_estimate)),
  cost: (end) => (end?.cost === undefined ? null : whole(end.cost)),
  stop_reason: (end) => name(end?.stop_reason),
  error_code: (end) => name(end?.error?.code),
  error_message: (end) => cut(end?.error?.message, MAX_TEXT),
  number_of_retries: (end) => whole(end?.number_of_retries ?? 0),
  selected_key_id: (end) => name(end?.selected_key_id),
  selected_key_name: (end) => name(end?.selected_key_name),
} satisfies Partial<Record<Column, (end: LlmEnd | undefined) => Value>>;

/** What is known when a request begins. */
export const START_COLUMNS = Object.keys(STARTS) as (keyof typeof STARTS)[];
/** What is known when it ends. */
export const END_COLUMNS = Object.keys(ENDS) as (keyof typeof ENDS)[];
/** The columns of a new row, in the order in which they are handed over. */
export const LLM_COLUMNS = [...START_COLUMNS, ...END_COLUMNS, 'node', 'created_at'] as const;
/** The big texts, each followed by a column `…_size`. */
export const CONTENTS = ['input', 'params', 'tools', 'output'] as const;

/** Columns that are texts; all others are numbers. */
export const TEXT_COLUMNS: ReadonlySet<string> = new Set<Column>([
  'status',
  'stop_reason',
  'error_code',
  'error_message',
  'selected_key_id',
  'selected_key_name',
]);

const readStart = Object.values(STARTS) as ((start: LlmStart) => Value)[];
const readEnd = Object.values(ENDS) as ((end: LlmEnd | undefined) => Value)[];

/** Lays a batch out as flat lists. */
export function encodeLlmBatch(
  { started, ended, completed }: LlmBatch,
  at: { readonly node: string; readonly now: number },
): EncodedLlmBatch {
  const rows: Value[] = [];
  const contents: Value[] = [];
  const texts = new Map<string, number>();
  const all = [...completed, ...started.map((start) => ({ start, end: undefined }))];
  for (const [index, { start, end }] of all.entries()) {
    const { input, params, tools } = start;
    const output = end?.output;
    if ([input, params, tools, output].some((text) => text !== undefined)) {
      const place = placeOf(cut(tools, MAX_CONTENT), texts);
      contents.push(index, ...content(input), ...content(params), place, tools?.length ?? 0, ...content(output));
    }
    for (const read of readStart) rows.push(read(start));
    for (const read of readEnd) rows.push(read(end));
    rows.push(at.node, at.now);
  }
  const endings = ended.flatMap(({ id, end }) => [
    name(id),
    ...readEnd.map((read) => read(end)),
    ...content(end.output),
  ]);
  return { rows, contents, texts: [...texts.keys()], ended: endings };
}

/** The row that a request will have, for whoever wants to see it before it is stored. */
export function asStored(start: LlmStart, end: LlmEnd | undefined): Omit<StoredRequest, 'seq'> {
  const now = start.timestamp;
  const batch = { started: end === undefined ? [start] : [], completed: end === undefined ? [] : [{ start, end }] };
  const encoded = encodeLlmBatch({ ...batch, ended: [] }, { node: '', now });
  const names = CONTENTS.flatMap((name) => [name, `${name}_size`]);
  const columns = [...LLM_COLUMNS, ...names];
  const contents = encoded.contents.length === 0 ? names.map(() => null) : contentsAt(encoded, 0);
  const values = [...encoded.rows, ...contents];
  // Laid out in this order just before.
  return Object.fromEntries(columns.map((column, index) => [column, values[index]])) as Omit<StoredRequest, 'seq'>;
}

/** Each of CONTENTS and its size, of the row whose content begins there. */
export function contentsAt({ contents, texts }: EncodedLlmBatch, from: number): Value[] {
  const values = contents.slice(from + 1, from + CONTENT_WIDTH);
  const place = values[TOOLS];
  values[TOOLS] = typeof place === 'number' ? (texts[place] ?? null) : null;
  return values;
}

/** Values of one row in `contents`. */
export const CONTENT_WIDTH = 1 + 2 * CONTENTS.length;
const TOOLS = 2 * CONTENTS.indexOf('tools');

function placeOf(text: string | null, texts: Map<string, number>): number | null {
  if (text === null) return null;
  const place = texts.get(text) ?? texts.size;
  texts.set(text, place);
  return place;
}

function content(text: string | undefined): [Value, Value] {
  return [cut(text, MAX_CONTENT), text?.length ?? 0];
}
