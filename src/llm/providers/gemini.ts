import { geminiCodec } from '../formats/gemini/codec.ts';
import type { ProviderKey } from '../../store/providers.ts';
import { bearer, joinAddress, JSON_BODY, requireSecret, segment } from './address.ts';
import type { Provider, ProviderCall } from './provider.ts';

const PUBLIC_ADDRESS = 'https://generativelanguage.googleapis.com';

/** Gemini at Google AI. Embeddings and the list of models go to Google's own addresses in OpenAI's format. */
export const geminiProvider: Provider = {
  formats: ['embeddings'],
  codec: geminiCodec,
  framing: 'sse',
  address: (call) =>
    call.format === 'embeddings'
      ? {
          url: at(call.baseUrl, call.path ?? '/v1beta/openai/embeddings'),
          headers: { ...bearer(call.key), ...JSON_BODY },
        }
      : { url: generateAddress(call), headers: { ...apiKey(call.key), ...JSON_BODY } },
  modelsAddress: (key, baseUrl) => ({ url: at(baseUrl, '/v1beta/openai/models'), headers: bearer(key) }),
};

function generateAddress({ model, baseUrl, path, isStream }: ProviderCall): URL {
  const [, kind = 'models', name = ''] = /^(?:(models|tunedModels)\/)?(.*)$/s.exec(model) ?? [];
  const named = `${kind}/${segment(name)}`;
  return generateUrl(at(baseUrl, path ?? `/v1beta/${named}`), isStream, path === undefined);
}

/** Adds the verb to the address of a model; an overridden path has one already. */
export function generateUrl(url: URL, isStream: boolean, addsVerb = true): URL {
  if (addsVerb) url.pathname += isStream ? ':streamGenerateContent' : ':generateContent';
  if (isStream) url.searchParams.set('alt', 'sse');
  return url;
}

function at(baseUrl: string | undefined, path: string): URL {
  return joinAddress(baseUrl ?? PUBLIC_ADDRESS, path);
}

function apiKey(key: ProviderKey): Record<string, string> {
  return key.value.isSet ? { 'x-goog-api-key': requireSecret(key, 'value', key.value) } : {};
}
