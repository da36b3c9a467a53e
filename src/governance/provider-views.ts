import type { KeySummary, ProviderKeyView, ProviderView } from '../contract/provider.ts';
import type { StoredKey } from '../store/provider-keys.ts';
import type { CustomProvider, ProviderKey, ProviderRecord } from '../store/providers.ts';
import { isoTime } from './limit-views.ts';
import { isKeyOptional } from './provider-settings.ts';

/** A provider as reads show it, secrets masked. */
export function providerView(provider: ProviderRecord, keys: readonly StoredKey[]): ProviderView {
  const { network, custom } = provider;
  const { base_url, extra_headers, ca_cert_pem, ...settings } = network;
  const status = problemOf(provider, keys);
  return {
    name: provider.name,
    description: provider.description,
    network_config: {
      ...(base_url === undefined ? {} : { base_url }),
      ...settings,
      extra_headers: Object.fromEntries(Object.entries(extra_headers).map(([name, value]) => [name, value.view()])),
      ca_cert_pem: ca_cert_pem.view(),
    },
    concurrency_and_buffer_size: { concurrency: provider.concurrency, buffer_size: provider.buffer_size },
    ...(custom === undefined ? {} : { custom_provider_config: customView(custom) }),
    send_back_raw_request: provider.send_back_raw_request,
    send_back_raw_response: provider.send_back_raw_response,
    store_raw_request_response: provider.store_raw_request_response,
    provider_status: status === '' ? 'active' : 'error',
    status,
    keys: keys.map(providerKeyView),
    ...recordView(provider),
  };
}

/** A key as reads show it, secrets masked. */
export function providerKeyView(key: StoredKey): ProviderKeyView {
  const { azure, bedrock, vertex } = key;
  return {
    id: key.id,
    name: key.name,
    provider: key.provider,
    value: key.value.view(),
    models: [...key.models],
    blacklisted_models: [...key.blacklisted_models],
    weight: key.weight,
    enabled: key.enabled,
    aliases: { ...key.aliases },
    description: key.description,
    status: keyProblem(key) ?? '',
    ...(azure && { azure_key_config: { endpoint: azure.endpoint.view(), api_version: azure.api_version } }),
    ...(bedrock && {
      bedrock_key_config: {
        access_key: bedrock.access_key.view(),
        secret_key: bedrock.secret_key.view(),
        session_token: bedrock.session_token.view(),
        region: bedrock.region,
      },
    }),
    ...(vertex && { vertex_key_config: { ...vertex, auth_credentials: vertex.auth_credentials.view() } }),
    ...recordView(key),
  };
}

/** A key in the list of all keys. */
export function keySummary({ id, name, provider, models, enabled }: ProviderKey): KeySummary {
  return { id, key_id: id, name, provider, models: [...models], enabled };
}

/** Why a key cannot be used, such as "env.KEY is not set"; undefined while it can. */
export function keyProblem({ value, azure, bedrock, vertex }: ProviderKey): string | undefined {
  const secrets = [
    value,
    azure?.endpoint,
    bedrock?.access_key,
    bedrock?.secret_key,
    bedrock?.session_token,
    vertex?.auth_credentials,
  ];
  return secrets.find((secret) => secret?.problem !== undefined)?.problem;
}

function problemOf(provider: ProviderRecord, keys: readonly ProviderKey[]): string {
  const enabled = keys.filter((key) => key.enabled);
  if (enabled.length === 0) return isKeyOptional(provider) ? '' : 'it has no enabled key';
  const problems = enabled.map(keyProblem);
  return problems.includes(undefined) ? '' : (problems[0] ?? '');
}

function customView({ allowed_requests, ...custom }: CustomProvider): ProviderView['custom_provider_config'] {
  return {
    base_provider_type: custom.base_provider_type,
    is_key_less: custom.is_key_less,
    ...(allowed_requests === undefined ? {} : { allowed_requests: { ...allowed_requests } }),
    request_path_overrides: { ...custom.request_path_overrides },
  };
}

function recordView(record: Pick<StoredKey, 'config_hash' | 'created_at' | 'updated_at'>) {
  const { config_hash, created_at, updated_at } = record;
  return { config_hash, created_at: isoTime(created_at), updated_at: isoTime(updated_at) };
}
