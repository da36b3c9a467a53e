import { randomUUID } from 'node:crypto';
import type { OAuthConfigInput } from '../../contract/oauth.ts';
import { GatewayError } from '../../lib/errors.ts';
import { freeze } from '../../lib/freeze.ts';
import { Secret } from '../../lib/secret.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { OAuthConfig, OAuthServer } from '../../store/oauth-configs.ts';
import type { OAuthFlow } from '../../store/oauth-flows.ts';
import type { OAuthToken } from '../../store/oauth-tokens.ts';
import { staticHeaders } from '../upstream/connect.ts';
import { configFromInput } from './config-input.ts';
import type { Discovered } from './discovery.ts';
import type { Registration } from './registration.ts';
import { chooseScopes } from './scopes.ts';
import type { TokenKey } from './token-book.ts';
import type { Granted } from './token-endpoint.ts';

/** A configuration as an operator wrote it down. */
export function newConfig(input: OAuthConfigInput, pending: string | undefined): OAuthConfig {
  const now = Date.now();
  return freeze({
    ...configFromInput(input),
    id: randomUUID(),
    mcp_client_id: undefined,
    pending_client: pending,
    created_at: now,
    updated_at: now,
  });
}

/** Where to find out how to sign in. */
export function targetOf(client: McpClient) {
  const { connection_type, name } = client;
  if (connection_type !== 'http' && connection_type !== 'sse') {
    throw new GatewayError('invalid_request', `OAuth is for http and sse servers; "${name}" is ${connection_type}`);
  }
  const address = client.connection_string.resolve();
  if (!URL.canParse(address)) throw new GatewayError('invalid_request', 'connection_string: is not a valid URL');
  return { address, connection_type, headers: staticHeaders(client) } as const;
}

/** What to ask for under this configuration. */
export function scopesFor(
  { scopes, grant_type }: OAuthConfig,
  { server, challengedScope, resourceScopes }: Discovered,
): string[] {
  return chooseScopes({
    given: scopes,
    challenge: challengedScope,
    resource: resourceScopes,
    server: server.scopes_supported,
    grant: grant_type,
  });
}

type Outcome = Partial<Pick<OAuthConfig, 'status' | 'expires_at'>>;

/** The configuration after a registration. */
export function applyRegistration(
  config: OAuthConfig,
  registration: Registration,
  { server }: Discovered,
  outcome: Outcome,
): OAuthConfig {
  const { issuer, client_id, client_secret, client_secret_expires_at } = registration;
  return freeze({
    ...config,
    ...{ issuer, client_id, client_secret, client_secret_expires_at, server },
    registered_redirect_uri: registration.registered_redirect_uri,
    registered_scopes: registration.registered_scopes,
    registration: registration.registration,
    token_endpoint_auth_method: registration.token_endpoint_auth_method,
    ...outcome,
    ...(outcome.status === undefined ? {} : { status_reason: undefined }),
    updated_at: Date.now(),
  });
}

/** What of it is other than before. A person who begins to sign in must not bring back a configuration that was revoked meanwhile. */
export function changedBy(outcome: Outcome): (keyof OAuthConfig)[] {
  return outcome.status === undefined ? [...REGISTERED] : [...REGISTERED, 'status', 'status_reason', 'expires_at'];
}

const REGISTERED = [
  ...(['issuer', 'client_id', 'client_secret', 'client_secret_expires_at', 'server', 'registration'] as const),
  ...(['registered_redirect_uri', 'registered_scopes', 'token_endpoint_auth_method', 'updated_at'] as const),
];

/** A token as a sign-in gave it. */
export function newToken(
  key: TokenKey,
  { access, refresh, expires_at, scopes }: Granted,
  asked: Pick<OAuthFlow, 'issuer' | 'registration' | 'resource' | 'scopes'>,
): OAuthToken {
  const now = Date.now();
  return {
    id: randomUUID(),
    ...key,
    issuer: asked.issuer,
    registration: asked.registration,
    resource: asked.resource,
    access,
    refresh: refresh ?? Secret.empty,
    expires_at,
    // RFC 6749 §5.1: not said means as asked for.
    scopes: scopes ?? asked.scopes,
    wanted_scopes: [],
    status: 'active',
    status_reason: undefined,
    last_refreshed_at: undefined,
    created_at: now,
    updated_at: now,
  };
}

interface UrlParts {
  readonly server: OAuthServer;
  readonly client_id: string | undefined;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly state: string;
  readonly resource: string | undefined;
}

/** The address at which a person consents, and what only we can redeem the answer with. */
export async function authorizationUrl({ server, client_id, redirectUri, scopes, state, resource }: UrlParts) {
  const { startAuthorization } = await import('@modelcontextprotocol/client');
  const { issuer, authorization_endpoint = '', token_endpoint } = server;
  const { authorizationUrl: url, codeVerifier } = await startAuthorization(issuer, {
    metadata: { issuer, authorization_endpoint, token_endpoint, response_types_supported: ['code'] },
    clientInformation: { client_id: client_id ?? '' },
    redirectUrl: redirectUri,
    state,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...(resource === undefined ? {} : { resource }),
  });
  return { href: url.href, verifier: codeVerifier };
}
