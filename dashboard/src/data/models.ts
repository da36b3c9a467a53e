import { queryOptions } from '@tanstack/react-query';
import type { FoundModels } from '../../../src/contract/model.ts';
import { request } from '../api.ts';
import { keys } from './keys.ts';

/** The models of a provider, or without one of all, that some key of theirs may be used for; or all that there are. */
export const modelsQuery = (provider: string, isUnfiltered = false) =>
  queryOptions({
    queryKey: keys.models(provider, isUnfiltered),
    queryFn: () => {
      const params = new URLSearchParams({ provider, unfiltered: String(isUnfiltered), limit: '1000' });
      return request<FoundModels>('GET', `/api/models?${params}`);
    },
    // The gateway keeps the lists for longer; what changes a provider asks again.
    staleTime: 60_000,
  });
