import type { Limits } from '../governance/limits.ts';
import type { ProviderKey, ProviderRecord } from '../store/providers.ts';
import type { Provider } from './providers/provider.ts';

/** One provider and model that a request may go to. */
export interface Target {
  readonly record: ProviderRecord;
  readonly provider: Provider;
  /** As the caller means it, without the provider's name. */
  readonly model: string;
  /** Those that may be used; never empty. */
  readonly keys: readonly ProviderKey[];
  /** Budgets and limits of the caller: those for this provider, then those of the key, its team and its customer. */
  readonly limits: Limits | undefined;
}
