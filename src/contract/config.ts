import { z } from 'zod';
import { AuthConfigInput, AuthSection } from './auth.ts';
import { BudgetInput, CustomerCreate, RateLimitInput, TeamCreate, VirtualKeyCreate } from './governance.ts';
import { McpClientCreate, MAX_SYNC_MINUTES } from './mcp-client.ts';
import { PricingOverrideCreate } from './pricing-override.ts';
import { ProvidersSection } from './provider.ts';

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

/** A duration in config.json: "10m", "1h30m", "45s", or a number of nanoseconds. */
const FileDuration = z.union([
  z.string().regex(/^-?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/, 'must be a duration such as "10m"'),
  z.number(),
]);

/** One server in config.json: the same settings as over the API, durations as text. */
export const McpClientEntry = McpClientCreate.extend({
  tool_sync_interval: FileDuration.nullish(),
  tool_execution_timeout: FileDuration.nullish(),
});
export type McpClientEntry = z.infer<typeof McpClientEntry>;

const entityId = z
  .string()
  .regex(/^(?!\.{1,2}$)[\w.:@-]{1,255}$/, 'must be letters, digits, "-", "_", ".", ":" or "@"');
const id = entityId.optional().meta({ description: 'Made when absent; the entry is then known by its name.' });
const inFile = {
  id,
  rate_limit_id: z.string().optional().meta({ description: 'An entry of governance.rate_limits.' }),
};

/** A virtual key in config.json. Only here may its value be chosen. */
export const VirtualKeyEntry = VirtualKeyCreate.extend({
  ...inFile,
  value: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
    .optional()
    .meta({ description: 'The key itself or, better, "env.NAME" or "file.PATH". Made when absent.' }),
});
export type VirtualKeyEntry = z.infer<typeof VirtualKeyEntry>;
export const TeamEntry = TeamCreate.extend(inFile);
export type TeamEntry = z.infer<typeof TeamEntry>;
export const CustomerEntry = CustomerCreate.extend(inFile);
export type CustomerEntry = z.infer<typeof CustomerEntry>;
export const PricingOverrideEntry = PricingOverrideCreate.extend({ id });
export type PricingOverrideEntry = z.infer<typeof PricingOverrideEntry>;
const EXAMPLE_PRICE = '{"name": "Small", "pattern": "gpt-5-mini", "patch": {"input": 0.25, "output": 2}}';

/** `governance` of config.json. Budgets and rate limits may stand with their owner, or in lists of their own. */
export const GovernanceSection = z.looseObject({
  auth_config: z
    .looseObject({
      ...AuthConfigInput.omit({ current_password: true }).shape,
      disable_auth_on_inference: z.boolean().optional(),
    })
    .optional()
    .meta({ description: 'The admin account of the dashboard.' }),
  virtual_keys: z.array(VirtualKeyEntry).optional(),
  teams: z.array(TeamEntry).optional(),
  customers: z.array(CustomerEntry).optional(),
  pricing_overrides: z
    .array(PricingOverrideEntry, `must be a list, such as [${EXAMPLE_PRICE}]`)
    .optional()
    .meta({ description: 'What models cost, where the price sheet is wrong or silent.' }),
  budgets: z
    .array(
      BudgetInput.extend({
        virtual_key_id: z.string().nullish(),
        team_id: z.string().nullish(),
        customer_id: z.string().nullish(),
        provider_config_id: z
          .int()
          .nullish()
          .meta({ description: 'The id of an entry of provider_configs in this file.' }),
      }),
    )
    .optional()
    .meta({ description: 'Each names its owner, an entry of this file.' }),
  rate_limits: z
    .array(RateLimitInput.extend({ id: z.string() }))
    .optional()
    .meta({ description: 'Named by the rate_limit_id of their owners.' }),
});
export type GovernanceSection = z.infer<typeof GovernanceSection>;

const PostgresConfig = z.looseObject({
  url: z
    .string()
    .optional()
    .meta({ description: 'postgres://user:password@host:port/database, instead of the fields below.' }),
  host: z.string().optional(),
  port: z.union([z.int(), z.string()]).optional(),
  user: z.string().optional(),
  password: z.string().optional(),
  db_name: z.string().optional(),
  ssl_mode: z.enum(['disable', 'require', 'verify-ca', 'verify-full']).optional(),
  max_open_conns: z.int().min(1).optional(),
});

