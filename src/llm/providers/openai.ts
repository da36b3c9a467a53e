import { GatewayError } from '../../lib/errors.ts';
import { createLatest } from '../../lib/latest.ts';
import type { CallerFormat } from '../formats/format.ts';
import { bearer, joinAddress, JSON_BODY } from './address.ts';
import type { Provider, ProviderCall } from './provider.ts';

/** What is not in it is not spoken. */
type Paths = Readonly<Partial<Record<ProviderCall['format'], string>>>;

interface Spoken {
  /** Undefined: everybody runs it on a machine of their own. */
  readonly baseUrl: string | undefined;
  readonly formats: readonly CallerFormat[];
  /** Paths that differ from OpenAI's. */
  readonly paths?: Paths;
  /** True for those who take the members that gateways have added. */
  readonly takesExtensions?: boolean;
  /** Fields of OpenAI's that they refuse. */
  readonly refuses?: ReadonlySet<string>;
  /** False where there is no list of models in OpenAI's shape. */
  readonly listsModels?: boolean;
}

const PATHS: Paths = {
  chat: '/v1/chat/completions',
  responses: '/v1/responses',
  embeddings: '/v1/embeddings',
};

/** Mistral refuses a request with any field that it does not know. It tells the usage without being asked. */
const UNKNOWN_TO_MISTRAL: ReadonlySet<string> = new Set(
  (
    'stream_options max_completion_tokens user safety_identifier prompt_cache_key prompt_cache_retention service_tier store verbosity ' +
    'logprobs top_logprobs logit_bias modalities audio'
  ).split(' '),
);

/** Who speaks OpenAI's wire, where, and how much of it. What one does not speak, the gateway translates to chat completions. */
const SPEAKERS: Readonly<Record<string, Spoken>> = {
  openai: { baseUrl: 'https://api.openai.com', formats: ['chat', 'responses', 'embeddings'] },
  cerebras: { baseUrl: 'https://api.cerebras.ai', formats: ['chat'] },
  cohere: {
    baseUrl: 'https://api.cohere.ai/compatibility',
    formats: ['chat', 'embeddings'],
    refuses: new Set(['stream_options']),
    listsModels: false,
  },
  deepseek: { baseUrl: 'https://api.deepseek.com', formats: ['chat'] },
  fireworks: { baseUrl: 'https://api.fireworks.ai/inference', formats: ['chat', 'responses', 'embeddings'] },
  groq: { baseUrl: 'https://api.groq.com/openai', formats: ['chat', 'responses'] },
  huggingface: { baseUrl: 'https://router.huggingface.co', formats: ['chat', 'responses'] },
  mistral: { baseUrl: 'https://api.mistral.ai', formats: ['chat', 'embeddings'], refuses: UNKNOWN_TO_MISTRAL },
  nebius: { baseUrl: 'https://api.tokenfactory.nebius.com', formats: ['chat', 'embeddings'] },
  ollama: { baseUrl: undefined, formats: ['chat', 'responses', 'embeddings'] },
  openrouter: {
    baseUrl: 'https://openrouter.ai/api',
    formats: ['chat', 'responses', 'embeddings'],
    takesExtensions: true,
  },
  parasail: { baseUrl: 'https://api.parasail.io', formats: ['chat'] },
  perplexity: {
    baseUrl: 'https://api.perplexity.ai',
    formats: ['chat', 'embeddings'],
    paths: { chat: '/chat/completions' },
    listsModels: false,
  },
  sgl: { baseUrl: undefined, formats: ['chat', 'embeddings'] },
  vllm: { baseUrl: undefined, formats: ['chat', 'responses', 'embeddings'] },
  xai: { baseUrl: 'https://api.x.ai', formats: ['chat', 'responses'] },
};

/** OpenAI and all that speak its wire, by the name of the provider. */
export const openaiProviders: Readonly<Record<string, Provider>> = Object.fromEntries(
  Object.entries(SPEAKERS).map(([name, spoken]) => [name, createSpeaker(name, spoken)]),
);

function createSpeaker(
  name: string,
  { baseUrl: publicUrl, formats, paths, takesExtensions, refuses, listsModels = true }: Spoken,
): Provider {
  /** The same few are asked for with every request. */
  const addresses = createLatest<string, Map<string, Readonly<URL>>>(64);
  const at = (baseUrl: string | undefined, path: string): Readonly<URL> => {
    const base = baseUrl ?? publicUrl;
    if (base === undefined) throw unknownAddress(name);
    const known = addresses.get(base, () => new Map());
    let url = known.get(path);
    if (url === undefined) known.set(path, (url = joinAddress(base, path)));
    return url;
  };
  return {
    formats,
    takesExtensions,
    refuses,
    framing: 'sse',
    address({ key, baseUrl, format, path }) {
      const standard = paths?.[format] ?? PATHS[format];
      if (standard === undefined) throw new GatewayError('invalid_request', `${name} does not speak ${format}`);
      return { url: at(baseUrl, path ?? standard), headers: { ...bearer(key), ...JSON_BODY } };
    },
    ...(listsModels
      ? { modelsAddress: (key, baseUrl) => ({ url: at(baseUrl, '/v1/models'), headers: bearer(key) }) }
      : {}),
  };
}

function unknownAddress(name: string): GatewayError {
  return new GatewayError('invalid_request', `network_config.base_url: is missing; say where your ${name} listens`, {
    details: { field: 'network_config.base_url' },
  });
}
