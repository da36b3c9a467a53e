import type { McpClient } from '../../src/store/mcp-clients.ts';
import { Secret } from '../../src/lib/secret.ts';

/** A plain registered http server, with what a test wants different. */
export function exampleClient(changes: Partial<McpClient> = {}): McpClient {
  return {
    client_id: 'wiki-id',
    name: 'wiki',
    connection_type: 'http',
    connection_string: Secret.parse('https://wiki.example/mcp'),
    stdio_config: undefined,
    auth_type: 'none',
    oauth_config_id: undefined,
    token_exchange: undefined,
    headers: {},
    tools_to_execute: ['*'],
    tools_to_auto_execute: [],
    tools_to_approve: [],
    approval_by: 'manager',
    tool_pricing: {},
    is_code_mode_client: false,
    allow_on_all_virtual_keys: false,
    per_user_header_keys: [],
    disabled: false,
    tls_config: undefined,
    protocol_era: 'auto',
    is_ping_available: true,
    tool_sync_interval: 0,
    tool_execution_timeout: 0,
    allowed_extra_headers: [],
    config_hash: undefined,
    created_at: 1_764_000_000_000,
    updated_at: 1_764_000_000_000,
    ...changes,
  };
}
