import type { LedgerTables } from '../ledger/tables.ts';
import type { Tables } from '../schema.ts';

/** The tables of the configuration that a backup holds; those that others refer to come first. */
export const CONFIG_TABLES = [
  'settings',
  'customers',
  'teams',
  'virtual_keys',
  'mcp_clients',
  'provider_configs',
  'grants',
  'budgets',
  'rate_limits',
  'api_keys',
  'users',
  'web_sessions',
  'oauth_configs',
  'oauth_flows',
  'oauth_tokens',
  'header_credentials',
  'header_flows',
  'oauth_models',
  'oauth_sessions',
  'providers',
  'provider_keys',
  'model_prices',
  'mcp_approvals',
  'code_runs',
  'code_artifacts',
  'kept_results',
  'response_ends',
  'mcp_session_states',
  'audit_logs',
] as const satisfies readonly (keyof Tables)[];

/** What was used of budgets and limits: it lies in the ledger, but belongs to the configuration. */
export const USAGE_TABLES = ['counters'] as const satisfies readonly (keyof LedgerTables)[];

/** The other tables of the ledger that a backup with logs holds. */
export const LOG_TABLES = [
  'mcp_logs',
  'mcp_log_contents',
  'mcp_log_rollups',
  'logs',
  'log_contents',
  'log_rollups',
  'log_latencies',
  'log_model_latencies',
  'ledger_nodes',
] as const satisfies readonly (keyof LedgerTables)[];

/** Tables that say which processes run now. They are worth nothing elsewhere or later, so no backup holds them. */
export const PASSING_TABLES: readonly string[] = ['nodes', 'lease_nodes', 'counter_leases'];
