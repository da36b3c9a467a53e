import { BUILT_IN_PROVIDERS } from '../contract/provider-name.ts';
import type { ProviderSettings } from '../contract/provider.ts';
import { messageOf } from '../lib/errors.ts';
import { checkTls } from '../lib/http-client.ts';
import { updateSecret, type Secret, type SecretInput } from '../lib/secret.ts';
import type { CustomProvider, ProviderNetwork, ProviderRecord } from '../store/providers.ts';
import { invalid } from './limit-rules.ts';

/** What a provider is known by, and what of it no body can say. */
export interface ProviderIdentity {
  readonly name: string;
  readonly config_hash: string;
  readonly created_at: number;
}

const BUILT_IN: ReadonlySet<string> = new Set(BUILT_IN_PROVIDERS);
/** Providers that people run on a machine of their own, which want no key. */
const KEY_LESS: ReadonlySet<string> = new Set(['ollama', 'vllm', 'sgl']);
/** Providers whose keys may have their credentials in other fields than the value. */
const VALUE_OPTIONAL: ReadonlySet<string> = new Set(['bedrock', 'bedrock_mantle', 'vertex']);
/** Headers that belong to the connection: another value would break it. */
const RESERVED_HEADERS =
  /^(?:host|connection|content-(?:length|encoding)|transfer-encoding|te|trailer|upgrade|expect|keep-alive)$/i;

/** The kind of provider that a name stands for: its own, or that of the one it is a variant of. */
export function providerType({ name, custom }: Pick<ProviderRecord, 'name' | 'custom'>): string {
  return custom?.base_provider_type ?? name;
}

/** Whether this provider is asked without any key when it has none. */
export function isKeyLess(provider: Pick<ProviderRecord, 'name' | 'custom'>): boolean {
  return provider.custom?.is_key_less === true || KEY_LESS.has(providerType(provider));
}

/** Whether a key of this provider may be without a value. */
export function isKeyOptional(provider: Pick<ProviderRecord, 'name' | 'custom'>): boolean {
  return isKeyLess(provider) || VALUE_OPTIONAL.has(providerType(provider));
}

/**
 * The provider that a body describes. The body says all there is to say: what it leaves out is the default. Only a mask stands
 * for what is `stored`. Pure; throws the first rule that is broken.
 */
export function providerFromBody(
  body: ProviderSettings,
  identity: ProviderIdentity,
  stored: ProviderRecord | undefined,
  now: number,
): ProviderRecord {
  const { concurrency_and_buffer_size: pool } = body;
  return {
    ...identity,
    description: body.description ?? '',
    network: networkFromBody(body.network_config ?? {}, stored?.network),
    concurrency: pool?.concurrency ?? 1000,
    buffer_size: pool?.buffer_size ?? 5000,
    custom: customFromBody(identity.name, body.custom_provider_config),
    send_back_raw_request: body.send_back_raw_request ?? false,
    send_back_raw_response: body.send_back_raw_response ?? false,
    store_raw_request_response: body.store_raw_request_response ?? false,
    updated_at: now,
  };
}

/** What was sent for a secret; a mask keeps what is stored. Absent is empty. */
export function takeSecret(field: string, sent: SecretInput | null | undefined, stored: Secret | undefined): Secret {
  const next = updateSecret(sent ?? '', stored);
  if (next !== undefined) return next;
  throw invalid(field, 'is a mask, but there is no stored value behind it; send the value itself');
}

function networkFromBody(
  sent: NonNullable<ProviderSettings['network_config']>,
  stored: ProviderNetwork | undefined,
): ProviderNetwork {
  const network: ProviderNetwork = {
    base_url: readBaseUrl(sent.base_url),
    extra_headers: headersFromBody(sent.extra_headers ?? {}, stored?.extra_headers ?? {}),
    default_request_timeout_in_seconds: sent.default_request_timeout_in_seconds ?? 30,
    max_retries: sent.max_retries ?? 0,
    retry_backoff_initial: sent.retry_backoff_initial ?? 500,
    retry_backoff_max: sent.retry_backoff_max ?? Math.max(5000, sent.retry_backoff_initial ?? 0),
    stream_idle_timeout_in_seconds: sent.stream_idle_timeout_in_seconds ?? 60,
    insecure_skip_verify: sent.insecure_skip_verify ?? false,
    ca_cert_pem: takeSecret('network_config.ca_cert_pem', sent.ca_cert_pem, stored?.ca_cert_pem),
    allow_private_network: sent.allow_private_network ?? false,
  };
  if (network.retry_backoff_max < network.retry_backoff_initial)
    throw invalid('network_config.retry_backoff_max', 'must not be less than retry_backoff_initial');
  checkAuthority(network);
  return network;
}

function readBaseUrl(sent: string | null | undefined): string | undefined {
  const field = 'network_config.base_url';
  const text = sent?.trim() ?? '';
  if (text === '') return undefined;
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) throw invalid(field, 'must be an http:// or https:// URL');
  const { username, password, search, hash } = new URL(text);
  if (username !== '' || password !== '') throw invalid(field, 'must not contain credentials; make them a key');
  if (search !== '' || hash !== '') throw invalid(field, 'must end with its path: no "?" and no "#"');
  return text.replace(/\/+$/, '');
}

function headersFromBody(
  sent: Readonly<Record<string, SecretInput>>,
  stored: ProviderNetwork['extra_headers'],
): ProviderNetwork['extra_headers'] {
  const known = new Map(Object.entries(stored).map(([name, value]) => [name.toLowerCase(), value]));
  const seen = new Set<string>();
  const entries = Object.entries(sent).map(([name, value]): [string, Secret] => {
    const field = `network_config.extra_headers.${name}`;
    const lower = name.toLowerCase();
    if (seen.has(lower)) throw invalid(field, 'is given twice; header names are compared without regard to case');
    seen.add(lower);
    if (RESERVED_HEADERS.test(name)) throw invalid(field, 'is set by the gateway itself');
    const secret = takeSecret(field, value, known.get(lower));
    checkHeaderText(field, secret);
    return [name, secret];
  });
  return Object.fromEntries(entries);
}

/** Literals only: what a reference stands for is seen when it is used. */
export function checkHeaderText(field: string, secret: Secret): void {
  if (secret.reference === '' && /[^\t\x20-\x7e\x80-\xff]/.test(secret.resolve()))
    throw invalid(field, 'must not contain line breaks or other control characters');
}

function checkAuthority({ ca_cert_pem, insecure_skip_verify }: ProviderNetwork): void {
  if (ca_cert_pem.reference !== '' || !ca_cert_pem.isSet) return;
  try {
    checkTls({
      insecureSkipVerify: insecure_skip_verify,
      caPem: ca_cert_pem.resolve(),
      clientCertPem: '',
      clientKeyPem: '',
    });
  } catch (error) {
    throw invalid('network_config.ca_cert_pem', messageOf(error));
  }
}

function customFromBody(name: string, sent: ProviderSettings['custom_provider_config']): CustomProvider | undefined {
  const field = 'custom_provider_config';
  if (sent === null || sent === undefined) {
    if (BUILT_IN.has(name)) return undefined;
    throw invalid(field, `is required: "${name}" is not built in; name its base_provider_type, such as "openai"`);
  }
  if (BUILT_IN.has(name)) throw invalid(field, `"${name}" is a built-in provider; give the variant another name`);
  return {
    base_provider_type: sent.base_provider_type,
    is_key_less: sent.is_key_less ?? false,
    allowed_requests: sent.allowed_requests ?? undefined,
    request_path_overrides: sent.request_path_overrides ?? {},
  };
}
