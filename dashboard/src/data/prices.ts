import { queryOptions } from '@tanstack/react-query';
import type { PricingOverride } from '../../../src/contract/pricing-override.ts';
import { request } from '../api.ts';
import { keys } from './keys.ts';

/** What a model costs by the operator's own word. */
export type Price = PricingOverride;

const PATH = '/api/governance/pricing-overrides';

/** All prices of the operator. */
export const pricesQuery = queryOptions({
  queryKey: keys.prices,
  queryFn: async () => (await request<{ pricing_overrides: Price[] }>('GET', PATH)).pricing_overrides,
});

/** Adds a price. */
export function createPrice(body: object): Promise<unknown> {
  return request('POST', PATH, body);
}

/** Changes the named fields of a price. */
export function updatePrice(id: string, changes: object): Promise<unknown> {
  return request('PUT', `${PATH}/${encodeURIComponent(id)}`, changes);
}

/** Removes a price. */
export function removePrice(id: string): Promise<unknown> {
  return request('DELETE', `${PATH}/${encodeURIComponent(id)}`);
}
