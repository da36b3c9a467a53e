import type { Fetch } from '../../lib/guarded-fetch.ts';
import { anthropicProvider } from './anthropic.ts';
import { azureProvider } from './azure.ts';
import { createBedrockProvider } from './bedrock.ts';
import { geminiProvider } from './gemini.ts';
import { openaiProviders } from './openai.ts';
import type { Provider } from './provider.ts';
import { createVertexProvider } from './vertex.ts';

/** All kinds of providers that the gateway knows. */
export interface Providers {
  /** Names of the kinds, sorted: what `base_provider_type` may be. */
  readonly types: readonly string[];
  /** The kind of that name; a custom provider is looked up by its `base_provider_type`. */
  find(type: string): Provider | undefined;
}

interface ProvidersDeps {
  /** Gets tokens for those that need one before the first request. Guarded. */
  readonly fetch: Fetch;
  /** Gets the credentials of this machine where a cloud tells them (policy `machine-credentials`). */
  readonly machineFetch: Fetch;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly now?: () => number;
}

/** The table of providers. */
export function createProviders({ fetch, machineFetch, env = process.env, now = Date.now }: ProvidersDeps): Providers {
  const providers = new Map<string, Provider>([
    ...Object.entries(openaiProviders),
    ['anthropic', anthropicProvider],
    ['azure', azureProvider],
    ['bedrock', createBedrockProvider({ env, fetch, machineFetch, now })],
    ['gemini', geminiProvider],
    ['vertex', createVertexProvider({ fetch, now })],
  ]);
  return { types: [...providers.keys()].toSorted(), find: (type) => providers.get(type) };
}
