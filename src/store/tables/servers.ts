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

/** A run of code that waits until calls of it are approved. */
export interface CodeRunTable {
  id: string;
  /** Whose run it is, such as "virtual-key:…". */
  principal: string;
  /** Encrypted: the code, what its calls gave so far, and where it goes on. */
  state: string;
  expires_at: number;
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
