import type { Price } from '../../data/prices.ts';

/** A price as it is edited. */
export interface PriceDraft extends Pick<Price, 'name' | 'scope_kind' | 'match_type' | 'pattern'> {
  readonly provider_id: string;
  readonly patch: PatchDraft;
}

/** USD per million tokens; NaN where nothing is typed. */
export interface PatchDraft {
  readonly input: number;
  readonly output: number;
  readonly cache_read: number;
  readonly cache_write: number;
}

/** The fields that show what is wrong with them. */
export const PRICE_FIELDS = ['name', 'scope_kind', 'provider_id', 'match_type', 'pattern', 'patch'] as const;

/** The stored price as a draft, or a blank one. */
export function priceDraftOf(stored: Price | undefined): PriceDraft {
  const { input = NaN, output = NaN, cache_read = NaN, cache_write = NaN } = stored?.patch ?? {};
  return {
    name: stored?.name ?? '',
    scope_kind: stored?.scope_kind ?? 'global',
    provider_id: stored?.provider_id ?? '',
    match_type: stored?.match_type ?? 'exact',
    pattern: stored?.pattern ?? '',
    patch: { input, output, cache_read, cache_write },
  };
}

/** What was changed, as the API takes it: without the provider of a price for all of them, without prices that nobody typed. */
export function priceBody({ patch, provider_id, ...plain }: Partial<PriceDraft>, scope: Price['scope_kind']): object {
  const typed = patch && Object.entries(patch).filter(([, usd]) => !Number.isNaN(usd));
  const isOfOne = scope === 'provider' && provider_id !== undefined && provider_id !== '';
  return {
    ...plain,
    ...(isOfOne ? { provider_id } : {}),
    ...(typed && { patch: Object.fromEntries(typed) }),
  };
}
