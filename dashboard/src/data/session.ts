import { queryOptions } from '@tanstack/react-query';
import type { z } from 'zod';
import type { AuthStatus, Me } from '../../../src/contract/account.ts';
import { ApiError, forgetSession, request } from '../api.ts';
import { keys } from './keys.ts';

/** Who is signed in. */
export type Person = z.infer<typeof Me>;

/** How to sign in, also for those who have not. */
export const authStatusQuery = queryOptions({
  queryKey: keys.authStatus,
  queryFn: () => request<z.infer<typeof AuthStatus>>('GET', '/api/session/is-auth-enabled'),
});

/** Who is signed in; null for nobody. */
export const meQuery = queryOptions({
  queryKey: keys.me,
  staleTime: 60_000,
  async queryFn(): Promise<Person | null> {
    try {
      return await request<Person>('GET', '/api/session/me');
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
});

/** The version of the gateway. */
export const versionQuery = queryOptions({
  queryKey: keys.version,
  staleTime: Infinity,
  queryFn: () => request<string>('GET', '/api/version'),
});

/** Signs in with a name and a password. */
export async function logIn(username: string, password: string): Promise<void> {
  await request('POST', '/api/session/login', { username, password });
  forgetSession();
}

/** Signs out; gives the address where to sign out of the identity provider too. */
export async function logOut(): Promise<string | undefined> {
  const answer = await request<{ end_session_url?: string }>('POST', '/api/session/logout');
  forgetSession();
  return answer.end_session_url;
}

/** Makes the first admin account. The proof is a setup token, or an API key that may do everything. */
export async function setUp(input: { username: string; password: string; proof: string }): Promise<void> {
  const { username, password, proof } = input;
  const isApiKey = proof.startsWith('bfst-');
  const headers = isApiKey ? { authorization: `Bearer ${proof}` } : undefined;
  await request(
    'POST',
    '/api/session/setup',
    { username, password, ...(isApiKey ? {} : { setup_token: proof }) },
    headers,
  );
}
