import type { OidcOptions } from '../../contract/auth.ts';
import type { OAuthStatus } from '../../contract/oauth.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Changes } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import type { OAuthConfig } from '../../store/oauth-configs.ts';
import type { OAuthFlow } from '../../store/oauth-flows.ts';
import type { OAuthToken } from '../../store/oauth-tokens.ts';
import type { OAuthStore } from '../../store/oauth.ts';
import type { Executor } from '../../store/schema.ts';
import { createExchanges } from '../exchange/exchanges.ts';
import { createFinish } from './callback.ts';
import { createDiagnose } from './doctor.ts';
import type { FetchFor } from './fetch.ts';
import type { OAuth, TokenView } from './oauth.ts';
import { clientMetadata } from './registration.ts';
import { createRenewal } from './renewal.ts';
import { createSignIn, type SignInDeps } from './sign-in.ts';
import { startSweep } from './sweep.ts';
import { createTokenAuth } from './token-auth.ts';
import { openTokenBook, type TokenBook } from './token-book.ts';

interface Deps {
  readonly database: Pick<Database, 'transaction' | 'dialect'>;
  readonly store: OAuthStore;
  readonly changes: Pick<Changes, 'publish' | 'subscribe'>;
  readonly fetchFor: FetchFor;
  /** The address under which browsers and other servers reach the gateway; empty when it was never said. */
  readonly publicUrl: () => string;
  /** The identity provider of single sign-on, for servers that use the same. */
  readonly idp: OidcOptions | undefined;
  readonly onError: (error: unknown) => void;
  /** Part of the transaction that keeps a person's token; throws when nobody waits for it any more. */
  readonly onUser?: (tx: Executor, flow: OAuthFlow) => Promise<void>;
  /** Part of the transaction that begins to wait for a person, or needs none; throws when the server is another than was asked. */
  readonly onBegin?: SignInDeps['onBegin'];
  /** Milliseconds between two looks for tokens that end soon. */
  readonly sweepMs?: number;
}

/** Where the gateway publishes who it is (client id metadata document). */
export const DOCUMENT_PATH = '/api/oauth/client-metadata.json';
/** Where authorization servers send the browser back to. */
export const CALLBACK_PATH = '/api/oauth/callback';

