import { Secret } from '../lib/secret.ts';
import type { ProviderKey } from '../store/providers.ts';

/** Providers that people run on a machine of their own, which want no key. */
export const KEY_LESS: ReadonlySet<string> = new Set(['ollama', 'vllm', 'sgl']);

/** What stands for the key of a provider that wants none. */
export function noKey(provider: string): ProviderKey {
  return {
    id: '',
    name: '',
    provider,
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
  };
}
