import type { Generated, Kysely } from 'kysely';

/**
 * The tables as they are in the database. Columns are text, integer, bigint or double precision, so that one schema serves
 * SQLite and PostgreSQL: booleans are 0 or 1, times are epoch milliseconds, lists and objects are JSON text.
 */
export interface Tables {
  mcp_clients: McpClientTable;
  api_keys: ApiKeyTable;
  settings: SettingTable;
}

/** Every table whose changes are announced. */
export const TABLES = ['mcp_clients', 'api_keys', 'settings'] as const satisfies readonly (keyof Tables)[];
export type TableName = keyof Tables;

/** What a store runs its statements on: the database, or a transaction. */
export type Executor = Kysely<Tables>;

export interface McpClientTable {
  client_id: string;
  name: string;
  connection_type: string;
  /** Encrypted, or a reference `env.NAME`; so are the values in headers, tls_config and stdio_config.envs. */
  connection_string: string;
  stdio_config: string | null;
  auth_type: string;
  oauth_config_id: string | null;
  headers: string;
  tools_to_execute: string;
  tools_to_auto_execute: string;
  tool_pricing: string;
  is_code_mode_client: number;
  allow_on_all_virtual_keys: number;
  per_user_header_keys: string;
  disabled: number;
  tls_config: string | null;
  protocol_era: string;
  is_ping_available: number;
  tool_sync_interval: number;
  tool_execution_timeout: number;
  allowed_extra_headers: string;
  config_hash: string | null;
  /** What the server offered when it was last reached; null when it never was. */
  known: string | null;
  created_at: number;
  updated_at: number;
}

export interface ApiKeyTable {
  id: Generated<number>;
  name: string;
  /** SHA-256 in hex. */
  key_hash: string;
  key_prefix: string;
  description: string | null;
  scopes: string;
  created_by_user_id: string | null;
  expires_at: number | null;
  last_used_at: number | null;
  created_at: number;
  updated_at: number;
}

export interface SettingTable {
  key: string;
  value: string;
}
