import type { GatewayAccess } from './gateway.ts';

/** One row of the MCP log as the API shows it. */
export interface LogRow {
  readonly id: string;
  readonly tool_name: string;
  readonly server_label?: string;
  readonly virtual_key_id?: string;
  readonly virtual_key_name?: string;
  readonly status: 'processing' | 'success' | 'error';
  readonly cost?: number;
  readonly latency?: number;
  readonly arguments?: unknown;
  readonly result?: unknown;
  readonly error_details?: { error?: { code?: string; message?: string } };
  readonly metadata?: Record<string, unknown>;
}

export interface LogAnswer {
  readonly logs: readonly LogRow[];
  readonly pagination: { readonly total_count: number };
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
