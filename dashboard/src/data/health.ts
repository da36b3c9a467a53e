import { queryOptions } from '@tanstack/react-query';
import type { McpClientHealth } from '../../../src/contract/mcp-client.ts';
import { request } from '../api.ts';
import { keys } from './keys.ts';

/** Where a server stood, and why. It changes without a write, so it is asked for again while it is shown. */
export const healthQuery = (id: string) =>
  queryOptions({
    queryKey: keys.health(id),
    refetchInterval: 5_000,
    queryFn: () => request<McpClientHealth>('GET', `/api/mcp/client/${encodeURIComponent(id)}/health`),
  });
