import { GatewayError } from '../../lib/errors.ts';
import { converseCodec } from '../formats/converse/codec.ts';
import { planBedrockEmbeddings } from '../formats/embeddings/bedrock.ts';
import type { ProviderKey } from '../../store/providers.ts';
import { bearer, joinAddress, JSON_BODY, lacking, requireSecret, segment } from './address.ts';
import { createAwsCredentialChain } from './aws/credentials.ts';
import { regionOfMachine, type AwsCredentials, type AwsMachine } from './aws/machine.ts';
import type { Provider, ProviderRequest } from './provider.ts';
import { signHeaders, type UnsignedRequest } from './signature-v4.ts';

const REGION = 'bedrock_key_config.region';

/** Amazon Bedrock by Converse, embeddings by InvokeModel: signed with the access keys of a key, or with the machine's own, or opened with an API key of Bedrock. */
export function createBedrockProvider(machine: AwsMachine): Provider {
  const chain = createAwsCredentialChain(machine);
  const regionOf = (key: ProviderKey): string => readRegion(key, machine);

  async function authorize(key: ProviderKey, request: UnsignedRequest): Promise<ProviderRequest> {
    const { url, headers } = request;
    if (key.bedrock?.access_key.isSet !== true && key.value.isSet)
      return { url, headers: { ...headers, ...bearer(key) } };
    const region = regionOf(key);
    const credentials =
      ownCredentials(key) ?? (await chain.find(region).catch((error: unknown) => explain(key, error)));
    const signer = { ...credentials, region, service: 'bedrock' };
    return { url, headers: await signHeaders(request, signer, new Date(machine.now())) };
  }

  return {
    formats: [],
    codec: converseCodec,
    planEmbeddings: planBedrockEmbeddings,
    framing: 'event-stream',
    address({ key, model, baseUrl, path, isStream, body, format }) {
      const verb = format === 'embeddings' ? 'invoke' : isStream ? 'converse-stream' : 'converse';
      const base = baseUrl ?? `https://bedrock-runtime.${regionOf(key)}.amazonaws.com`;
      const url = joinAddress(base, path ?? `/model/${segment(model)}/${verb}`);
      const accept = isStream ? 'application/vnd.amazon.eventstream' : 'application/json';
      return authorize(key, { method: 'POST', url, headers: { ...JSON_BODY, accept }, body });
    },
    // The models stand at another host than the one that runs them, so an own base address says nothing about it.
    modelsAddress: (key) => {
      const url = new URL(`https://bedrock.${regionOf(key)}.amazonaws.com/foundation-models`);
      return authorize(key, { method: 'GET', url, headers: {}, body: undefined });
    },
  };
}

function readRegion(key: ProviderKey, machine: AwsMachine): string {
  const region = key.bedrock?.region || regionOfMachine(machine);
  if (region === '') throw lacking(key, REGION, 'is missing, and neither AWS_REGION nor AWS_DEFAULT_REGION is set');
  // It becomes part of a host name.
  if (!/^[a-z0-9-]+$/.test(region)) throw lacking(key, REGION, 'must be the name of a region, such as us-east-1');
  return region;
}

/** The access keys in the key itself. One that leads to nothing is an error: the machine's own would be somebody else's. */
function ownCredentials(key: ProviderKey): Omit<AwsCredentials, 'expiresAt'> | undefined {
  const { bedrock } = key;
  if (bedrock?.access_key.isSet !== true) return undefined;
  return {
    accessKey: requireSecret(key, 'bedrock_key_config.access_key', bedrock.access_key),
    secretKey: requireSecret(key, 'bedrock_key_config.secret_key', bedrock.secret_key),
    sessionToken: bedrock.session_token.isSet
      ? requireSecret(key, 'bedrock_key_config.session_token', bedrock.session_token)
      : '',
  };
}

/** Says which key would have needed them, where there are none at all. */
function explain(key: ProviderKey, error: unknown): never {
  if (!(error instanceof GatewayError) || error.code !== 'invalid_request') throw error;
  const rule = `is missing, so is an API key in value, and credentials of the machine cannot be used: ${error.message}`;
  throw lacking(key, 'bedrock_key_config.access_key', rule);
}
