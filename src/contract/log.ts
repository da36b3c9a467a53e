import { z } from 'zod';
import { ErrorEnvelope } from './common.ts';

/** How a tool call came out. */
export const LogStatus = z.enum(['processing', 'success', 'error']);
export type LogStatus = z.infer<typeof LogStatus>;

/** One tool call, as `/api/mcp-logs` and the live feed show it. */
export const McpLogView = z.object({
  id: z.string().meta({ description: 'Made by the gateway, one for each call.' }),
  request_id: z.string().optional().meta({ description: '`x-request-id` as the caller sent it.' }),
  llm_request_id: z.string().optional().meta({ description: 'The model request that made the call.' }),
  timestamp: z.string(),
  tool_name: z.string().meta({ description: "The server's own name of the tool." }),
  server_label: z.string().optional().meta({ description: 'Name of the server.' }),
  client_id: z.string().optional(),
  principal: z.string().meta({ description: 'Who called.' }),
  virtual_key_id: z.string().optional(),
  virtual_key_name: z.string().optional(),
  virtual_key: z.object({ id: z.string(), name: z.string() }).optional(),
  team_id: z.string().optional(),
  team_name: z.string().optional(),
  customer_id: z.string().optional(),
  customer_name: z.string().optional(),
  source: z.enum(['mcp', 'rest', 'agent', 'code']),
  app: z.string().optional(),
  user_agent: z.string().optional(),
  arguments: z.unknown().optional().meta({ description: 'The JSON value; the beginning of its text when it was cut.' }),
  arguments_truncated: z.literal(true).optional(),
  result: z.unknown().optional().meta({ description: 'The JSON value; the beginning of its text when it was cut.' }),
  result_truncated: z.literal(true).optional(),
  error_details: ErrorEnvelope.optional(),
  latency: z.number().optional().meta({ description: 'Milliseconds; absent while the call runs.' }),
  cost: z.number().meta({ description: 'USD.' }),
  status: LogStatus,
  metadata: z.record(z.string(), z.unknown()).optional(),
  created_at: z.string(),
});
export type McpLogView = z.infer<typeof McpLogView>;

export const McpLogStats = z.object({
  total_executions: z.int(),
  success_rate: z.number().meta({ description: 'Percent of the calls that ended, 0 to 100.' }),
  average_latency: z.number().meta({ description: 'Milliseconds, over the calls that ended.' }),
  total_cost: z.number().meta({ description: 'USD.' }),
});
export type McpLogStats = z.infer<typeof McpLogStats>;

export const LOG_SORTS = ['timestamp', 'latency', 'cost'] as const;

export const McpLogList = z.object({
  logs: z.array(McpLogView),
  pagination: z.object({
    limit: z.int(),
    offset: z.int(),
    sort_by: z.enum(LOG_SORTS),
    order: z.enum(['asc', 'desc']),
    total_count: z.int(),
  }),
  stats: McpLogStats,
  has_logs: z.boolean().meta({ description: 'Whether there is any log, whatever the filters.' }),
});
export type McpLogList = z.infer<typeof McpLogList>;

export const McpLogFilterData = z.object({
  tool_names: z.array(z.string()),
  server_labels: z.array(z.string()),
  virtual_keys: z.array(z.object({ id: z.string(), name: z.string() })),
});

export const McpLogHistogram = z.object({
  buckets: z.array(z.object({ timestamp: z.string(), count: z.int(), success: z.int(), error: z.int() })),
  bucket_size_seconds: z.int(),
});

export const McpLogCostHistogram = z.object({
  buckets: z.array(z.object({ timestamp: z.string(), total_cost: z.number() })),
  bucket_size_seconds: z.int(),
});

export const McpLogTopTools = z.object({
  tools: z.array(z.object({ tool_name: z.string(), count: z.int(), cost: z.number() })),
});

/** Body of `DELETE /api/mcp-logs`. */
export const McpLogRemoval = z.looseObject({
  ids: z.array(z.string().min(1, 'must not be empty')).min(1, 'must not be empty').max(10_000),
});
