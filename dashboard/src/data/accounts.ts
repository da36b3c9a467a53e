import { queryOptions } from '@tanstack/react-query';
import type { UserUpdate, UserView } from '../../../src/contract/account.ts';
import type { ApiKeyCreate, ApiKeyView } from '../../../src/contract/api-key.ts';
import type { OAuth2SessionView } from '../../../src/contract/oauth2.ts';
import { forgetSession, request } from '../api.ts';
import { keys } from './keys.ts';

export type ApiKey = ApiKeyView;
export type User = UserView;
export type ClientSignIn = OAuth2SessionView;

/** The keys of the management API; for admins. */
export const apiKeysQuery = queryOptions({
  queryKey: keys.apiKeys,
  queryFn: async () => (await request<{ api_keys: ApiKey[] }>('GET', '/api/api-keys')).api_keys,
});

/** Makes a key. Its value is in this answer and nowhere else. */
export async function createApiKey(body: ApiKeyCreate): Promise<string> {
  return (await request<{ key: string }>('POST', '/api/api-keys', body)).key;
}

/** Ends a key at once. */
export function deleteApiKey(id: number): Promise<unknown> {
  return request('DELETE', `/api/api-keys/${id}`);
}

/** The accounts of the dashboard; for admins. */
export const usersQuery = queryOptions({
  queryKey: keys.users,
  queryFn: async () => (await request<{ users: User[] }>('GET', '/api/users')).users,
});

/** An account as it is typed. */
export interface NewUser {
  readonly username: string;
  readonly password: string;
  readonly role: User['role'];
}

/** Makes an account. */
export function createUser(body: NewUser): Promise<unknown> {
  return request('POST', '/api/users', body);
}

/** Changes what is given. */
export function updateUser(id: string, change: UserUpdate): Promise<unknown> {
  return request('PUT', `/api/users/${encodeURIComponent(id)}`, change);
}

/** Deletes an account with its sessions. */
export function deleteUser(id: string): Promise<unknown> {
  return request('DELETE', `/api/users/${encodeURIComponent(id)}`);
}

/** Changes the own password. All other sessions end, and this one is replaced. */
export async function changePassword(current_password: string, new_password: string): Promise<void> {
  await request('PUT', '/api/session/password', { current_password, new_password });
  forgetSession();
}

/** The clients that signed in to /mcp with OAuth. */
export const clientSignInsQuery = queryOptions({
  queryKey: keys.clientSignIns,
  queryFn: async () => (await request<{ sessions: ClientSignIn[] }>('GET', '/api/oauth2/sessions')).sessions,
});

/** Signs a client out at once. */
export function endClientSignIn(id: string): Promise<unknown> {
  return request('DELETE', `/api/oauth2/sessions/${encodeURIComponent(id)}`);
}
