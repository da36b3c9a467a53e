import { queryOptions } from '@tanstack/react-query';
import type {
  CustomerCreate,
  CustomerUpdate,
  CustomerView,
  TeamCreate,
  TeamUpdate,
  TeamView,
} from '../../../src/contract/governance.ts';
import { request } from '../api.ts';
import { keys } from './keys.ts';

/** All teams. */
export const teamsQuery = queryOptions({
  queryKey: keys.teams,
  queryFn: async () => (await request<{ teams: TeamView[] }>('GET', '/api/governance/teams')).teams,
});

/** All customers. */
export const customersQuery = queryOptions({
  queryKey: keys.customers,
  queryFn: async () => (await request<{ customers: CustomerView[] }>('GET', '/api/governance/customers')).customers,
});

/** Who keys belong to: teams, and the customers that teams or keys belong to. */
export type OwnerKind = 'teams' | 'customers';

/** Makes a team or a customer. */
export function createOwner(kind: OwnerKind, body: TeamCreate | CustomerCreate): Promise<unknown> {
  return request('POST', `/api/governance/${kind}`, body);
}

/** Changes the named settings of a team or a customer. */
export function updateOwner(kind: OwnerKind, id: string, changes: TeamUpdate | CustomerUpdate): Promise<unknown> {
  return request('PUT', pathOf(kind, id), changes);
}

/** Removes a team or a customer; what belonged to it stays. */
export function removeOwner(kind: OwnerKind, id: string): Promise<unknown> {
  return request('DELETE', pathOf(kind, id));
}

function pathOf(kind: OwnerKind, id: string): string {
  return `/api/governance/${kind}/${encodeURIComponent(id)}`;
}
