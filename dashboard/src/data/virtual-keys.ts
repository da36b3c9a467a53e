import { queryOptions } from '@tanstack/react-query';
import type { z } from 'zod';
import type { Explanation } from '../../../src/contract/explain.ts';
import type { VirtualKeyCreate, VirtualKeyUpdate, VirtualKeyView as View } from '../../../src/contract/governance.ts';
import { query, request } from '../api.ts';
import { keys } from './keys.ts';

/** A virtual key as the API shows it. Its value is masked for whoever may only read. */
export type VirtualKey = z.infer<typeof View>;

const PATH = '/api/governance/virtual-keys';

interface OneKey {
  readonly virtual_key: VirtualKey;
}

/** All virtual keys. */
export const virtualKeysQuery = queryOptions({
  queryKey: keys.virtualKeys,
  queryFn: async () => (await request<{ virtual_keys: VirtualKey[] }>('GET', PATH)).virtual_keys,
});

/** One virtual key. What is used of its budgets changes without a write, so it is asked for again while it is open. */
export const virtualKeyQuery = (id: string) =>
  queryOptions({
    queryKey: keys.virtualKey(id),
    refetchInterval: 10_000,
    queryFn: async () => (await request<OneKey>('GET', pathOf(id))).virtual_key,
  });

/** Makes a virtual key. */
export async function createVirtualKey(body: VirtualKeyCreate): Promise<VirtualKey> {
  return (await request<OneKey>('POST', PATH, body)).virtual_key;
}

/** Changes the named settings of a key and no others. */
export async function updateVirtualKey(id: string, changes: VirtualKeyUpdate): Promise<VirtualKey> {
  return (await request<OneKey>('PUT', pathOf(id), changes)).virtual_key;
}

/** Gives a key a new value. */
export async function rotateVirtualKey(id: string): Promise<VirtualKey> {
  return (await request<OneKey>('POST', `${pathOf(id)}/rotate`)).virtual_key;
}

/** Removes a key: it stops working at once. */
export async function removeVirtualKey(id: string): Promise<void> {
  await request('DELETE', pathOf(id));
}

/** Why a key can or cannot see and call a tool, rule by rule. */
export const explanationQuery = (id: string, tool: string) =>
  queryOptions({
    queryKey: keys.explanation(id, tool),
    queryFn: () => request<Explanation>('GET', `/api/mcp/explain${query({ tool, virtual_key: id })}`),
  });

function pathOf(id: string): string {
  return `${PATH}/${encodeURIComponent(id)}`;
}
