import type { Kysely } from 'kysely';
import type {
  HeaderCredentialTable,
  HeaderFlowTable,
  OAuthConfigTable,
  OAuthFlowTable,
  OAuthTokenTable,
} from './tables/credentials.ts';
import type {
  BudgetTable,
  CustomerTable,
  GrantTable,
  ProviderConfigTable,
  RateLimitTable,
  TeamTable,
  VirtualKeyTable,
} from './tables/governance.ts';
import type { ModelPriceTable, ProviderKeyTable, ProviderTable, ResponseEndTable } from './tables/models.ts';
import type {
  CodeArtifactTable,
  CodeRunTable,
  KeptResultTable,
  McpApprovalTable,
  McpClientTable,
  McpSessionStateTable,
} from './tables/servers.ts';
import type { ApiKeyTable, OAuthModelTable, OAuthSessionTable, UserTable, WebSessionTable } from './tables/sign-ins.ts';

/**
 * The tables as they are in the database. Columns are text, integer, bigint or double precision, so that one schema serves
 * SQLite and PostgreSQL: booleans are 0 or 1, times are epoch milliseconds, lists and objects are JSON text.
 */
export interface Tables {
  mcp_clients: McpClientTable;
  api_keys: ApiKeyTable;
  settings: SettingTable;
  customers: CustomerTable;
  teams: TeamTable;
  virtual_keys: VirtualKeyTable;
  provider_configs: ProviderConfigTable;
  grants: GrantTable;
  budgets: BudgetTable;
  rate_limits: RateLimitTable;
  audit_logs: AuditLogTable;
  oauth_configs: OAuthConfigTable;
  oauth_flows: OAuthFlowTable;
  oauth_tokens: OAuthTokenTable;
  header_credentials: HeaderCredentialTable;
  header_flows: HeaderFlowTable;
  users: UserTable;
  web_sessions: WebSessionTable;
  oauth_models: OAuthModelTable;
  oauth_sessions: OAuthSessionTable;
  providers: ProviderTable;
  provider_keys: ProviderKeyTable;
  mcp_approvals: McpApprovalTable;
  model_prices: ModelPriceTable;
  code_runs: CodeRunTable;
  code_artifacts: CodeArtifactTable;
  kept_results: KeptResultTable;
  response_ends: ResponseEndTable;
  nodes: NodeTable;
  mcp_session_states: McpSessionStateTable;
}

/** Every table whose changes are announced. What belongs to a row of these (grants, budgets …) is announced as that row. */
export const TABLES = [
  'mcp_clients',
  'api_keys',
  'settings',
  'customers',
  'teams',
  'virtual_keys',
  'oauth_configs',
  'oauth_tokens',
  'header_credentials',
  'users',
  'oauth_sessions',
  'providers',
  'mcp_approvals',
  'model_prices',
  'nodes',
] as const satisfies readonly (keyof Tables)[];
export type TableName = (typeof TABLES)[number];

/** What a store runs its statements on: the database, or a transaction. */
export type Executor = Kysely<Tables>;

export interface SettingTable {
  key: string;
  value: string;
}

/** One management write. Append-only: the database refuses anything but inserts. */
export interface AuditLogTable {
  /** Counts up from 1 without gaps. */
  id: number;
  at: number;
  /** The principal, such as "api-key:3". */
  actor: string;
  actor_name: string;
  action: string;
  entity: string;
  entity_id: string;
  entity_name: string;
  /** JSON, secrets masked; null when there was nothing before, or nothing changed. */
  before: string | null;
  after: string | null;
  request: string | null;
  /** The hash of the entry before; empty for the first. */
  previous_hash: string;
  hash: string;
}

/** A process on this database. */
export interface NodeTable {
  id: string;
  /** Where the other nodes reach it, such as `10.0.0.5:40123`. */
  address: string;
  is_draining: number;
  /** Grows while the node lives. No clock is compared with another. */
  beat: number;
}
