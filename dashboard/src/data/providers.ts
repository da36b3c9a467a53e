import { queryOptions } from '@tanstack/react-query';
import type {
  ProviderCreate,
  ProviderKeyCreate,
  ProviderKeyUpdate,
  ProviderKeyView,
  ProviderUpdate,
  ProviderView,
} from '../../../src/contract/provider.ts';
import { request } from '../api.ts';
import { keys } from './keys.ts';

/** All providers with their keys, secrets masked. */
export const providersQuery = queryOptions({
  queryKey: keys.providers,
  queryFn: async () => (await request<{ providers: ProviderView[] }>('GET', '/api/providers')).providers,
});

/** One provider. */
export const providerQuery = (name: string) =>
  queryOptions({
    queryKey: keys.provider(name),
    queryFn: () => request<ProviderView>('GET', pathOf(name)),
  });

/** Adds a provider, with its first keys. */
export function createProvider(body: ProviderCreate): Promise<ProviderView> {
  return request('POST', '/api/providers', body);
}

/** Replaces all settings of a provider; its keys stay. */
export function updateProvider(name: string, body: ProviderUpdate): Promise<ProviderView> {
  return request('PUT', pathOf(name), body);
}

/** Removes a provider with its keys. */
export function removeProvider(name: string): Promise<ProviderView> {
  return request('DELETE', pathOf(name));
}

/** Adds a key to a provider. */
export function createProviderKey(provider: string, body: ProviderKeyCreate): Promise<ProviderKeyView> {
  return request('POST', `${pathOf(provider)}/keys`, body);
}

/** Changes the named settings of a provider's key. */
export function updateProviderKey(provider: string, id: string, body: ProviderKeyUpdate): Promise<ProviderKeyView> {
  return request('PUT', keyPath(provider, id), body);
}

/** Removes a key of a provider. */
export function removeProviderKey(provider: string, id: string): Promise<ProviderKeyView> {
  return request('DELETE', keyPath(provider, id));
}

function pathOf(name: string): string {
  return `/api/providers/${encodeURIComponent(name)}`;
}

function keyPath(provider: string, id: string): string {
  return `${pathOf(provider)}/keys/${encodeURIComponent(id)}`;
}
