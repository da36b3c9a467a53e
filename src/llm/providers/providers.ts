import type { Fetch } from '../../lib/guarded-fetch.ts';
import { anthropicProvider } from './anthropic.ts';
import { azureProvider } from './azure.ts';
import { bedrockProvider } from './bedrock.ts';
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

/** The table of providers. `fetch` is guarded; it gets tokens for those that need one before the first request. */
export function createProviders({ fetch }: { fetch: Fetch }): Providers {
  const providers = new Map<string, Provider>([
    ...Object.entries(openaiProviders),
    ['anthropic', anthropicProvider],
    ['azure', azureProvider],
    ['bedrock', bedrockProvider],
    ['gemini', geminiProvider],
    ['vertex', createVertexProvider({ fetch })],
  ]);
  return { types: [...providers.keys()].toSorted(), find: (type) => providers.get(type) };
}
