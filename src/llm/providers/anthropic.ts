import { GatewayError } from '../../lib/errors.ts';
import type { ProviderKey } from '../../store/providers.ts';
import { messagesProviderCodec } from '../formats/messages/provider-codec.ts';
import type { Provider } from './provider.ts';

const PUBLIC_ADDRESS = 'https://api.anthropic.com';
const API_VERSION = '2023-06-01';

/** Anthropic's Messages API, and all that speak it under another address. */
export const anthropicProvider: Provider = {
  formats: ['messages'],
  codec: messagesProviderCodec,
  framing: 'sse',
  countsTokens: true,
  address: ({ key, baseUrl, path, format }) => ({
    url: at(baseUrl, path ?? (format === 'count_tokens' ? '/v1/messages/count_tokens' : '/v1/messages')),
    headers: { ...credentials(key), 'content-type': 'application/json' },
  }),
  modelsAddress: (key, baseUrl) => ({ url: at(baseUrl, '/v1/models?limit=1000'), headers: credentials(key) }),
};

/** Clients of Anthropic are used to addresses without the version, those of OpenAI to addresses with it. */
function at(baseUrl: string | undefined, path: string): URL {
  const base = baseUrl ?? PUBLIC_ADDRESS;
  return new URL(path.startsWith('/v1/') && base.endsWith('/v1') ? base + path.slice(3) : base + path);
}

function credentials(key: ProviderKey): Record<string, string> {
  const version = { 'anthropic-version': API_VERSION };
  if (!key.value.isSet) return version; // a server of one's own that wants none
  const value = key.value.resolve();
  if (value === '')
    throw new GatewayError('invalid_request', `value of the key "${key.name}": ${key.value.problem ?? 'is empty'}`);
  return { ...version, 'x-api-key': value };
}
