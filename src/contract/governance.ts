import { z } from 'zod';
import { WhiteList } from './common.ts';

/** How often a budget or limit starts anew: a whole number and a unit, such as "30s", "5m", "1h", "1d", "1w", "1M", "1Y". */
const duration = z
  .string()
  .regex(/^[1-9]\d{0,5}[smhdwMY]$/, 'must be a duration such as "30s", "5m", "1h", "1d", "1w", "1M" or "1Y"');
/** Budgets may also count by the quarter. */
const budgetDuration = z
  .string()
  .regex(/^[1-9]\d{0,5}[smhdwMQY]$/, 'must be a duration such as "1h", "1d", "1w", "1M", "1Q" or "1Y"');

const usd = z.number().min(0, 'must not be negative').max(1_000_000, 'must be at most 1000000');
const count = z.int().min(1, 'must be at least 1');
/** PostgreSQL cannot keep the character NUL in a text. */
const text = z.string().regex(/^[^\0]*$/, 'must not contain the character NUL');
/** Existing clients send "" where they mean nothing. */
const optionalId = z.string().nullish();

/** A budget as it is sent. On an update entries are matched by `reset_duration`: what was used stays used. */
export const BudgetInput = z.looseObject({
  id: z.string().optional(),
  max_limit: usd.meta({ description: 'USD that may be spent until the next reset; 0 blocks at once.' }),
  reset_duration: budgetDuration,
  calendar_aligned: z.boolean().nullish().meta({
    description: 'Reset on borders of the UTC calendar: midnight, Monday, the first. No effect on s, m and h.',
  }),
  reset_config: z
    .looseObject({ quarter_start_month: z.int().min(1).max(12).optional() })
    .nullish()
    .meta({ description: 'quarter_start_month: the month in which the first quarter begins; 1 unless said.' }),
});
export type BudgetInput = z.infer<typeof BudgetInput>;