const HeaderValue = z.union([
  z.string(),
  z.looseObject({ value: z.string().optional(), env_var: z.string().optional() }),
]);

/** Where traces go, instead of or in addition to the OTEL_… variables of the environment. */
export const OtelPlugin = z.looseObject({
  name: z.literal('otel'),
  enabled: z.boolean().optional().meta({ description: 'Default true.' }),
  config: z
    .looseObject({
      service_name: z.string().optional().meta({ description: 'Default OTEL_SERVICE_NAME, else "asbru".' }),
      collector_url: z
        .string()
        .optional()
        .meta({ description: 'OTLP endpoint, or "env.NAME"; /v1/traces is added unless the path ends in /traces.' }),
      trace_type: z.string().optional(),
      protocol: z.literal('http').optional().meta({ description: 'OTLP over HTTP, in JSON.' }),
      headers: z
        .record(z.string(), HeaderValue)
        .optional()
        .meta({ description: 'Values may be "env.NAME" or "file.PATH".' }),
      insecure: z.boolean().optional().meta({ description: 'Accept any certificate of the collector.' }),
      disable_content_logging: z
        .boolean()
        .optional()
        .meta({ description: 'Has no effect: spans never carry arguments or results.' }),
    })
    .optional(),
});
export type OtelPlugin = z.infer<typeof OtelPlugin>;

const OtherPlugin = z.looseObject({
  name: z.string().refine((name) => name !== 'otel'),
  enabled: z.boolean().optional(),
  config: z.looseObject({}).optional(),
});

/** config.json. */
export const ConfigFile = z.looseObject({
  $schema: z.string().optional(),
  version: z.int().optional(),
  source_of_truth: z
    .enum(['split', 'config.json'])
    .optional()
    .meta({ description: 'split: database entries that the file does not name stay. config.json: they are deleted.' }),
  encryption_key: z
    .string()
    .optional()
    .meta({ description: 'Passphrase for secrets at rest, or "env.NAME" or "file.PATH".' }),
  setup_token: z
    .string()
    .optional()
    .meta({ description: 'Lets whoever knows it make the first admin account; or "env.NAME" or "file.PATH".' }),
  auth: AuthSection.optional(),
  client: ClientSettingsPatch.loose().optional(),
  mcp: z
    .looseObject({
      client_configs: z.array(McpClientEntry).optional(),
      inprocess: z.record(z.string(), z.string()).optional().meta({
        description:
          'In-process servers: name to module path, relative to this file. The default export is a function that makes the server.',
      }),
      tool_sync_interval: FileDuration.optional(),
      tool_manager_config: z
        .looseObject({
          tool_execution_timeout: z.union([z.int().min(1), FileDuration]).optional(),
          max_agent_depth: z.int().min(1).optional(),
          code_mode_binding_level: z.enum(['server', 'tool']).optional(),
          disable_auto_tool_inject: z.boolean().optional(),
        })
        .optional(),
    })
    .optional(),
  plugins: z
    .array(z.union([OtelPlugin, OtherPlugin]))
    .optional()
    .meta({ description: 'Of the plugins of other gateways only "otel" means something here: traces.' }),
  governance: GovernanceSection.optional(),
  providers: ProvidersSection.optional(),
  config_store: z
    .discriminatedUnion('type', [
      z.looseObject({
        enabled: z.boolean().optional(),
        type: z.literal('sqlite'),
        config: z.looseObject({ path: z.string().optional() }).optional(),
      }),
      z.looseObject({ enabled: z.boolean().optional(), type: z.literal('postgres'), config: PostgresConfig }),
    ])
    .optional(),
  logs_store: z
    .looseObject({
      enabled: z.boolean().optional().meta({ description: 'false: no calls are logged. Usage is always kept.' }),
      type: z.enum(['sqlite', 'postgres']).optional(),
      config: z.looseObject({ path: z.string().optional(), ...PostgresConfig.shape }).optional(),
    })
    .optional()
    .meta({
      description:
        'Where calls are logged and usage is counted. Default: logs.db beside the SQLite database, or the same PostgreSQL database.',
    }),
});
export type ConfigFile = z.infer<typeof ConfigFile>;
