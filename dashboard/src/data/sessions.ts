import { queryOptions } from '@tanstack/react-query';
import type { Diagnosis } from '../../../src/contract/diagnosis.ts';
import type { McpReauth, McpSessionList } from '../../../src/contract/mcp-session.ts';
import { query, request } from '../api.ts';
import { keys } from './keys.ts';

/** Credentials that callers have of their own, the newest first. */
export const sessionsQuery = (filter: { readonly q?: string; readonly status?: string }) =>
  queryOptions({
    queryKey: [...keys.sessions, filter],
    placeholderData: (former: McpSessionList | undefined) => former, // the table stays while a word is typed
    queryFn: () => request<McpSessionList>('GET', `/api/mcp/sessions${query({ ...filter, limit: 500 })}`),
  });

/** Forgets a credential: the next call of its holder is asked for a new one. */
export async function revokeSession(id: string): Promise<void> {
  await request('DELETE', `/api/mcp/sessions/${encodeURIComponent(id)}`);
}

/** Gives the link under which the holder of a credential renews it. */
export function renewSession(id: string): Promise<McpReauth> {
  return request('POST', `/api/mcp/sessions/${encodeURIComponent(id)}/reauth`);
}

/** Asks where signing in to a server fails, step by step. It changes nothing. */
export function diagnose(serverId: string): Promise<Diagnosis> {
  return request('POST', `/api/mcp/client/${encodeURIComponent(serverId)}/diagnose`);
}
