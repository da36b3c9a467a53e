import type { Generated, Kysely } from 'kysely';

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
  nodes: NodeTable;
  mcp_session_states: McpSessionStateTable;
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

/** What a client of 2024-11-05 to 2025-11-25 has asked for in its session, for the node that takes the session over. */
export interface McpSessionStateTable {
  /** A digest of the session id. */
  id: string;
  log_level: string | null;
  /** JSON array of the addresses of resources. */
  resources: string;
  is_ended: number;
  updated_at: number;
}

/** A run of code that waits until calls of it are approved. */
export interface CodeRunTable {
  id: string;
  /** Whose run it is, such as "virtual-key:…". */
  principal: string;
  /** Encrypted: the code, what its calls gave so far, and where it goes on. */
  state: string;
  expires_at: number;
}

/** What models cost by the operator's own word; prices are USD per million tokens. */
export interface ModelPriceTable {
  id: string;
  name: string;
  /** '' for any. */
  provider: string;
  match_type: string;
  pattern: string;
  input: number;
  output: number;
  cache_read: number | null;
  cache_write: number | null;
  /** Of the entry of config.json that it was last written from. */
  config_hash: string | null;
  created_at: number;
  updated_at: number;
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

export interface McpClientTable {
  client_id: string;
  name: string;
  connection_type: string;
  /** Encrypted, or a reference `env.NAME`; so are the values in headers, tls_config and stdio_config.envs. */
  connection_string: string;
  stdio_config: string | null;
  auth_type: string;
  oauth_config_id: string | null;
  token_exchange: string | null;
  headers: string;
  tools_to_execute: string;
  tools_to_auto_execute: string;
  tools_to_approve: string;
  approval_by: string;
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

/** How the gateway signs in to one server. */
export interface OAuthConfigTable {
  id: string;
  /** Null while the client is not registered yet. */
  mcp_client_id: string | null;
  /** The client that waits for the sign-in: JSON, encrypted as a whole; empty when there is none. */
  pending_client: string;
  grant_type: string;
  /** The authorization server that `client_id` belongs to. */
  issuer: string | null;
  /** As the operator gave them; null where they are discovered. */
  authorize_url: string | null;
  token_url: string | null;
  registration_url: string | null;
  /** What the authorization server said of itself, JSON. */
  server: string | null;
  client_id: string | null;
  client_secret: string;
  registration: string | null;
  registered_redirect_uri: string | null;
  registered_scopes: string | null;
  client_secret_expires_at: number | null;
  token_endpoint_auth_method: string | null;
  private_key: string;
  scopes: string;
  resource: string | null;
  status: string;
  status_reason: string | null;
  trace: string | null;
  created_at: number;
  updated_at: number;
  expires_at: number | null;
}

/** One sign-in under way. */
export interface OAuthFlowTable {
  id: string;
  config_id: string;
  client_id: string;
  /** SHA-256 in hex; so is `bind_hash`. */
  state_hash: string;
  verifier: string;
  issuer: string;
  redirect_uri: string;
  /** The client that asks, if the gateway registered it: JSON, encrypted as a whole. */
  registration: string | null;
  purpose: string;
  mode: string;
  identity: string;
  label: string;
  bind_hash: string | null;
  scopes: string;
  resource: string | null;
  status: string;
  status_reason: string | null;
  created_at: number;
  expires_at: number;
}

/** What a sign-in gave. */
export interface OAuthTokenTable {
  id: string;
  config_id: string;
  client_id: string;
  mode: string;
  identity: string;
  label: string;
  issuer: string;
  resource: string | null;
  access: string;
  refresh: string;
  /** The client that it was given to, as in {@link OAuthFlowTable}. Null as well if it is older than this column. */
  registration: string | null;
  /** Null: not known. */
  expires_at: number | null;
  scopes: string;
  wanted_scopes: string;
  status: string;
  status_reason: string | null;
  last_refreshed_at: number | null;
  created_at: number;
  updated_at: number;
}
/** What a caller entered for a server that knows each of its callers. Unique by client, mode, identity and label. */
export interface HeaderCredentialTable {
  id: string;
  client_id: string;
  mode: string;
  identity: string;
  identity_name: string;
  label: string;
  /** A JSON object of header values, encrypted as a whole. */
  header_values: string;
  status: string;
  status_reason: string | null;
  version: number;
  created_at: number;
  updated_at: number;
}

/** A form on which header values are entered. */
export interface HeaderFlowTable {
  id: string;
  auth_kind: string;
  client_id: string;
  mode: string;
  identity: string;
  identity_name: string;
  label: string;
  status: string;
  created_at: number;
  expires_at: number;
}

export interface UserTable {
  id: string;
  username: string;
  /** The name as it is looked up: two that look the same to people are the same. */
  username_key: string;
  /** Argon2id; null for whoever signs in elsewhere. */
  password_hash: string | null;
  role: string;
  origin: string;
  /** Issuer and subject at the identity provider. */
  sso_subject: string | null;
  is_active: number;
  created_at: number;
  updated_at: number;
  last_login_at: number | null;
}

/** A browser in which somebody has signed in. */
export interface WebSessionTable {
  /** SHA-256 in hex of the cookie. */
  token_hash: string;
  user_id: string;
  expires_at: number;
  created_at: number;
  ip: string | null;
  user_agent: string | null;
}
/** What the authorization server library keeps: clients, sign-ins under way, codes, refresh tokens. Ids are SHA-256 in hex. */
export interface OAuthModelTable {
  kind: string;
  id_hash: string;
  /** The grant that it belongs to; they end together. */
  grant_hash: string | null;
  uid_hash: string | null;
  /** Encrypted JSON. */
  payload: string;
  /** When it was used, for what may be used once. */
  consumed_at: number | null;
  expires_at: number;
}

/** A client that signed in to `/mcp`. Without this row neither its refresh token nor its access tokens work. */
export interface OAuthSessionTable {
  /** SHA-256 of the grant, which access tokens name. */
  id: string;
  client_id: string;
  client_name: string;
  /** On whose behalf it calls, such as "virtual-key:…". */
  principal: string;
  scopes: string;
  created_at: number;
  last_used_at: number;
  expires_at: number;
}

/** A provider of models. Its keys are announced as their provider. */
export interface ProviderTable {
  name: string;
  description: string;
  /** What of `network_config` is no secret, as JSON. */
  network: string;
  /** Encrypted values by name, as is the next. */
  extra_headers: string;
  ca_cert_pem: string;
  concurrency: number;
  buffer_size: number;
  custom: string | null;
  send_back_raw_request: number;
  send_back_raw_response: number;
  store_raw_request_response: number;
  /** Empty when config.json never named it; so for keys. */
  config_hash: string;
  created_at: number;
  updated_at: number;
}

export interface ProviderKeyTable {
  id: string;
  name: string;
  provider: string;
  /** Everything secret of the key, encrypted, by name. */
  secrets: string;
  /** What else the key says about the cloud it belongs to, as JSON. */
  cloud: string;
  models: string;
  blacklisted_models: string;
  weight: number;
  enabled: number;
  aliases: string;
  description: string;
  config_hash: string;
  created_at: number;
  updated_at: number;
}

/** A call that waits, or waited, for a person to say yes. */
export interface McpApprovalTable {
  id: string;
  /** Who called, such as "virtual-key:…". */
  principal: string;
  principal_name: string;
  /** Keyed digest of all that the approval is good for: caller, account, server and where it is, tool, arguments. */
  binding: string;
  /** The same while it waits or is good, else null: of one binding there is never more than one of these. */
  live_binding: string | null;
  client_id: string;
  client_name: string;
  tool: string;
  /** Keyed digest of the arguments alone. */
  arguments_digest: string;
  /** Encrypted JSON text; null once it is over, where content is not kept. */
  arguments: string | null;
  is_content_kept: number;
  source: string;
  /** Name of the client program. */
  app: string | null;
  /** "pending", "approved", "denied" or "used"; that the time is over is told by the clock. */
  status: string;
  created_at: number;
  expires_at: number;
  decided_at: number | null;
  decided_by: string | null;
  decided_by_name: string | null;
  decided_via: string | null;
  note: string | null;
  used_at: number | null;
  /** SHA-256 of the request state under which the call that used it goes on, once. */
  continues: string | null;
}

/** What the runs of a session of code have kept. */
export interface CodeArtifactTable {
  /** A digest of the session's name. */
  id: string;
  principal: string;
  /** Encrypted; empty while the first run of the session writes it. */
  content: string;
  /** Its length. */
  size: number;
  expires_at: number;
}

/** A result that was too large for a model. */
export interface KeptResultTable {
  id: string;
  principal: string;
  tool: string;
  /** Packed and encrypted. */
  content: string;
  /** Its length. */
  size: number;
  created_at: number;
  expires_at: number;
}
