import { z } from 'zod';
import { SecretInput, SecretView, WhiteList } from './common.ts';
import { BUILT_IN_PROVIDERS, ProviderName } from './provider-name.ts';

/** What a timer can hold, in seconds. */
const MAX_SECONDS = 2_147_483;
const MAX_MILLISECONDS = 3_600_000;

/** PostgreSQL cannot keep the character NUL in a text. */
const text = z.string().regex(/^[^\0]*$/, 'must not contain the character NUL');
const seconds = z.int().min(1, 'must be at least 1').max(MAX_SECONDS, `must be at most ${MAX_SECONDS}`);
const milliseconds = z
  .int()
  .min(0, 'must not be negative')
  .max(MAX_MILLISECONDS, `must be at most ${MAX_MILLISECONDS}`);
/** A setting that is shown as it is, so a reference would only look as if it were followed. */
const plain = text.regex(/^(?!(?:env|file)\.)/, 'must be the value itself: a reference is not followed here');

const NetworkInput = z.looseObject({
  base_url: plain.nullish().meta({ description: "Address of the provider's API; absent: its public one." }),
  extra_headers: z
    .record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'is not a valid HTTP header name'), SecretInput)
    .nullish()
    .meta({ description: 'Sent with every request. A mask keeps the stored value.' }),
  default_request_timeout_in_seconds: seconds
    .nullish()
    .meta({ description: 'Until the head of the answer, or all of one that is not streamed. Default 30.' }),
  max_retries: z.int().min(0, 'must not be negative').max(100, 'must be at most 100').nullish(),
  retry_backoff_initial: milliseconds.nullish().meta({ description: 'Milliseconds. Default 500.' }),
  retry_backoff_max: milliseconds.nullish().meta({ description: 'Milliseconds. Default 5000.' }),
  stream_idle_timeout_in_seconds: seconds
    .nullish()
    .meta({ description: 'Between two pieces of a stream. Default 60.' }),
  insecure_skip_verify: z.boolean().nullish().meta({ description: 'Accept any certificate. Wins over ca_cert_pem.' }),
  ca_cert_pem: SecretInput.nullish().meta({ description: 'Certificate authority in PEM, trusted besides the others.' }),
  allow_private_network: z.boolean().nullish().meta({ description: 'Let the address lead to a private network.' }),
});

