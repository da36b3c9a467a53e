import { queryOptions } from '@tanstack/react-query';
import type { Success } from '../../../src/contract/common.ts';
import type { PendingSignIn } from '../../../src/contract/mcp-client.ts';
import type { OAuthStatus } from '../../../src/contract/oauth.ts';
import { request } from '../api.ts';
import { keys } from './keys.ts';

/** A sign-in that somebody has to do in a browser. */
export interface SignIn {
  readonly pending: PendingSignIn;
  /** Nothing is stored before the gateway is told that it is done; a server that has signed in before goes on by itself. */
  readonly isNew: boolean;
}

/** What became of a sign-in; `text` says it in words when it is over. */
export type SignInOutcome =
  | { readonly status: 'pending' }
  | { readonly status: 'done'; readonly text: string }
  | { readonly status: 'failed'; readonly text: string };

const ASK_MS = 1_000;

/** Asks until somebody has signed in, and has the gateway take over what waited for that. */
export const signInQuery = ({ pending, isNew }: SignIn) =>
  queryOptions({
    queryKey: keys.signIn(pending.oauth_config_id),
    queryFn: async (): Promise<SignInOutcome> => {
      const { status, status_reason } = await request<OAuthStatus>('GET', pending.status_url);
      if (status === 'pending') return { status };
      if (status !== 'authorized') return { status: 'failed', text: status_reason ?? `The sign-in is ${status}.` };
      if (!isNew) return { status: 'done', text: 'Signed in.' };
      const { message } = await request<Success>('POST', pending.complete_url);
      return { status: 'done', text: message };
    },
    refetchInterval: ({ state }) => (state.data?.status === 'pending' ? ASK_MS : false),
    // What is over is over: another look must not complete it once more.
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  });
