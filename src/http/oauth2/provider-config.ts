import type * as oidcProvider from 'oidc-provider';
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import type { OAuth2ServerConfig } from '../../contract/client-settings.ts';
import type { Fetch } from '../../lib/guarded-fetch.ts';
import { hashModelId, type OAuthModelStore } from '../../store/oauth-models.ts';
import type { OAuthSessionStore } from '../../store/oauth-sessions.ts';
import type { RsaJwk } from '../../store/signing-keys.ts';
import { cleanName } from './client-name.ts';
import { createModelAdapter } from './model-adapter.ts';

/** The only scope there is: to use `/mcp`. */
export const SCOPE = 'mcp';
/** The address of the page on which people say yes or no. */
export const CONSENT_PATH = '/oauth2/consent';
/** Seconds for that. */
export const CONSENT_TTL = 600;

/** What a provider for one address of this gateway is made of. */
export interface ProviderParts {
  /** The address of `/mcp`, which every token is for. */
  readonly resource: string;
  readonly key: RsaJwk;
  readonly config: () => OAuth2ServerConfig;
  readonly models: OAuthModelStore;
  readonly sessions: OAuthSessionStore;
  /** Makes a session of a grant whose code was redeemed; false when the grant has ended meanwhile. */
  readonly beginSession: (session: NewSession) => Promise<boolean>;
  readonly endGrant: (grantId: string) => Promise<void>;
  /** Whether this principal may call at the moment. */
  readonly isUsable: (principal: string) => boolean;
  /** Fetches what a stranger names: it must not reach what is not public. */
  readonly fetch: Fetch;
}

export interface NewSession {
  readonly grantId: string;
  readonly clientId: string;
  readonly clientName: string;
  readonly principal: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number;
  /** When its grant ends, whatever is refreshed. */
  readonly grantExpiresAt: number;
}

type Library = typeof oidcProvider;

const DAY = 86_400;
/** Seconds without use after which a client must sign in again. */
const REFRESH_TTL = 30 * DAY;
/** Seconds after which it must in any case. */
const GRANT_TTL = 180 * DAY;
/** The library's own session is of no use to us: every sign-in asks anew. */
const BROWSER_SESSION_TTL = 60;

/** The options of oidc-provider: OAuth 2.1 for public clients, one resource, one scope, nothing of OpenID Connect. */
export function providerConfig(library: Library, parts: ProviderParts): Configuration {
  const { errors } = library;
  const { key, config, models, endGrant, isUsable, fetch } = parts;
  return {
    adapter: createModelAdapter({ models, endGrant, usedUp: () => new errors.InvalidGrant('it was used before') }),
    jwks: { keys: [key] },
    routes: {
      authorization: '/oauth2/authorize',
      token: '/oauth2/token',
      registration: '/oauth2/register',
      revocation: '/oauth2/revoke',
      jwks: '/.well-known/jwks.json',
    },
    scopes: [SCOPE],
    responseTypes: ['code'],
    clientAuthMethods: ['none'],
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      // Of this type the port of a loopback redirect may vary (RFC 8252 section 7.3).
      application_type: 'native',
    },
    allowOmittingSingleRegisteredRedirectUri: false,
    features: featuresOf(library, parts),
    pkce: { required: () => true },
    interactions: { policy: alwaysAsk(library), url: (_context, { uid }) => `${CONSENT_PATH}?flow=${uid}` },
    findAccount: (_context, principal) =>
      isUsable(principal) ? { accountId: principal, claims: () => ({ sub: principal }) } : undefined,
    // A consent is never taken from an earlier sign-in.
    loadExistingGrant: async ({ oidc }) => {
      const grantId = oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : oidc.provider.Grant.find(grantId);
    },
    expiresWithSession: () => false,
    issueRefreshToken: async (context, client) => {
      const mayRefresh = client.grantTypeAllowed('refresh_token');
      if (await redeem(context, mayRefresh, parts)) return mayRefresh;
      throw new errors.InvalidGrant('the grant has ended');
    },
    rotateRefreshToken: async (context) => {
      await noteRefresh(context, parts);
      return true;
    },
    extraTokenClaims: (_context, token) => ({ sid: 'grantId' in token ? hashModelId(token.grantId ?? '') : undefined }),
    ttl: {
      AuthorizationCode: () => config().auth_code_ttl,
      AccessToken: () => config().access_token_ttl,
      RefreshToken: (context) => Math.max(1, Math.min(REFRESH_TTL, secondsLeft(context))),
      Grant: GRANT_TTL,
      Interaction: CONSENT_TTL,
      Session: BROWSER_SESSION_TTL,
    },
    renderError: (context, out) => void (context.body = out),
    fetch: (url, options) => fetch(url, { ...(options as RequestInit), redirect: 'manual' }),
  };
}

function featuresOf({ errors }: Library, { resource, config }: ProviderParts): Configuration['features'] {
  return {
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    registration: { enabled: true, issueRegistrationAccessToken: false },
    revocation: {
      enabled: true,
      allowedPolicy: (_context, client, token) => token.clientId === client.clientId,
    },
    clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
    resourceIndicators: {
      enabled: true,
      // Clients older than MCP 2025-06-18 do not say which resource they mean.
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo(_context, indicator) {
        if (indicator !== resource) throw new errors.InvalidTarget(`the only resource here is ${resource}`);
        const jwt = { sign: { alg: 'RS256' as const } };
        return { scope: SCOPE, accessTokenFormat: 'jwt', accessTokenTTL: config().access_token_ttl, jwt };
      },
    },
  };
}

/** One prompt, which only a decision on our page answers. */
function alwaysAsk({ interactionPolicy: { Check, Prompt } }: Library) {
  const isOpen = ({ oidc }: KoaContextWithOIDC): boolean => oidc.result?.consent === undefined;
  return [new Prompt({ name: 'consent' }, new Check('decision', 'the user has to decide', isOpen))];
}

/** The code was redeemed: from now on this is a session, which lasts. */
async function redeem({ oidc }: KoaContextWithOIDC, mayRefresh: boolean, parts: ProviderParts): Promise<boolean> {
  const { Grant: grant, Client: client } = oidc.entities;
  if (grant === undefined || client === undefined) return false;
  const lifetime = mayRefresh ? REFRESH_TTL : parts.config().access_token_ttl;
  return parts.beginSession({
    grantId: grant.jti,
    clientId: client.clientId,
    clientName: cleanName(client.clientName, client.clientId),
    principal: grant.accountId ?? '',
    scopes: [SCOPE],
    expiresAt: Date.now() + lifetime * 1000,
    grantExpiresAt: (grant.exp ?? 0) * 1000,
  });
}

async function noteRefresh(context: KoaContextWithOIDC, { sessions }: ProviderParts): Promise<void> {
  const { Grant: grant } = context.oidc.entities;
  if (grant === undefined) return;
  const now = Date.now();
  const expires_at = now + Math.min(REFRESH_TTL, secondsLeft(context)) * 1000;
  await sessions.touch(hashModelId(grant.jti), { last_used_at: now, expires_at });
}

function secondsLeft({ oidc }: KoaContextWithOIDC): number {
  return Math.floor((oidc.entities.Grant?.exp ?? 0) - Date.now() / 1000);
}
