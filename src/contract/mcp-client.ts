import { z } from 'zod';
import { OAuthConfigInput } from './oauth.ts';
import { SecretInput, SecretView, WhiteList } from './common.ts';
import { TokenExchangeInput, TokenExchangeView } from './token-exchange.ts';
import { ToolPrice } from './tool-price.ts';

export const ConnectionType = z.enum(['http', 'sse', 'stdio', 'inprocess']);
export type ConnectionType = z.infer<typeof ConnectionType>;

export const AuthType = z.enum(['none', 'headers', 'oauth', 'per_user_oauth', 'per_user_headers', 'token_exchange']);
export type AuthType = z.infer<typeof AuthType>;

/** Which era of MCP to speak with a server. */
export const ProtocolEra = z.enum(['auto', 'legacy', 'modern']);
export type ProtocolEra = z.infer<typeof ProtocolEra>;

/** Who may approve a call: only somebody who manages the gateway and did not make it, or the caller's own user as well. */
export const ApprovalBy = z.enum(['manager', 'caller']);
export type ApprovalBy = z.infer<typeof ApprovalBy>;

/** Where a registered server stands. */
export const ClientState = z.enum([
  'connected',
  'disconnected',
  'error',
  'pending_tools',
  'pending_verification',
  'needs_reauth',
  'disabled',
]);
export type ClientState = z.infer<typeof ClientState>;

/** The longest interval in minutes that still fits 64-bit nanoseconds, in which it is reported. */
export const MAX_SYNC_MINUTES = 153_722_867;

const clientName = z.string().superRefine((name, context) => {
  const rule = nameRule(name);
  if (rule !== undefined) context.addIssue({ code: 'custom', message: rule });
});

/** The rule that a client name breaks, or undefined. The name is the prefix of the tools and an identifier in code mode. */
function nameRule(name: string): string | undefined {
  if (name.trim() === '') return 'must not be empty';
  if (name.length > 255) return 'must be at most 255 characters';
  if (name.includes('-')) return 'must not contain "-", which separates it from the tool name; use "_"';
  if (/\s/.test(name)) return 'must not contain white space; use "_"';
  if (/^[0-9]/.test(name)) return 'must not start with a digit';
  if (!/^[\x21-\x7e]+$/.test(name)) return 'must be ASCII';
  if (/[/\\"'`,;%?#&]/.test(name)) return 'must be letters, digits, "_" or "."';
  return undefined;
}

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const headers = z.record(z.string().regex(headerName, 'is not a valid HTTP header name'), SecretInput);

const uniqueHeaderNames = z.array(z.string()).superRefine((names, context) => {
  const seen = new Set<string>();
  for (const [index, name] of names.entries()) {
    const lower = name.trim().toLowerCase();
    if (lower === '') context.addIssue({ code: 'custom', path: [index], message: 'must not be empty' });
    else if (!headerName.test(lower))
      context.addIssue({ code: 'custom', path: [index], message: 'is not a valid HTTP header name' });
    else if (seen.has(lower)) context.addIssue({ code: 'custom', path: [index], message: `duplicate entry "${name}"` });
    seen.add(lower);
  }
});

const stdioConfig = z.object({
  command: z
    .string()
    .min(1, 'must name the program to start')
    .meta({ description: 'The program, started directly and never through a shell.' }),
  args: z.array(z.string()).nullish().meta({ description: 'Its arguments.' }),
  envs: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*(=[\s\S]*)?$/, 'must be NAME, NAME=value or NAME=env.OTHER'))
    .nullish()
    .meta({ description: 'Variables it gets besides PATH and HOME: NAME (taken over), NAME=value or NAME=env.OTHER.' }),
});

const tlsConfig = z.object({
  insecure_skip_verify: z.boolean().nullish().meta({ description: 'Accept any certificate. Wins over ca_cert_pem.' }),
  ca_cert_pem: SecretInput.nullish().meta({
    description: 'Certificate authority in PEM, trusted besides the system roots.',
  }),
  client_cert_pem: SecretInput.nullish().meta({ description: 'Client certificate in PEM, for mutual TLS.' }),
  client_key_pem: SecretInput.nullish().meta({ description: 'Private key of the client certificate in PEM.' }),
});

const vkConfig = z.object({
  virtual_key_id: z.string().min(1, 'must not be empty'),
  tools_to_execute: WhiteList.nullish(),
});

