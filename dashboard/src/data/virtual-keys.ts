import { queryOptions } from '@tanstack/react-query';
import type { z } from 'zod';
import type { VirtualKeyCreate, VirtualKeyView as View } from '../../../src/contract/governance.ts';
import { request } from '../api.ts';
import { keys } from './keys.ts';

/** A virtual key as the API shows it. Its value is masked for whoever may only read. */
export type VirtualKey = z.infer<typeof View>;

/** All virtual keys. */
export const virtualKeysQuery = queryOptions({
  queryKey: keys.virtualKeys,
  queryFn: async () =>
    (await request<{ virtual_keys: VirtualKey[] }>('GET', '/api/governance/virtual-keys')).virtual_keys,
});

/** Makes a virtual key. */
export async function createVirtualKey(body: VirtualKeyCreate): Promise<VirtualKey> {
  return (await request<{ virtual_key: VirtualKey }>('POST', '/api/governance/virtual-keys', body)).virtual_key;
}
