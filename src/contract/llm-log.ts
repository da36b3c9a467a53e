import { z } from 'zod';
import { ErrorEnvelope } from './common.ts';
import { LogStatus } from './log.ts';

const text = (description: string) => z.unknown().optional().meta({ description });
const cut = z.literal(true).optional();

/** One request to a model, as `/api/logs` and the live feed show it. */
export const LlmLogView = z.object({
  id: z.string().meta({ description: 'Made by the gateway, one for each request to a provider.' }),
  request_id: z.string().optional().meta({ description: '`x-request-id` as the caller sent it.' }),
  parent_request_id: z
    .string()
    .optional()
    .meta({ description: 'The first request of the same chain of fallbacks, or of the same run of an agent.' }),
  fallback_index: z.int().meta({ description: '0 for the target that was asked first.' }),
  timestamp: z.string(),
  object: z.string().meta({ description: 'Kind of request: chat_completion, responses, messages, embedding.' }),
  provider: z.string(),
  model: z.string().meta({ description: 'As the provider names it.' }),
  alias: z.string().optional().meta({ description: 'As the caller named it, where that differs.' }),
  stream: z.boolean(),
  principal: z.string().meta({ description: 'Who asked.' }),
  virtual_key_id: z.string().optional(),
  virtual_key_name: z.string().optional().meta({ description: 'Ends in "(deleted)" when the key is gone.' }),
  virtual_key: z.object({ id: z.string(), name: z.string() }).optional(),
  team_id: z.string().optional(),
  team_name: z.string().optional(),
  customer_id: z.string().optional(),
  customer_name: z.string().optional(),
  selected_key_id: z.string().optional(),
  selected_key_name: z.string().optional(),
  number_of_retries: z.int(),
  user_agent: z.string().optional(),
  input_history: text('Messages or input as JSON; the beginning of the text when it was cut.'),
  input_history_truncated: cut,
  output_message: text('The answer; the beginning of its text when it was cut.'),
  output_message_truncated: cut,
  params: text('All other parameters; not in lists.'),
  params_truncated: cut,
  tools: text('The tools of the request; not in lists.'),
  tools_truncated: cut,
  token_usage: z
    .object({
      prompt_tokens: z.int(),
      prompt_tokens_details: z.object({ cached_read_tokens: z.int(), cached_write_tokens: z.int() }),
      completion_tokens: z.int(),
      completion_tokens_details: z.object({ reasoning_tokens: z.int() }),
      total_tokens: z.int(),
      is_estimate: z.boolean().meta({ description: 'The provider did not say; the gateway counted characters.' }),
    })
    .optional(),
  latency: z.number().optional().meta({ description: 'Milliseconds; absent while the request runs.' }),
  time_to_first_byte: z.number().optional().meta({ description: 'Milliseconds until the answer began.' }),
  cost: z.number().nullable().meta({ description: 'USD; null while the request runs and when nobody knows.' }),
  cost_unknown: z.literal(true).optional().meta({ description: 'It has ended, and nobody knows what it cost.' }),
  status: LogStatus,
  stop_reason: z.string().optional(),
  error_details: ErrorEnvelope.optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  created_at: z.string(),
});
export type LlmLogView = z.infer<typeof LlmLogView>;

export const LlmLogStats = z.object({
  total_requests: z.int(),
  success_rate: z.number().meta({ description: 'Percent of the requests that ended, 0 to 100.' }),
  user_facing_success_rate: z
    .number()
    .meta({ description: 'The same with a request and its fallbacks counted as one, which one success makes good.' }),
  user_facing_total_requests: z.int(),
  average_latency: z.number().meta({ description: 'Milliseconds, over the requests that ended.' }),
  total_tokens: z.int(),
  total_cost: z.number().meta({ description: 'USD, as far as it is known.' }),
  cost_unknown_requests: z.int().meta({ description: 'Requests that ended and are in no cost.' }),
  direct_cache_hits: z.int().meta({ description: 'Always 0: answers are not kept.' }),
});
export type LlmLogStats = z.infer<typeof LlmLogStats>;

export const LLM_LOG_SORTS = ['timestamp', 'latency', 'tokens', 'cost'] as const;

export const LlmLogList = z.object({
  logs: z.array(LlmLogView),
  pagination: z.object({
    limit: z.int(),
    offset: z.int(),
    sort_by: z.enum(LLM_LOG_SORTS),
    order: z.enum(['asc', 'desc']),
    total_count: z.int(),
  }),
  stats: LlmLogStats,
  has_logs: z.boolean().meta({ description: 'Whether there is any log, whatever the filters.' }),
});
export type LlmLogList = z.infer<typeof LlmLogList>;

const Named = z.object({ id: z.string(), name: z.string() });

export const LlmLogFilterData = z.object({
  providers: z.array(z.string()),
  models: z.array(z.string()),
  objects: z.array(z.string()),
  selected_keys: z.array(Named),
  virtual_keys: z.array(Named),
  routing_rules: z.array(Named),
});

const bucketsOf = <T extends z.ZodRawShape>(shape: T) =>
  z.object({ buckets: z.array(z.object({ timestamp: z.string(), ...shape })), bucket_size_seconds: z.int() });

export const LlmLogHistogram = bucketsOf({ count: z.int(), success: z.int(), error: z.int() });

export const LlmTokenHistogram = bucketsOf({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  cached_read_tokens: z.int(),
});

const models = z.array(z.string()).meta({ description: 'All models that the buckets name.' });

export const LlmCostHistogram = bucketsOf({
  total_cost: z.number(),
  by_model: z.record(z.string(), z.number()),
}).extend({ models });

export const LlmModelHistogram = bucketsOf({
  by_model: z.record(z.string(), z.object({ total: z.int(), success: z.int(), error: z.int() })),
}).extend({ models });

export const LlmLatencyHistogram = bucketsOf({
  avg_latency: z.number(),
  p90_latency: z.number(),
  p95_latency: z.number(),
  p99_latency: z.number(),
  total_requests: z.int(),
});

/** Body of `DELETE /api/logs`. */
export const LlmLogRemoval = z.looseObject({
  ids: z.array(z.string().min(1, 'must not be empty')).min(1, 'must not be empty').max(10_000),
});
