import { z } from 'zod';
import { AuthConfigInput, AuthSection } from './auth.ts';
import { ClientSettingsPatch } from './client-settings.ts';
import { BudgetInput, CustomerCreate, RateLimitInput, TeamCreate, VirtualKeyCreate } from './governance.ts';
import { McpClientCreate } from './mcp-client.ts';
import { PricingOverrideCreate } from './pricing-override.ts';
import { ProvidersSection } from './provider.ts';

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
