import { z } from 'zod';
import { MAX_SYNC_MINUTES } from './mcp-client.ts';

/** A name, perhaps after "*."; an IPv4 or IPv6 address, perhaps with the length of a prefix. */
const HOST_OR_RANGE =
  /^(?:(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|(?:\d{1,3}\.){3}\d{1,3}\/(?:[12]?\d|3[0-2])|[\da-f:.]*:[\da-f:.]*(?:\/(?:\d{1,2}|1[01]\d|12[0-8]))?)$/i;
const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Only the scheme, the host and a port: what paths are put after. */
function isIssuer(text: string): boolean {
  if (text === '') return true;
  if (!URL.canParse(text)) return false;
  const { origin, protocol, hostname } = new URL(text);
  const isOpen = protocol === 'http:' && LOOPBACK_HOST.test(hostname);
  return (protocol === 'https:' || isOpen) && (text === origin || text === `${origin}/`);
}

/** How `/mcp` lets clients sign in with OAuth: `oauth2_server_config`. */
export const OAuth2ServerConfig = z.object({
  issuer_url: z.string().refine(isIssuer, 'must be an https origin without a path, or http on this machine').meta({
    description:
      'Public origin of this gateway, such as https://gateway.example.com. Default: mcp_external_server_url.',
  }),
  auth_code_ttl: z
    .int()
    .min(1, 'must be at least 1')
    .max(900, 'must be at most 900')
    .meta({ description: 'Seconds in which an authorization code must be redeemed.' }),
  access_token_ttl: z
    .int()
    .min(1, 'must be at least 1')
    .max(86_400, 'must be at most 86400')
    .meta({ description: 'Seconds for which an access token works.' }),
  disable_vk_identity: z.boolean().meta({ description: 'Do not let people sign in with a virtual key.' }),
});
export type OAuth2ServerConfig = z.infer<typeof OAuth2ServerConfig>;

function bounded(least: number, most: number) {
  return z.int().min(least, `must be at least ${least}`).max(most, `must be at most ${most}`);
}

/** Gateway-wide settings: `client_config` of `/api/config`, `client` of config.json. Applied live. */
export const ClientSettings = z.object({
  mcp_agent_depth: z.int().min(1, 'must be at least 1').meta({ description: 'Rounds an agent loop may take.' }),
  max_request_body_size_mb: z
    .int()
    .min(1, 'must be at least 1')
    .max(1024, 'must be at most 1024')
    .meta({ description: 'The largest body that a request to a model may have, in MiB.' }),
  mcp_tool_execution_timeout: z
    .int()
    .min(1, 'must be at least 1')
    .meta({ description: 'Seconds a tool call may take.' }),
  mcp_tool_sync_interval: z
    .int()
    .max(MAX_SYNC_MINUTES, `must be at most ${MAX_SYNC_MINUTES}`)
    .meta({ description: 'Minutes between tool listings; 0 the default (10), negative off.' }),
  approval_ttl: z
    .int()
    .min(1, 'must be at least 1')
    .max(604_800, 'must be at most 604800 (7 days)')
    .meta({ description: 'Seconds for which a call waits to be approved, and then for which the decision holds.' }),
  mcp_code_mode_binding_level: z.enum(['server', 'tool']),
  mcp_code_mode_timeout: bounded(1, 600).meta({ description: 'Seconds that one run of code may take.' }),
  mcp_code_mode_memory: bounded(16, 1024).meta({ description: 'Megabytes that one run of code may use.' }),
  mcp_code_mode_max_calls: bounded(1, 10_000).meta({ description: 'Tool calls that one run of code may make.' }),
  mcp_code_mode_max_output: bounded(1_000, 500_000).meta({
    description: 'Characters that one run of code may print, and as many that it may return.',
  }),
  mcp_code_mode_max_runs: bounded(1, 32).meta({ description: 'Runs of code at once; further ones wait.' }),
  mcp_disable_auto_tool_inject: z.boolean(),
  mcp_tool_search: z.enum(['auto', 'always', 'never']).meta({
    description:
      'Give models tools to search for tools, instead of all tools: when there are many (auto), always, or never.',
  }),
  mcp_tool_search_threshold: z
    .int()
    .min(0, 'must not be negative')
    .max(100_000, 'must be at most 100000')
    .meta({ description: 'With more tools than this, "auto" lets models search.' }),
  mcp_max_result_size: z
    .int()
    .min(0, 'must not be negative')
    .max(64 * 1024 * 1024, 'must be at most 67108864 (64 MiB)')
    .meta({
      description:
        'Bytes of a result that go to a model; of a larger one it gets a preview, and reads on. 0: everything.',
    }),
  mcp_external_client_url: z
    .string()
    .meta({ description: 'Public base URL of this gateway, for links and OAuth redirects.' }),
  mcp_external_server_url: z.string().meta({ description: 'Public base URL of /mcp, for discovery documents.' }),
  mcp_enable_temp_token_auth: z.boolean(),
  mcp_server_auth_mode: z.enum(['headers', 'both', 'oauth']).meta({
    description: 'What /mcp takes: keys in headers, OAuth access tokens, or both.',
  }),
  oauth2_server_config: OAuth2ServerConfig,
  dual_credential_conflict_behavior: z.enum(['error', 'prefer_token', 'prefer_header']).meta({
    description: 'What counts when a request to /mcp comes with an access token and another key.',
  }),
  enforce_auth_on_inference: z.boolean().meta({ description: 'Demand a key on /mcp and /v1. Default true.' }),
  required_headers: z
    .array(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'is not a valid HTTP header name'))
    .meta({ description: 'Headers that every request to /mcp and /v1 must carry.' }),
  disable_content_logging: z
    .boolean()
    .meta({ description: 'Keep arguments and results out of the logs, unless the virtual key says otherwise.' }),
  allow_per_request_content_storage_override: z
    .boolean()
    .meta({ description: 'Let x-bf-disable-content-logging decide for one request.' }),
  logging_headers: z.array(z.string()).meta({ description: 'Request headers kept in the metadata of log rows.' }),
  log_retention_days: z
    .int()
    .min(1, 'must be at least 1')
    .max(36_500, 'must be at most 36500')
    .meta({ description: 'Days after which log rows are deleted.' }),
  vk_rotation_cooldown: z
    .int()
    .min(0, 'must not be negative')
    .max(2_592_000, 'must be at most 2592000 (30 days)')
    .meta({ description: 'Seconds for which the former value of a rotated virtual key still works; 0 not at all.' }),
  delete_expired_virtual_keys: z.boolean().meta({
    description: 'Delete virtual keys some time after they expired, where they do not say it themselves.',
  }),
  allowed_origins: z
    .array(z.string())
    .meta({ description: 'Browser origins besides this machine that may call; "*" any.' }),
  allow_private_servers: z
    .boolean()
    .meta({ description: 'Let registered servers have addresses that are not public. Default true.' }),
  egress_allowlist: z
    .array(z.string().regex(HOST_OR_RANGE, 'must be a host, "*.host", an address or a range such as "10.0.0.0/8"'))
    .meta({
      description:
        'Hosts ("*.corp.example" with all below) and ranges that may be connected to although they are not public.',
    }),
});
export type ClientSettings = z.infer<typeof ClientSettings>;

