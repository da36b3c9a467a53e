import type { Secret } from '../lib/secret.ts';

/** How the gateway reaches a provider. */
export interface ProviderNetwork {
  /** Without a slash at its end; undefined: the provider's public address. */
  readonly base_url: string | undefined;
  readonly extra_headers: Readonly<Record<string, Secret>>;
  /** Seconds until the head of the answer, or the whole of one that is not streamed. */
  readonly default_request_timeout_in_seconds: number;
  readonly max_retries: number;
  /** Milliseconds. */
  readonly retry_backoff_initial: number;
  readonly retry_backoff_max: number;
  /** Seconds between two pieces of a stream. */
  readonly stream_idle_timeout_in_seconds: number;
  readonly insecure_skip_verify: boolean;
  readonly ca_cert_pem: Secret;
  /** Private addresses are refused unless this, or a `base_url` of an administrator that names one, allows them. */
  readonly allow_private_network: boolean;
}

/** A provider that is another one by a different name and address. */
export interface CustomProvider {
  /** The kind of provider whose formats it speaks, such as "openai". */
  readonly base_provider_type: string;
  readonly is_key_less: boolean;
  /** When given, kinds of requests that are not true are refused. */
  readonly allowed_requests: Readonly<Record<string, boolean>> | undefined;
  readonly request_path_overrides: Readonly<Record<string, string>>;
}

/** A provider of models, without its keys. */
export interface ProviderRecord {
  /** Lower case; the part before the slash in "openai/gpt-5". */
  readonly name: string;
  readonly description: string;
  readonly network: ProviderNetwork;
  readonly concurrency: number;
  readonly buffer_size: number;
  readonly custom: CustomProvider | undefined;
  readonly send_back_raw_request: boolean;
  readonly send_back_raw_response: boolean;
  readonly store_raw_request_response: boolean;
  readonly config_hash: string;
  readonly created_at: number;
  readonly updated_at: number;
}

/** A credential of a provider. */
export interface ProviderKey {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  /** Empty for what needs none. */
  readonly value: Secret;
  /** ["*"] all, [] none. */
  readonly models: readonly string[];
  /** Beats `models`. */
  readonly blacklisted_models: readonly string[];
  readonly weight: number;
  readonly enabled: boolean;
  /** Requested name → the provider's name or deployment. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly description: string;
  readonly azure: { readonly endpoint: Secret; readonly api_version: string } | undefined;
  readonly bedrock:
    | {
        readonly access_key: Secret;
        readonly secret_key: Secret;
        readonly session_token: Secret;
        readonly region: string;
      }
    | undefined;
  readonly vertex:
    | { readonly project_id: string; readonly region: string; readonly auth_credentials: Secret }
    | undefined;
  readonly created_at: number;
  readonly updated_at: number;
}
