import type { GatewayAccess } from './gateway.ts';

/** One row of the MCP log as the API shows it. */
export interface LogRow {
  readonly id: string;
  readonly request_id?: string;
  readonly llm_request_id?: string;
  readonly timestamp: string;
  readonly tool_name: string;
  readonly server_label?: string;
  readonly virtual_key_id?: string;
  readonly virtual_key_name?: string;
  readonly status: 'processing' | 'success' | 'error';
  readonly cost?: number;
  readonly latency?: number;
  readonly arguments?: unknown;
  readonly arguments_truncated?: true;
  readonly result?: unknown;
  readonly result_truncated?: true;
  readonly error_details?: { type?: string; status_code?: number; error?: { code?: string; message?: string } };
  readonly metadata?: Record<string, unknown>;
  readonly source?: string;
  readonly app?: string;
  readonly user_agent?: string;
}

export interface LogAnswer {
  readonly logs: readonly LogRow[];
  readonly pagination: {
    readonly limit: number;
    readonly offset: number;
    readonly sort_by: string;
    readonly order: string;
    readonly total_count: number;
  };
  readonly stats: {
    readonly total_executions: number;
    readonly success_rate: number;
    readonly average_latency: number;
    readonly total_cost: number;
  };
  readonly has_logs: boolean;
}

/** A page of the MCP logs, newest first. */
export async function readLogs(gateway: GatewayAccess, query: Record<string, string> = {}): Promise<LogAnswer> {
  const { status, body } = await gateway.api('GET', `/api/mcp-logs?${new URLSearchParams(query).toString()}`);
  if (status !== 200) throw new Error(`logs: ${status} ${JSON.stringify(body)}`);
  return body as unknown as LogAnswer;
}

/** The log row of the call that began last. */
export async function lastLog(gateway: GatewayAccess): Promise<LogRow> {
  const { logs } = await readLogs(gateway, { limit: '1' });
  const [row] = logs;
  if (row === undefined) throw new Error('there is no log');
  return row;
}

/** One row in full. */
export async function getLog(gateway: GatewayAccess, id: string): Promise<LogRow> {
  const { status, body } = await gateway.api('GET', `/api/mcp-logs/${id}`);
  if (status !== 200) throw new Error(`log: ${status} ${JSON.stringify(body)}`);
  return body as unknown as LogRow;
}