/** Every setting that create and update share. On update an absent or null field keeps what is stored. */
const settings = {
  connection_string: SecretInput.nullish().meta({
    description: 'URL of an http or sse server; the registered name of an inprocess one.',
  }),
  stdio_config: stdioConfig.nullish().meta({ description: 'What to start for a stdio server.' }),
  auth_type: AuthType.nullish().meta({
    description: 'How the gateway authenticates to the server. Default: headers when headers are given, else none.',
  }),
  oauth_config_id: z.string().nullish().meta({
    description:
      'The OAuth configuration in use. On update: another one that was signed in to, which the client takes over.',
  }),
  oauth_config: OAuthConfigInput.nullish().meta({
    description:
      'How to sign in to an oauth or per_user_oauth server; {} finds out. On update: sign in anew in this way.',
  }),
  token_exchange: TokenExchangeInput.nullish().meta({
    description:
      'How the token of a caller is exchanged for one that the server takes (RFC 8693); auth_type token_exchange.',
  }),
  headers: headers.nullish().meta({
    description:
      'Headers sent with every request to the server. The whole map is replaced; a masked value keeps the secret.',
  }),
  tools_to_execute: WhiteList.nullish().meta({
    description: 'Tools that may be called: ["*"] all, [] none. Absent on create: none.',
  }),
  tools_to_auto_execute: WhiteList.nullish().meta({
    description: 'Tools that may run without approval; a subset of tools_to_execute.',
  }),
  tools_to_approve: WhiteList.nullish().meta({
    description:
      'Tools of which each call waits until a person approves it, whichever way it comes: ["*"] all, [] none.',
  }),
  approval_by: ApprovalBy.nullish().meta({
    description:
      'Who approves: manager (default), who did not make the call; or caller, so that the user of the calling client may, too.',
  }),
  tool_pricing: z.record(z.string().min(1), ToolPrice).nullish().meta({
    description:
      'USD per successful call, by tool name: a number, or a price by arguments and size. The whole map is replaced.',
  }),
  is_code_mode_client: z
    .boolean()
    .nullish()
    .meta({ description: 'Offer the tools through code mode instead of one by one.' }),
  allow_on_all_virtual_keys: z
    .boolean()
    .nullish()
    .meta({ description: 'Virtual keys without an entry of their own may call all executable tools.' }),
  allow_by_default: z.boolean().nullish().meta({ description: 'Newer spelling of allow_on_all_virtual_keys.' }),
  per_user_header_keys: uniqueHeaderNames
    .nullish()
    .meta({ description: 'Header names that each user supplies (per_user_headers only).' }),
  disabled: z
    .boolean()
    .nullish()
    .meta({ description: 'Closes the connection and hides the tools; the registration stays.' }),
  tls_config: tlsConfig
    .nullish()
    .meta({ description: 'TLS of http and sse servers. The whole object is replaced; {} resets it.' }),
  protocol_era: ProtocolEra.nullish().meta({
    description: 'Revisions to speak: auto finds out, legacy is 2024-11-05 to 2025-11-25, modern 2026-07-28.',
  }),
  is_ping_available: z
    .boolean()
    .nullish()
    .meta({ description: 'Probe with ping (default) or, when false, with tools/list.' }),
  tool_sync_interval: z.int().nullish().meta({
    description: 'Minutes between tool listings; 0 the global setting, negative off. Reads show nanoseconds.',
  }),
  tool_execution_timeout: z
    .int()
    .min(0, 'must be >= 0')
    .nullish()
    .meta({ description: 'Seconds a call may take; 0 the global setting. Reads show nanoseconds.' }),
  user_headers: headers.nullish().meta({
    description: 'Sample values of per_user_header_keys, to connect and list the tools once. They are not kept.',
  }),
  subject_token: SecretInput.nullish().meta({
    description:
      'A token of your own, exchanged to connect and list the tools once (token_exchange only). It is not kept.',
  }),
  allowed_extra_headers: WhiteList.nullish().meta({
    description: 'Names of caller headers that are passed on with tool calls; ["*"] all but credentials.',
  }),
};

/** Body of `POST /api/mcp/client`. */
export const McpClientCreate = z.looseObject({
  client_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,255}$/, 'must be 1 to 255 letters, digits, "-" or "_"')
    .or(z.literal(''))
    .nullish()
    .meta({ description: 'Stable identifier; a UUID when absent.' }),
  name: clientName.meta({ description: 'Unique name and tool prefix: ASCII, no "-", no space, no leading digit.' }),
  connection_type: ConnectionType,
  ...settings,
});
export type McpClientCreate = z.infer<typeof McpClientCreate>;

/** What a create, update or reauthorize answers while somebody has to sign in with a browser. */
export const PendingSignIn = z.object({
  status: z.enum(['pending_oauth', 'success']),
  message: z.string(),
  oauth_config_id: z.string(),
  authorize_url: z.string().meta({ description: 'To be opened in a browser.' }),
  expires_at: z.string(),
  mcp_client_id: z.string(),
  complete_url: z.string(),
  status_url: z.string(),
  next_steps: z.array(z.string()),
  warnings: z.array(z.string()).optional(),
});
export type PendingSignIn = z.infer<typeof PendingSignIn>;

