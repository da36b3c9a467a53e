import type { AuthType, ConnectionType } from '../contract/mcp-client.ts';
import type { Secret } from '../lib/secret.ts';

/** What a stdio server is started with. */
export interface StdioConfig {
  readonly command: string;
  readonly args: readonly string[];
  /** Without a value: taken over from the gateway's environment. */
  readonly envs: readonly { readonly name: string; readonly value: Secret | undefined }[];
}

/** TLS of an http or sse server. */
export interface TlsConfig {
  readonly insecure_skip_verify: boolean;
  readonly ca_cert_pem: Secret;
  readonly client_cert_pem: Secret;
  readonly client_key_pem: Secret;
}

/** One registered MCP server, as it is stored. Frozen: a change makes a new one. */
export interface McpClient {
  readonly client_id: string;
  readonly name: string;
  readonly connection_type: ConnectionType;
  /** URL of an http or sse server; registered name of an inprocess one; empty for stdio. */
  readonly connection_string: Secret;
  readonly stdio_config: StdioConfig | undefined;
  readonly auth_type: AuthType;
  readonly oauth_config_id: string | undefined;
  readonly headers: Readonly<Record<string, Secret>>;
  readonly tools_to_execute: readonly string[];
  readonly tools_to_auto_execute: readonly string[];
  readonly tool_pricing: Readonly<Record<string, number>>;
  readonly is_code_mode_client: boolean;
  readonly allow_on_all_virtual_keys: boolean;
  readonly per_user_header_keys: readonly string[];
  readonly disabled: boolean;
  readonly tls_config: TlsConfig | undefined;
  readonly is_ping_available: boolean;
  /** Minutes; 0 the global setting, negative off. */
  readonly tool_sync_interval: number;
  /** Seconds; 0 the global setting. */
  readonly tool_execution_timeout: number;
  readonly allowed_extra_headers: readonly string[];
  /** Hash of the config.json entry this row was last written from; undefined when the file never named it. */
  readonly config_hash: string | undefined;
  /** Epoch milliseconds. */
  readonly created_at: number;
  readonly updated_at: number;
}

/** A tool as its server describes it: the name, and the whole definition as the JSON text that the server sent. */
export interface Tool {
  readonly name: string;
  readonly json: string;
}