/** A budget as it is shown, with what is used of it right now. */
export const BudgetView = z.object({
  id: z.string(),
  max_limit: z.number(),
  reset_duration: z.string(),
  calendar_aligned: z.boolean(),
  reset_config: z.object({ quarter_start_month: z.int() }).optional(),
  current_usage: z.number().meta({ description: 'USD since last_reset.' }),
  last_reset: z.string(),
  virtual_key_id: z.string().optional(),
  team_id: z.string().optional(),
  customer_id: z.string().optional(),
  provider_config_id: z.int().optional(),
  override_amount: z.number().optional(),
  override_mode: z.enum(['cycles', 'forever']).optional(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type BudgetView = z.infer<typeof BudgetView>;

/** A rate limit as it is sent; either half may be absent. `{}` on an update removes the limit. */
export const RateLimitInput = z.looseObject({
  token_max_limit: count.nullish(),
  token_reset_duration: duration.nullish(),
  request_max_limit: count.nullish(),
  request_reset_duration: duration.nullish(),
});
export type RateLimitInput = z.infer<typeof RateLimitInput>;

export const RateLimitView = z.object({
  id: z.string(),
  token_max_limit: z.int().nullable(),
  token_reset_duration: z.string().nullable(),
  token_current_usage: z.int(),
  token_last_reset: z.string().nullable(),
  request_max_limit: z.int().nullable(),
  request_reset_duration: z.string().nullable(),
  request_current_usage: z.int(),
  request_last_reset: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type RateLimitView = z.infer<typeof RateLimitView>;

/** Which provider a key may use, and how much. */
export const ProviderConfigInput = z.looseObject({
  id: z.int().optional(),
  provider: text.min(1, 'must not be empty'),
  weight: z
    .number()
    .min(0)
    .nullish()
    .meta({ description: 'Share in weighted routing; null: usable, but never chosen by weight.' }),
  allowed_models: WhiteList.nullish().meta({ description: '["*"] all, [] none; "regex:…" matches whole names.' }),
  blacklisted_models: WhiteList.nullish().meta({ description: 'Refused whatever allowed_models says.' }),
  allow_all_keys: z.boolean().nullish(),
  rate_limit_id: z.string().nullish().meta({ description: 'Read-only here; in config.json an entry of rate_limits.' }),
  key_ids: WhiteList.nullish().meta({
    description: 'Keys of the provider; ["*"] all, [] none, absent on a known entry: as before.',
  }),
  budgets: z.array(BudgetInput).nullish(),
  rate_limit: RateLimitInput.nullish(),
});
export type ProviderConfigInput = z.infer<typeof ProviderConfigInput>;

export const ProviderConfigView = z.object({
  id: z.int(),
  virtual_key_id: z.string(),
  provider: z.string(),
  weight: z.number().nullable(),
  allowed_models: z.array(z.string()),
  blacklisted_models: z.array(z.string()),
  allow_all_keys: z.boolean(),
  key_ids: z.array(z.string()),
  keys: z.array(z.object({ id: z.string(), name: z.string() })),
  budgets: z.array(BudgetView),
  rate_limit_id: z.string().nullable(),
  rate_limit: RateLimitView.optional(),
});
export type ProviderConfigView = z.infer<typeof ProviderConfigView>;

/** What a key may call of one server. */
export const McpConfigInput = z.looseObject({
  id: z.int().optional(),
  mcp_client_name: z
    .string()
    .min(1, 'must not be empty')
    .optional()
    .meta({ description: 'The server by its name; or by mcp_client.client_id, as it is shown.' }),
  mcp_client: z.looseObject({ client_id: z.string().optional() }).optional(),
  tools_to_execute: WhiteList.nullish().meta({ description: '["*"] every tool the server exposes, [] none.' }),
});
export type McpConfigInput = z.infer<typeof McpConfigInput>;

export const McpConfigView = z.object({
  id: z.int(),
  virtual_key_id: z.string(),
  mcp_client_id: z.int().meta({ description: 'A number that stands for the server; mcp_client.client_id is its id.' }),
  mcp_client_name: z.string(),
  mcp_client: z.record(z.string(), z.unknown()).meta({ description: 'The server, secrets masked.' }),
  tools_to_execute: z.array(z.string()),
});
export type McpConfigView = z.infer<typeof McpConfigView>;

/** What keys, teams and customers have in common. */
const limits = {
  budgets: z
    .array(BudgetInput)
    .nullish()
    .meta({ description: 'Replaces the list; each with a reset_duration of its own.' }),
  budget: BudgetInput.nullish().meta({ description: 'Older spelling of a list with one budget.' }),
  rate_limit: RateLimitInput.nullish(),
  reset_budget_usage: z.boolean().nullish().meta({ description: 'Sets what is used of the budgets to zero.' }),
};

const keySettings = {
  description: text.nullish(),
  is_active: z.boolean().nullish(),
  provider_configs: z.array(ProviderConfigInput).nullish().meta({ description: 'Empty or absent: no provider.' }),
  allow_all_providers: z.boolean().nullish(),
  mcp_configs: z
    .array(McpConfigInput)
    .nullish()
    .meta({ description: 'Empty or absent: no tool, but for servers with allow_on_all_virtual_keys.' }),
  team_id: optionalId,
  customer_id: optionalId,
  calendar_aligned: z.boolean().nullish().meta({ description: 'For budgets that do not say it themselves.' }),
  expires_at: z
    .union([z.literal(''), z.iso.datetime({ offset: true })])
    .nullish()
    .meta({ description: 'RFC 3339; "" never.' }),
  delete_after_expire: z
    .boolean()
    .nullish()
    .meta({ description: 'Absent: as client.delete_expired_virtual_keys says.' }),
  disable_content_logging: z.boolean().nullish().meta({ description: 'Absent: as the client settings say.' }),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  ...limits,
};

const entityName = text.trim().min(1, 'must not be empty').max(255);

/** Body of `POST /api/governance/virtual-keys`. */
export const VirtualKeyCreate = z.looseObject({ name: entityName, ...keySettings });
export type VirtualKeyCreate = z.infer<typeof VirtualKeyCreate>;

/** Body of `PUT /api/governance/virtual-keys/{id}`: absent keeps; null, "" and [] clear what can be cleared. */
export const VirtualKeyUpdate = z.looseObject({ name: entityName.nullish(), ...keySettings });
export type VirtualKeyUpdate = z.infer<typeof VirtualKeyUpdate>;

const Owner = z.object({ id: z.string(), name: z.string() });

export const VirtualKeyView = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  value: z.string(),
  is_active: z.boolean(),
  provider_configs: z.array(ProviderConfigView),
  allow_all_providers: z.boolean(),
  mcp_configs: z.array(McpConfigView),
  team_id: z.string().nullable(),
  team: Owner.optional(),
  customer_id: z.string().nullable(),
  customer: Owner.optional(),
  budgets: z.array(BudgetView),
  rate_limit_id: z.string().nullable(),
  rate_limit: RateLimitView.optional(),
  calendar_aligned: z.boolean(),
  expires_at: z.string().nullable(),
  delete_after_expire: z.boolean().nullable(),
  disable_content_logging: z.boolean().nullable(),
  metadata: z.record(z.string(), z.unknown()),
  created_by_user_id: z.string().nullable(),
  config_hash: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type VirtualKeyView = z.infer<typeof VirtualKeyView>;

/** Body of `POST /api/governance/virtual-keys/rotate`. */
export const RotateKeys = z.looseObject({
  ids: z.array(z.string()).min(1, 'must name at least one key').max(1_000, 'must be at most 1000 keys'),
});

/** Body of `PUT …/virtual-keys/{id}/budgets/{budget_id}/override`: more than the budget allows, for a while or for good. */
export const BudgetOverride = z.looseObject({
  amount: usd.gt(0, 'must be more than 0').meta({ description: 'USD on top of max_limit.' }),
  mode: z.enum(['cycles', 'forever']).meta({ description: 'cycles: until that many windows have passed.' }),
  cycles: z
    .int()
    .min(1)
    .max(1_000)
    .nullish()
    .meta({ description: 'With mode "cycles": windows, the current one included; 1 unless said.' }),
});
export type BudgetOverride = z.infer<typeof BudgetOverride>;

/** What a key may read of itself. */
export const QuotaView = z.object({
  virtual_key_name: z.string(),
  is_active: z.boolean(),
  budgets: z.array(BudgetView),
  rate_limit: RateLimitView.optional(),
  provider_configs: z.array(ProviderConfigView),
});
export type QuotaView = z.infer<typeof QuotaView>;

/** Body of `POST /api/governance/teams`. */
export const TeamCreate = z.looseObject({ name: entityName, customer_id: optionalId, ...limits });
export type TeamCreate = z.infer<typeof TeamCreate>;
export const TeamUpdate = z.looseObject({ name: entityName.nullish(), customer_id: optionalId, ...limits });
export type TeamUpdate = z.infer<typeof TeamUpdate>;

/** Body of `POST /api/governance/customers`. */
export const CustomerCreate = z.looseObject({ name: entityName, ...limits });
export type CustomerCreate = z.infer<typeof CustomerCreate>;
export const CustomerUpdate = z.looseObject({ name: entityName.nullish(), ...limits });
export type CustomerUpdate = z.infer<typeof CustomerUpdate>;

const ownerView = {
  id: z.string(),
  name: z.string(),
  budgets: z.array(BudgetView),
  rate_limit_id: z.string().nullable(),
  rate_limit: RateLimitView.optional(),
  virtual_keys: z.array(Owner),
  config_hash: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
};

export const TeamView = z.object({ ...ownerView, customer_id: z.string().nullable(), customer: Owner.optional() });
export type TeamView = z.infer<typeof TeamView>;
export const CustomerView = z.object({ ...ownerView, teams: z.array(Owner) });
export type CustomerView = z.infer<typeof CustomerView>;