/** Body of `PUT /api/mcp/client/{id}`. */
export const McpClientUpdate = z.looseObject({
  client_id: z.string().nullish(),
  name: clientName.nullish(),
  connection_type: ConnectionType.nullish(),
  ...settings,
  vk_configs: z
    .array(vkConfig)
    .nullish()
    .meta({ description: 'Replaces all virtual key assignments of this client; [] removes them, absent keeps them.' }),
});
export type McpClientUpdate = z.infer<typeof McpClientUpdate>;

/** One tool of a registered server, under the server's own name for it. */
export const ToolView = z.object({
  name: z.string(),
  description: z.string().optional(),
  parameters: z
    .record(z.string(), z.unknown())
    .meta({ description: 'JSON Schema of the arguments; always has "properties".' }),
});

export const FailureView = z.object({
  stage: z.enum(['connect', 'ping', 'list_tools', 'transport_lost', 'credential']),
  message: z.string(),
  at: z.string().meta({ description: 'The latest failure, RFC 3339.' }),
  since: z.string().meta({ description: 'The first failure of this outage, RFC 3339.' }),
});
export type FailureView = z.infer<typeof FailureView>;

/** A time in which a server stood the same, for the same reason. */
export const HealthPeriod = z.object({
  state: ClientState,
  since: z.string().meta({ description: 'RFC 3339.' }),
  until: z.string().optional().meta({ description: 'Absent while it lasts.' }),
  failure: FailureView.pick({ stage: true, message: true, at: true })
    .extend({ times: z.int().meta({ description: 'How often it failed in this time.' }) })
    .optional(),
});
export type HealthPeriod = z.infer<typeof HealthPeriod>;

/** Answer of `GET /api/mcp/client/{id}/health`. */
export const McpClientHealth = z.object({
  client_id: z.string(),
  state: ClientState,
  kept_since: z.string().meta({ description: 'When the process that answers began to know the server.' }),
  history: z.array(HealthPeriod).meta({ description: 'The newest first; the last hundred.' }),
});
export type McpClientHealth = z.infer<typeof McpClientHealth>;

/** The stored settings as read APIs show them: secrets masked, durations in nanoseconds. */
export const McpClientConfigView = z.object({
  client_id: z.string(),
  name: z.string(),
  is_code_mode_client: z.boolean(),
  connection_type: ConnectionType,
  connection_string: SecretView,
  stdio_config: z.object({ command: z.string(), args: z.array(z.string()), envs: z.array(z.string()) }).optional(),
  auth_type: AuthType,
  oauth_config_id: z.string().optional(),
  token_exchange: TokenExchangeView.optional(),
  headers: z.record(z.string(), SecretView),
  tools_to_execute: z.array(z.string()),
  tools_to_auto_execute: z.array(z.string()),
  tools_to_approve: z.array(z.string()),
  approval_by: ApprovalBy,
  tool_pricing: z.record(z.string(), ToolPrice),
  allow_on_all_virtual_keys: z.boolean(),
  per_user_header_keys: z.array(z.string()),
  disabled: z.boolean(),
  tls_config: z
    .object({
      insecure_skip_verify: z.boolean(),
      ca_cert_pem: SecretView,
      client_cert_pem: SecretView,
      client_key_pem: SecretView,
    })
    .optional(),
  protocol_era: ProtocolEra,
  is_ping_available: z.boolean(),
  tool_sync_interval: z.number().meta({ description: 'Nanoseconds.' }),
  tool_execution_timeout: z.number().meta({ description: 'Nanoseconds.' }),
  allowed_extra_headers: z.array(z.string()),
});
export type McpClientConfigView = z.infer<typeof McpClientConfigView>;

/** One element of `GET /api/mcp/clients`. */
export const McpClientView = z.object({
  config: McpClientConfigView,
  tools: z.array(ToolView),
  state: ClientState,
  vk_configs: z.array(
    z.object({ virtual_key_id: z.string(), virtual_key_name: z.string(), tools_to_execute: z.array(z.string()) }),
  ),
  last_failure: FailureView.optional(),
});
export type McpClientView = z.infer<typeof McpClientView>;

export const McpClientList = z.object({
  clients: z.array(McpClientView),
  count: z.int(),
  total_count: z.int(),
  limit: z.int(),
  offset: z.int(),
});
export type McpClientList = z.infer<typeof McpClientList>;