/** A change of settings: what is absent stays, in the group of the OAuth settings too. */
export const ClientSettingsPatch = ClientSettings.extend({
  oauth2_server_config: OAuth2ServerConfig.partial(),
}).partial();
export type ClientSettingsPatch = z.infer<typeof ClientSettingsPatch>;

export const DEFAULT_SETTINGS: ClientSettings = {
  mcp_agent_depth: 10,
  max_request_body_size_mb: 100,
  mcp_tool_execution_timeout: 30,
  mcp_tool_sync_interval: 10,
  approval_ttl: 900,
  mcp_code_mode_binding_level: 'server',
  mcp_code_mode_timeout: 60,
  mcp_code_mode_memory: 64,
  mcp_code_mode_max_calls: 100,
  mcp_code_mode_max_output: 40_000,
  mcp_code_mode_max_runs: 4,
  mcp_disable_auto_tool_inject: false,
  mcp_tool_search: 'never',
  mcp_tool_search_threshold: 50,
  mcp_max_result_size: 65_536,
  mcp_external_client_url: '',
  mcp_external_server_url: '',
  mcp_enable_temp_token_auth: false,
  mcp_server_auth_mode: 'headers',
  oauth2_server_config: { issuer_url: '', auth_code_ttl: 300, access_token_ttl: 600, disable_vk_identity: false },
  dual_credential_conflict_behavior: 'error',
  enforce_auth_on_inference: true,
  required_headers: [],
  disable_content_logging: false,
  allow_per_request_content_storage_override: false,
  logging_headers: [],
  log_retention_days: 365,
  vk_rotation_cooldown: 0,
  delete_expired_virtual_keys: false,
  allowed_origins: [],
  allow_private_servers: true,
  egress_allowlist: [],
};