const CustomInput = z.looseObject({
  base_provider_type: z
    .enum(BUILT_IN_PROVIDERS)
    .meta({ description: 'The provider whose formats it speaks, such as "openai".' }),
  is_key_less: z.boolean().nullish().meta({ description: 'It wants no key.' }),
  allowed_requests: z
    .record(z.string(), z.boolean())
    .nullish()
    .meta({ description: 'When given, kinds of requests that are not true are refused.' }),
  request_path_overrides: z
    .record(z.string(), plain.regex(/^\//, 'must start with "/"'))
    .nullish()
    .meta({ description: 'Paths by kind of request, instead of the usual ones.' }),
});

const ConcurrencyInput = z.looseObject({
  concurrency: z.int().min(1, 'must be at least 1').nullish().meta({ description: 'Requests at once. Default 1000.' }),
  buffer_size: z.int().min(1, 'must be at least 1').nullish().meta({ description: 'That may wait. Default 5000.' }),
});

/** A key of a provider, as it is sent. */
const keySettings = {
  value: SecretInput.nullish().meta({ description: 'The key itself or "env.NAME". A mask keeps what is stored.' }),
  models: WhiteList.nullish().meta({ description: '["*"] all (the default), [] none; "regex:…" matches whole names.' }),
  blacklisted_models: WhiteList.nullish().meta({ description: 'Beats models.' }),
  weight: z.number().min(0, 'must not be negative').nullish().meta({ description: 'Share among the keys. Default 1.' }),
  enabled: z.boolean().nullish().meta({ description: 'Default true.' }),
  aliases: z
    .record(text, plain.min(1, 'must not be empty'))
    .nullish()
    .meta({ description: "Requested name to the provider's name or deployment." }),
  description: text.nullish(),
  azure_key_config: z.looseObject({ endpoint: SecretInput, api_version: plain.nullish() }).nullish(),
  bedrock_key_config: z
    .looseObject({
      access_key: SecretInput.nullish().meta({
        description: 'Absent, and without a value: the AWS credentials of the machine that the gateway runs on.',
      }),
      secret_key: SecretInput.nullish(),
      session_token: SecretInput.nullish(),
      region: plain.nullish().meta({ description: 'Absent: AWS_REGION, else AWS_DEFAULT_REGION.' }),
    })
    .nullish(),
  vertex_key_config: z
    .looseObject({ project_id: plain, region: plain, auth_credentials: SecretInput.nullish() })
    .nullish(),
};
const keyName = text
  .trim()
  .min(1, 'must not be empty')
  .max(255, 'must be at most 255 characters')
  .refine((name) => name !== '*', 'must not be "*", which stands for every key');

/** Body of `POST /api/providers/{provider}/keys`. */
export const ProviderKeyCreate = z.looseObject({ name: keyName, ...keySettings });
export type ProviderKeyCreate = z.infer<typeof ProviderKeyCreate>;

/** Body of `PUT /api/providers/{provider}/keys/{key_id}`: absent keeps; null and [] clear what can be cleared. */
export const ProviderKeyUpdate = z.looseObject({ name: keyName.nullish(), ...keySettings });
export type ProviderKeyUpdate = z.infer<typeof ProviderKeyUpdate>;

const settings = {
  description: text.nullish(),
  network_config: NetworkInput.nullish(),
  concurrency_and_buffer_size: ConcurrencyInput.nullish(),
  custom_provider_config: CustomInput.nullish().meta({ description: 'For every name that is not built in.' }),
  send_back_raw_request: z.boolean().nullish(),
  send_back_raw_response: z.boolean().nullish(),
  store_raw_request_response: z.boolean().nullish(),
};

/** What create, update and config.json can say of a provider. */
export const ProviderSettings = z.looseObject(settings);
export type ProviderSettings = z.infer<typeof ProviderSettings>;

/** Body of `POST /api/providers`. */
export const ProviderCreate = z.looseObject({
  name: ProviderName.optional(),
  provider: ProviderName.optional().meta({ description: 'Another spelling of name.' }),
  ...settings,
  keys: z.array(ProviderKeyCreate).nullish(),
});
export type ProviderCreate = z.infer<typeof ProviderCreate>;

/** Body of `PUT /api/providers/{provider}`: all settings at once; what is absent goes back to its default. */
export const ProviderUpdate = z.looseObject({ name: ProviderName.nullish(), ...settings });
export type ProviderUpdate = z.infer<typeof ProviderUpdate>;

/** A provider in `providers` of config.json, where its name is the key. */
export const ProviderEntry = z.looseObject({
  ...settings,
  keys: z
    .array(
      ProviderKeyCreate.extend({
        id: z
          .string()
          .regex(/^(?!\.{1,2}$)[\w.:@-]{1,255}$/, 'must be letters, digits, "-", "_", ".", ":" or "@"')
          .optional()
          .meta({ description: 'Made when absent; the key is then known by its name.' }),
      }),
    )
    .optional(),
});
export type ProviderEntry = z.infer<typeof ProviderEntry>;
export type ProviderKeyEntry = NonNullable<ProviderEntry['keys']>[number];

/** `providers` of config.json. */
export const ProvidersSection = z
  .record(z.string(), ProviderEntry)
  .superRefine((entries, context) => {
    for (const name of Object.keys(entries)) {
      // A schema of the keys themselves would only say that a key is invalid.
      const { error } = ProviderName.safeParse(name);
      for (const { message } of error?.issues ?? []) context.addIssue({ code: 'custom', path: [name], message });
    }
  })
  .meta({ description: 'The providers of models, by name, with their keys.' });

export const ProviderKeyView = z.object({
  id: z.string(),
  name: z.string(),
  provider: z.string(),
  value: SecretView,
  models: z.array(z.string()),
  blacklisted_models: z.array(z.string()),
  weight: z.number(),
  enabled: z.boolean(),
  aliases: z.record(z.string(), z.string()),
  description: z.string(),
  status: z.string().meta({ description: 'Why the key cannot be used, such as "env.KEY is not set"; else empty.' }),
  azure_key_config: z.object({ endpoint: SecretView, api_version: z.string() }).optional(),
  bedrock_key_config: z
    .object({ access_key: SecretView, secret_key: SecretView, session_token: SecretView, region: z.string() })
    .optional(),
  vertex_key_config: z.object({ project_id: z.string(), region: z.string(), auth_credentials: SecretView }).optional(),
  config_hash: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type ProviderKeyView = z.infer<typeof ProviderKeyView>;

export const ProviderView = z.object({
  name: z.string(),
  description: z.string(),
  network_config: z.object({
    base_url: z.string().optional(),
    extra_headers: z.record(z.string(), SecretView),
    default_request_timeout_in_seconds: z.int(),
    max_retries: z.int(),
    retry_backoff_initial: z.int(),
    retry_backoff_max: z.int(),
    stream_idle_timeout_in_seconds: z.int(),
    insecure_skip_verify: z.boolean(),
    ca_cert_pem: SecretView,
    allow_private_network: z.boolean(),
  }),
  concurrency_and_buffer_size: z.object({ concurrency: z.int(), buffer_size: z.int() }),
  custom_provider_config: z
    .object({
      base_provider_type: z.string(),
      is_key_less: z.boolean(),
      allowed_requests: z.record(z.string(), z.boolean()).optional(),
      request_path_overrides: z.record(z.string(), z.string()),
    })
    .optional(),
  send_back_raw_request: z.boolean(),
  send_back_raw_response: z.boolean(),
  store_raw_request_response: z.boolean(),
  provider_status: z.enum(['active', 'error']),
  status: z.string().meta({ description: 'Why the provider cannot be used; else empty.' }),
  keys: z.array(ProviderKeyView).meta({ description: 'To be changed at …/keys only.' }),
  config_hash: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type ProviderView = z.infer<typeof ProviderView>;

/** A key in the list of all keys. */
export const KeySummary = z.object({
  id: z.string(),
  key_id: z.string().meta({ description: 'The same as id.' }),
  name: z.string(),
  provider: z.string(),
  models: z.array(z.string()),
  enabled: z.boolean(),
});
export type KeySummary = z.infer<typeof KeySummary>;
