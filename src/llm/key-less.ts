import { blankProviderKey } from '../governance/provider-key-rules.ts';
import type { ProviderKey } from '../store/providers.ts';

/** What stands for the key of a provider that wants none. */
export function noKey(provider: string): ProviderKey {
  return blankProviderKey({ id: '', provider, config_hash: '', created_at: 0 });
}