/** The OAuth client of the gateway, over what is stored. */
export async function createOAuth(deps: Deps): Promise<OAuth> {
  const { store, changes, fetchFor, publicUrl } = deps;
  const book = await openTokenBook(deps);
  const renewal = createRenewal({ ...deps, book });
  const tokenFor = createTokenAuth({ book, renewal, store, changes });
  const signIn = createSignIn({
    ...deps,
    book,
    documentUrl: (redirectUri) => {
      const document = documentAt(publicUrl());
      return document?.redirect_uri === redirectUri ? document.url : undefined;
    },
  });
  const exchanges = createExchanges({ fetchFor, idp: deps.idp });
  const sweep = startSweep({ ...deps, book, renewal });

  async function get(id: string, { configs } = store): Promise<OAuthConfig> {
    const config = await configs.find(id);
    if (config === undefined) throw new GatewayError('not_found', `there is no OAuth configuration ${id}`);
    return config;
  }

  async function published(config_id: string): Promise<void> {
    await changes.publish('oauth_configs', config_id);
    await changes.publish('oauth_tokens', '*');
  }

  async function publishTokens(ids: readonly string[]): Promise<void> {
    for (const id of ids) await changes.publish('oauth_tokens', id);
  }

  function tokens(client_id?: string): TokenView[] {
    return book
      .list()
      .flatMap((token) => (client_id === undefined || token.client_id === client_id ? [viewOf(token)] : []));
  }

  return {
    ...signIn,
    finish: createFinish(deps),
    tokenFor,
    published,
    statusOf: async (id) => statusView(await get(id), book),
    configOf: (id) => store.configs.find(id),
    flowOf: (id) => store.flows.find(id),
    traceOf: (id) => store.configs.loadTrace(id),

    async pendingOf(id) {
      const config = await get(id);
      const { pending_client, status } = config;
      const isLate = config.expires_at !== undefined && config.expires_at <= Date.now();
      if (pending_client === undefined) throw new GatewayError('wrong_state', 'nothing waits for this sign-in');
      if (isLate) throw new GatewayError('wrong_state', 'the time to complete this sign-in is over');
      if (status !== 'authorized') throw new GatewayError('wrong_state', `the sign-in is ${status}, not authorized`);
      return { ...config, pending_client };
    },

    async adopt(id, client_id, tx) {
      await (tx === undefined ? store : store.with(tx)).adopt(id, client_id);
      if (tx === undefined) await published('*');
    },

    async revoke(id, tx) {
      const stores = tx === undefined ? store : store.with(tx);
      const config = await get(id, stores);
      if (!(await stores.tokens.removeOfConfig(id))) {
        throw new GatewayError('not_found', `there is no token of the OAuth configuration ${id}`);
      }
      await stores.configs.setStatus(id, 'revoked', undefined);
      if (tx === undefined) await published(id);
      return config;
    },

    async removeOfClient(client_id) {
      await deps.database.transaction((tx) => store.with(tx).removeOfClient(client_id));
      await published('*');
    },

    tokens,

    accounts: (client, identity) => book.accounts(client, identity).map(viewOf),

    async setTokenStatus(ids, status, reason) {
      await store.tokens.setStatus(ids, status, reason);
      await publishTokens(ids);
    },

    async removeTokens(ids) {
      await store.tokens.remove(ids);
      await publishTokens(ids);
    },

    obstacle(client) {
      if (client.auth_type !== 'oauth' && client.auth_type !== 'per_user_oauth') return undefined;
      const owner = client.auth_type === 'oauth' ? 'shared' : 'admin';
      const token = book.find(client, owner, '');
      if (token === undefined)
        return book.config(client.oauth_config_id)?.status === 'revoked' ? 'needs_reauth' : 'pending_verification';
      return token.status === 'active' ? undefined : 'needs_reauth';
    },

    exchanges,

    clientDocument() {
      const document = documentAt(publicUrl());
      return document && { client_id: document.url, ...clientMetadata(document.redirect_uri), ...PUBLIC_CLIENT };
    },

    diagnose: createDiagnose({
      ...{ store, fetchFor, tokens, exchanges },
      hasDocument: () => documentAt(publicUrl()) !== undefined,
    }),

    onChanged: (listener) => book.onChanged(listener),
    async stop() {
      sweep.stop();
      await renewal.settled();
      book.stop();
    },
  };

  function viewOf({
    access: _access,
    refresh: _refresh,
    registration: _registration,
    ...token
  }: OAuthToken): TokenView {
    const whole = book.get(token.id);
    return { ...token, isRenewable: whole !== undefined && renewal.canRenew(whole) };
  }
}

const PUBLIC_CLIENT = { token_endpoint_auth_method: 'none' } as const;

/** Authorization servers fetch the document, which only an https address allows (CIMD draft §3). */
function documentAt(publicUrl: string): { readonly url: string; readonly redirect_uri: string } | undefined {
  if (!URL.canParse(publicUrl) || new URL(publicUrl).protocol !== 'https:') return undefined;
  const base = publicUrl.replace(/\/+$/, '');
  return { url: base + DOCUMENT_PATH, redirect_uri: base + CALLBACK_PATH };
}

function statusView(config: OAuthConfig, book: TokenBook): OAuthStatus {
  const { id, status, status_reason, created_at, expires_at } = config;
  const token = book.list().find((token) => token.config_id === id && token.identity === '');
  const isLate = status === 'pending' && expires_at !== undefined && expires_at <= Date.now();
  const time = (at: number): string => new Date(at).toISOString();
  return {
    id,
    status: isLate ? 'expired' : status,
    ...(status_reason === undefined ? {} : { status_reason }),
    created_at: time(created_at),
    ...(expires_at === undefined ? {} : { expires_at: time(expires_at) }),
    ...(token === undefined ? {} : { token_id: token.id, token_scopes: [...token.scopes] }),
    ...(token?.expires_at === undefined ? {} : { token_expires_at: time(token.expires_at) }),
    ...(token === undefined || token.wanted_scopes.length === 0 ? {} : { wanted_scopes: [...token.wanted_scopes] }),
  };
}
