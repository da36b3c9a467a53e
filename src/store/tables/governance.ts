import type { Generated } from 'kysely';

export interface CustomerTable {
  id: string;
  name: string;
  config_hash: string | null;
  created_at: number;
  updated_at: number;
}

export interface TeamTable extends CustomerTable {
  customer_id: string | null;
}

export interface VirtualKeyTable {
  id: string;
  name: string;
  description: string;
  /** Encrypted, or a reference `env.NAME`; looked up by `value_hash`, SHA-256 in hex. */
  value: string;
  value_hash: string;
  /** The value before the last rotation, which works until then. */
  previous_value_hash: string | null;
  previous_expires_at: number | null;
  is_active: number;
  allow_all_providers: number;
  team_id: string | null;
  customer_id: string | null;
  calendar_aligned: number;
  expires_at: number | null;
  delete_after_expire: number | null;
  disable_content_logging: number | null;
  metadata: string;
  created_by_user_id: string | null;
  config_hash: string | null;
  created_at: number;
  updated_at: number;
}

export interface ProviderConfigTable {
  id: Generated<number>;
  virtual_key_id: string;
  provider: string;
  weight: number | null;
  allowed_models: string;
  blacklisted_models: string;
  allow_all_keys: number;
  key_ids: string;
}

/** What a virtual key may call of a server: an entry of `vk_configs` of the one and of `mcp_configs` of the other. */
export interface GrantTable {
  id: Generated<number>;
  virtual_key_id: string;
  client_id: string;
  tools_to_execute: string;
}

/** Whose budget or limit it is. */
export type OwnerKind = 'virtual_key' | 'team' | 'customer' | 'provider_config';

/** What is used of budgets and limits is kept in the ledger, not here. */
export interface BudgetTable {
  id: string;
  owner_kind: OwnerKind;
  owner_id: string;
  max_limit: number;
  reset_duration: string;
  calendar_aligned: number;
  quarter_start_month: number | null;
  override_amount: number | null;
  /** Epoch milliseconds; null while there is an override: for ever. */
  override_until: number | null;
  /** Windows that do not follow the calendar are counted from here. */
  created_at: number;
  updated_at: number;
}

export interface RateLimitTable {
  id: string;
  owner_kind: OwnerKind;
  owner_id: string;
  token_max_limit: number | null;
  token_reset_duration: string | null;
  request_max_limit: number | null;
  request_reset_duration: string | null;
  created_at: number;
  updated_at: number;
}
