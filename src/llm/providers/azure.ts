import type { ProviderKey } from '../../store/providers.ts';
import { joinAddress, JSON_BODY, requireSecret, requireSetting, segment } from './address.ts';
import type { Provider, ProviderCall } from './provider.ts';

/** Names of the address without dates that are no dated version. */
const UNDATED = new Set(['', 'v1', 'latest']);

/**
 * Azure OpenAI. With a dated `api_version` each deployment has an address of its own; without one, the address is OpenAI's and the
 * deployment is named in the body.
 */
export const azureProvider: Provider = {
  formats: ['chat', 'responses', 'embeddings'],
  framing: 'sse',
  address: (call) => ({ url: addressOf(call), headers: { ...apiKey(call.key), ...JSON_BODY } }),
  modelsAddress: (key, baseUrl) => {
    const version = versionOf(key);
    const path = isDated(version) ? '/openai/models' : '/openai/v1/models';
    return { url: withVersion(joinAddress(endpointOf(key, baseUrl), path), version), headers: apiKey(key) };
  },
};

function addressOf({ key, baseUrl, format, model, path }: ProviderCall): URL {
  const version = versionOf(key);
  const kind = format === 'chat' ? 'chat/completions' : format;
  const dated = format === 'responses' ? '/openai/responses' : `/openai/deployments/${segment(model)}/${kind}`;
  const standard = isDated(version) ? dated : `/openai/v1/${kind}`;
  return withVersion(joinAddress(endpointOf(key, baseUrl), path ?? standard), version);
}

function endpointOf(key: ProviderKey, baseUrl: string | undefined): string {
  const endpoint = key.azure?.endpoint;
  const text =
    endpoint?.isSet === true
      ? requireSecret(key, 'azure_key_config.endpoint', endpoint)
      : requireSetting(key, 'azure_key_config.endpoint', baseUrl);
  // People copy the address with more or less of the path.
  return text.replace(/\/+$/, '').replace(/\/openai(?:\/v1)?$/, '');
}

function versionOf(key: ProviderKey): string {
  const version = key.azure?.api_version ?? '';
  return UNDATED.has(version) ? '' : version;
}

function isDated(version: string): boolean {
  return /^\d/.test(version);
}

function withVersion(url: URL, version: string): URL {
  if (version !== '' && !url.searchParams.has('api-version')) url.searchParams.set('api-version', version);
  return url;
}

function apiKey(key: ProviderKey): Record<string, string> {
  return key.value.isSet ? { 'api-key': requireSecret(key, 'value', key.value) } : {};
}
