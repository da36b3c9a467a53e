import type { Generated } from 'kysely';
import type { LogStatus } from '../../../contract/log.ts';

/** The tables of requests to models. Whoever or whatever has no name is '' where sums group by it. */
export interface LlmTables {
  logs: LlmLogTable;
  log_contents: LlmContentTable;
  log_rollups: LlmRollupTable;
  log_latencies: LlmLatencyTable;
  log_model_latencies: LlmModelLatencyTable;
}

export interface LlmLogTable {
  seq: Generated<number>;
  id: string;
  parent_request_id: string | null;
  fallback_index: number;
  timestamp: number;
  object: string;
  provider: string;
  model: string;
  alias: string | null;
  /** 0 or 1. */
  stream: number;
  principal: string;
  virtual_key_id: string;
  virtual_key_name: string | null;
  team_id: string;
  team_name: string | null;
  customer_id: string;
  customer_name: string | null;
  user_agent: string | null;
  request_id: string | null;
  metadata: string | null;
  status: LogStatus;
  /** Microseconds, whole: sums stay exact whatever is added and taken away. Null while the request runs. */
  latency: number | null;
  /** Of the latency; see latency-slots.ts. */
  latency_slot: number | null;
  /** Microseconds. */
  first_byte: number | null;
  /** Null: nobody knows how many tokens there were. */
  prompt_tokens: number | null;
  completion_tokens: number | null;
  total_tokens: number | null;
  cached_read_tokens: number | null;
  cached_write_tokens: number | null;
  reasoning_tokens: number | null;
  /** 1: the gateway counted characters. */
  is_estimate: number | null;
  /** Nano-dollars. Null while the request runs, and where nobody knows the price. */
  cost: number | null;
  stop_reason: string | null;
  error_code: string | null;
  error_message: string | null;
  number_of_retries: number;
  selected_key_id: string | null;
  selected_key_name: string | null;
  /** The process that wrote the row. */
  node: string;
  created_at: number;
}

/** The big texts, apart from the rows so that lists and scans do not read them; with how many characters there were. */
export interface LlmContentTable {
  log_seq: number;
  input: string | null;
  input_size: number;
  params: string | null;
  params_size: number;
  tools: string | null;
  tools_size: number;
  output: string | null;
  output_size: number;
}

/** What sums are kept by. */
export interface SumKey {
  /** Milliseconds: one of SPANS. */
  span: number;
  bucket_start: number;
  provider: string;
  model: string;
  object: string;
  virtual_key_id: string;
  team_id: string;
  customer_id: string;
  status: 'success' | 'error';
}

/** Sums over all requests that have ended, of one span of time and one set of names. They equal what the rows would give. */
export interface LlmRollupTable extends SumKey {
  count: number;
  latency_sum: number;
  cost_sum: number;
  /** Requests whose cost nobody knows. */
  unpriced: number;
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  cached_read_tokens: number;
  /** Requests that are nobody's fallback or next round. */
  roots: number;
  /** Successes that a user saw: of those, and of their fallbacks. */
  user_successes: number;
}

/** How many requests took how long. */
export interface LlmLatencyTable extends SumKey {
  slot: number;
  count: number;
}

/** The same for all keys, teams and customers together: there are far fewer of these rows. */
export type LlmModelLatencyTable = Omit<LlmLatencyTable, 'virtual_key_id' | 'team_id' | 'customer_id'>;
