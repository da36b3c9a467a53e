import { Secret } from '../../src/lib/secret.ts';
import type { ProviderKey } from '../../src/store/providers.ts';

/** A key of a provider, with only what a test says about it. */
export function createProviderKey(given: Partial<ProviderKey> = {}): ProviderKey {
  return {
    id: 'key-1',
    name: 'first',
    provider: 'openai',
    value: Secret.empty,
    models: ['*'],
    blacklisted_models: [],
    weight: 1,
    enabled: true,
    aliases: {},
    description: '',
    azure: undefined,
    bedrock: undefined,
    vertex: undefined,
    created_at: 0,
    updated_at: 0,
    ...given,
  };
}
