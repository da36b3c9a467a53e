import { converseCodec } from '../formats/converse/codec.ts';
import type { ProviderKey } from '../../store/providers.ts';
import { bearer, joinAddress, JSON_BODY, lacking, requireSecret, requireSetting, segment } from './address.ts';
import type { Provider, ProviderRequest } from './provider.ts';
import { signHeaders, type UnsignedRequest } from './signature-v4.ts';

const REGION = 'bedrock_key_config.region';

/** Amazon Bedrock by Converse, signed with access keys or opened with an API key of Bedrock. */
export const bedrockProvider: Provider = createBedrockProvider({ now: Date.now });

/** The same with a clock of one's own. */
export function createBedrockProvider({ now }: { now: () => number }): Provider {
  return {
    formats: [],
    codec: converseCodec,
    framing: 'event-stream',
    address({ key, model, baseUrl, path, isStream, body }) {
      const verb = isStream ? 'converse-stream' : 'converse';
      const base = baseUrl ?? `https://bedrock-runtime.${regionOf(key)}.amazonaws.com`;
      const url = joinAddress(base, path ?? `/model/${segment(model)}/${verb}`);
      const accept = isStream ? 'application/vnd.amazon.eventstream' : 'application/json';
      return authorize(key, { method: 'POST', url, headers: { ...JSON_BODY, accept }, body }, now());
    },
    // The models stand at another host than the one that runs them, so an own base address says nothing about it.
    modelsAddress: (key) => {
      const url = new URL(`https://bedrock.${regionOf(key)}.amazonaws.com/foundation-models`);
      return authorize(key, { method: 'GET', url, headers: {}, body: undefined }, now());
    },
  };
}

function regionOf(key: ProviderKey): string {
  const region = requireSetting(key, REGION, key.bedrock?.region);
  // It becomes part of a host name.
  if (!/^[a-z0-9-]+$/.test(region)) throw lacking(key, REGION, 'must be the name of a region, such as us-east-1');
  return region;
}

async function authorize(key: ProviderKey, request: UnsignedRequest, at: number): Promise<ProviderRequest> {
  const { url, headers } = request;
  const { bedrock } = key;
  if (bedrock?.access_key.isSet !== true) {
    if (!key.value.isSet)
      throw lacking(
        key,
        'bedrock_key_config.access_key',
        'is missing, and so is an API key in value; "env.AWS_ACCESS_KEY_ID" takes it from the environment',
      );
    return { url, headers: { ...headers, ...bearer(key) } };
  }
  const signer = {
    accessKey: requireSecret(key, 'bedrock_key_config.access_key', bedrock.access_key),
    secretKey: requireSecret(key, 'bedrock_key_config.secret_key', bedrock.secret_key),
    sessionToken: bedrock.session_token.isSet
      ? requireSecret(key, 'bedrock_key_config.session_token', bedrock.session_token)
      : '',
    region: regionOf(key),
    service: 'bedrock',
  };
  return { url, headers: await signHeaders(request, signer, new Date(at)) };
}
