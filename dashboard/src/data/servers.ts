import { queryOptions } from '@tanstack/react-query';
import type { Success } from '../../../src/contract/common.ts';
import type {
  McpClientCreate,
  McpClientList,
  McpClientUpdate,
  McpClientView,
  PendingSignIn,
} from '../../../src/contract/mcp-client.ts';
import { request } from '../api.ts';
import { keys } from './keys.ts';

/** What a write of a server answers: it is done, or somebody has to sign in first. */
export type Written = Success | PendingSignIn;

/** All registered servers. Their states change without a write, so they are asked for again while the page is open. */
export const serversQuery = queryOptions({
  queryKey: keys.servers,
  refetchInterval: 10_000,
  queryFn: async () => (await request<McpClientList>('GET', '/api/mcp/clients')).clients,
});

/** One registered server. */
export const serverQuery = (id: string) =>
  queryOptions({
    queryKey: keys.server(id),
    refetchInterval: 10_000,
    queryFn: () => request<McpClientView>('GET', pathOf(id)),
  });

/** Registers a server. */
export function createServer(body: McpClientCreate): Promise<Written> {
  return request('POST', '/api/mcp/client', body);
}

/** Changes the named settings of a server and no others. */
export function updateServer(id: string, changes: McpClientUpdate): Promise<Written> {
  return request('PUT', pathOf(id), changes);
}

/** Removes a server. */
export function removeServer(id: string): Promise<Success> {
  return request('DELETE', pathOf(id));
}

/** What can be done with a server besides changing it. */
export type ServerAction = 'reconnect' | 'refresh-tools' | 'reauthorize' | 'initiate-verification';

/** Runs an action on a server. */
export function runServerAction(id: string, action: ServerAction): Promise<Written> {
  return request('POST', `${pathOf(id)}/${action}`);
}

/** Whether somebody has to open a page and sign in before the write takes effect. */
export function isPendingSignIn(written: Written): written is PendingSignIn {
  return 'authorize_url' in written; // its status is "success" where the server is there already
}

function pathOf(id: string): string {
  return `/api/mcp/client/${encodeURIComponent(id)}`;
}
