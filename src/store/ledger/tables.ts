import type { Generated, Kysely } from 'kysely';
import type { LlmTables } from './llm/tables.ts';

/**
 * The tables of the ledger. They may share a PostgreSQL database with the configuration, or be a SQLite file of their own.
 * Column types follow store/schema.ts; whoever or whatever has no name is '' where roll-ups group by it.
 */
export interface LedgerTables extends LlmTables {
  mcp_logs: LogTable;
  mcp_log_contents: ContentTable;
  mcp_log_rollups: RollupTable;
  counters: CounterTable;
  ledger_nodes: NodeTable;
  /** See lease-tables.ts. */
  lease_nodes: LeaseNodeTable;
  counter_leases: CounterLeaseTable;
}

/** What a part of the store runs its statements on: the database, or a transaction. */
export type LedgerExecutor = Kysely<LedgerTables>;

export const LOG_STATUSES = ['processing', 'success', 'error'] as const;
export type LogStatus = (typeof LOG_STATUSES)[number];

export interface LogTable {
  seq: Generated<number>;
  id: string;
  timestamp: number;
  tool_name: string;
  server_label: string;
  client_id: string | null;
  principal: string;
  virtual_key_id: string;
  virtual_key_name: string | null;
  team_id: string | null;
  team_name: string | null;
  customer_id: string | null;
  customer_name: string | null;
  source: string;
  app: string | null;
  user_agent: string | null;
  request_id: string | null;
  llm_request_id: string | null;
  metadata: string | null;
  status: LogStatus;
  /** Microseconds, whole: sums stay exact whatever is added and taken away. Null while the call runs. */
  latency: number | null;
  /** Nano-dollars. */
  cost: number;
  error_code: string | null;
  error_message: string | null;
  /** The process that wrote the row. */
  node: string;
  created_at: number;
}

/** The big texts, apart from the rows so that lists and scans do not read them. */
export interface ContentTable {
  log_seq: number;
  arguments: string | null;
  /** How many characters there were; more than are kept when the text was cut. */
  arguments_size: number;
  result: string | null;
  result_size: number;
}

/** Sums over all rows of one span of time, tool, server and key. It always equals what the rows themselves would give. */
export interface RollupTable {
  /** Milliseconds: one of SPANS. */
  span: number;
  bucket_start: number;
  tool_name: string;
  server_label: string;
  virtual_key_id: string;
  started: number;
  success: number;
  error: number;
  latency_sum: number;
  error_latency: number;
  cost_sum: number;
  error_cost: number;
}

/** What was used of a budget or limit in its current window. */
export interface CounterTable {
  counter_id: string;
  window_start: number;
  used: number;
  updated_at: number;
}

/** The processes that write, and how far each has come: a batch that is sent again is written once. */
export interface NodeTable {
  node: string;
  seq: number;
  seen_at: number;
}

/** The processes that lease, and when each of them asked last. */
export interface LeaseNodeTable {
  node: string;
  turn: number;
  expires_at: number;
}

/** What a process has leased of a counter. */
export interface CounterLeaseTable {
  counter_id: string;
  node: string;
  window_start: number;
  granted: number;
  charged: number;
  spare: number;
}
