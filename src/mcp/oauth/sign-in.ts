import { randomBytes, randomUUID } from 'node:crypto';
import type { OAuthConfigInput } from '../../contract/oauth.ts';
import { GatewayError, messageOf } from '../../lib/errors.ts';
import { freeze } from '../../lib/freeze.ts';
import { Secret } from '../../lib/secret.ts';
import type { Changes } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { OAuthConfig, OAuthServer } from '../../store/oauth-configs.ts';
import { hashText, type OAuthFlow } from '../../store/oauth-flows.ts';
import type { OAuthToken, TokenMode } from '../../store/oauth-tokens.ts';
import type { OAuthStore } from '../../store/oauth.ts';
import { staticHeaders } from '../upstream/connect.ts';
import { configFromInput } from './config-input.ts';
import { discover, type Discovered } from './discovery.ts';
import type { BeginAdmin, BeginUser, Begun, FetchFor } from './oauth.ts';
import { register } from './registration.ts';
import { chooseScopes, unionScopes } from './scopes.ts';
import { ownerColumns, type TokenBook, type TokenKey } from './token-book.ts';
import { requestTokens, type Granted } from './token-endpoint.ts';
import { createTrace, type Trace } from './trace.ts';

/** What signing in needs. */
export interface SignInDeps {
  readonly database: Pick<Database, 'transaction'>;
  readonly store: OAuthStore;
  readonly book: TokenBook;
  readonly changes: Pick<Changes, 'publish'>;
  readonly fetchFor: FetchFor;
  /** Where the client id metadata document for this redirect URI can be read; undefined when it cannot. */
  readonly documentUrl: (redirectUri: string) => string | undefined;
}

/** How long a person may take. */
export const SIGN_IN_MS = 15 * 60_000;
const MAX_LABEL = 100;

/** The first half of a sign-in: from the server's address to the URL that a browser has to open. */
export function createSignIn(deps: SignInDeps) {
  const { store, book, changes, database } = deps;

  async function beginAdmin(options: BeginAdmin): Promise<Begun> {
    const { client, input } = options;
    const mode = client.auth_type === 'per_user_oauth' ? 'admin' : 'shared';
    const stored = input === undefined ? await storedConfig(client) : undefined;
    const config = stored ?? newConfig(input ?? {}, options.pending);
    return begin({ ...options, config, isNew: stored === undefined, purpose: 'admin', mode, identity: '', label: '' });
  }

  async function beginUser(options: BeginUser): Promise<Begun> {
    const { client, identity, label = '' } = options;
    if (label.length > MAX_LABEL) throw new GatewayError('invalid_request', `label: at most ${MAX_LABEL} characters`);
    const config = await storedConfig(client);
    const owner = ownerColumns(identity);
    return begin({ ...options, config, isNew: false, purpose: 'user', ...owner, label });
  }

  async function storedConfig({ oauth_config_id, name }: McpClient): Promise<OAuthConfig> {
    const config = oauth_config_id === undefined ? undefined : await store.configs.find(oauth_config_id);
    if (config !== undefined) return config;
    throw new GatewayError('wrong_state', `the MCP client "${name}" has no OAuth configuration`);
  }

  async function begin(plan: Plan): Promise<Begun> {
    const trace = createTrace(deps.fetchFor(plan.client.connection_string.resolve()));
    try {
      const prepared = await prepare(plan, trace);
      if (plan.config.grant_type === 'client_credentials') return await finishAtOnce(plan, prepared, trace);
      return await openFlow(plan, prepared, trace);
    } catch (error) {
      if (!plan.isNew) await store.configs.saveTrace(plan.config.id, trace.steps);
      throw withTrace(error, plan.purpose === 'admin' ? trace : undefined);
    }
  }

  async function prepare(
    { config, client, redirectUri, mode, identity, label }: Plan,
    trace: Trace,
  ): Promise<Prepared> {
    const found = await discover(targetOf(client), config, trace);
    const key = { config_id: config.id, client_id: client.client_id, mode, identity, label };
    // With what calls lacked since the last time.
    const scopes = unionScopes(scopesFor(config, found), book.findByKey(key)?.wanted_scopes ?? []);
    const documentUrl = deps.documentUrl(redirectUri);
    const registration = await register({ config, server: found.server, redirectUri, documentUrl, scopes, trace });
    return { found, registration, scopes, resource: config.resource ?? found.resource };
  }

  async function openFlow(
    plan: Plan,
    { found, registration, scopes, resource }: Prepared,
    trace: Trace,
  ): Promise<Begun> {
    const { config, client, redirectUri, bind, purpose, mode, identity, label } = plan;
    const state = randomBytes(32).toString('base64url');
    const url = await authorizationUrl({
      server: found.server,
      client_id: registration.client_id,
      redirectUri,
      scopes,
      state,
      resource,
    });
    trace.note({
      step: 'authorization_request',
      rule: 'OAuth 2.1 with PKCE S256, RFC 8707',
      request: { url: `${url.href.split('?')[0]}`, scope: scopes.join(' '), resource, redirect_uri: redirectUri },
      outcome: 'ok',
    });
    const now = Date.now();
    const expires_at = now + SIGN_IN_MS;
    const flow: OAuthFlow = {
      id: randomUUID(),
      config_id: config.id,
      client_id: client.client_id,
      verifier: url.verifier,
      issuer: found.server.issuer,
      redirect_uri: redirectUri,
      ...{ purpose, mode, identity, label, scopes, resource },
      bind_hash: bind === undefined ? undefined : hashText(bind),
      status: 'pending',
      status_reason: undefined,
      created_at: now,
      expires_at,
    };
    const isAdmin = purpose === 'admin';
    const next = applyRegistration(config, registration, found, isAdmin ? { status: 'pending', expires_at } : {});
    await database.transaction(async (tx) => {
      const stores = store.with(tx);
      await (plan.isNew ? stores.configs.insert(next) : stores.configs.update(next));
      await stores.configs.saveTrace(config.id, trace.steps);
      await stores.flows.insert(flow, state);
    });
    await changes.publish('oauth_configs', config.id);
    return { status: 'pending', oauth_config_id: config.id, flow_id: flow.id, authorize_url: url.href, expires_at };
  }

  /** client_credentials: nobody has to be asked. */
  async function finishAtOnce(
    plan: Plan,
    { found, registration, scopes, resource }: Prepared,
    trace: Trace,
  ): Promise<Begun> {
    const { config, client, mode, identity, label } = plan;
    const granted = await requestTokens({
      config: { ...config, ...registration },
      server: found.server,
      parameters: { grant_type: 'client_credentials', scope: scopes.join(' '), resource },
      about: {
        step: 'token',
        rule: 'RFC 6749 §4.4: client credentials',
        hint: 'Check client_id and its secret or key',
      },
      trace,
    });
    // What waits to be completed has its time, whatever the grant.
    const expires_at = config.pending_client === undefined ? undefined : Date.now() + SIGN_IN_MS;
    const next = applyRegistration(config, registration, found, { status: 'authorized', expires_at });
    const key = { config_id: config.id, client_id: client.client_id, mode, identity, label };
    const token = await database.transaction(async (tx) => {
      const stores = store.with(tx);
      await (plan.isNew ? stores.configs.insert(next) : stores.configs.update(next));
      await stores.configs.saveTrace(config.id, trace.steps);
      return stores.tokens.save(newToken(key, granted, { issuer: found.server.issuer, resource, scopes }));
    });
    await changes.publish('oauth_configs', config.id);
    await changes.publish('oauth_tokens', token.id);
    return { status: 'authorized', oauth_config_id: config.id };
  }

  return { beginAdmin, beginUser };
}

interface Plan {
  readonly config: OAuthConfig;
  readonly isNew: boolean;
  readonly client: McpClient;
  readonly redirectUri: string;
  readonly bind?: string | undefined;
  readonly purpose: 'admin' | 'user';
  readonly mode: TokenMode;
  readonly identity: string;
  readonly label: string;
}

interface Prepared {
  readonly found: Discovered;
  readonly registration: Awaited<ReturnType<typeof register>>;
  readonly scopes: readonly string[];
  readonly resource: string | undefined;
}

function newConfig(input: OAuthConfigInput, pending: string | undefined): OAuthConfig {
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

function targetOf(client: McpClient) {
  const { connection_type, name } = client;
  if (connection_type !== 'http' && connection_type !== 'sse') {
    throw new GatewayError('invalid_request', `OAuth is for http and sse servers; "${name}" is ${connection_type}`);
  }
  const address = client.connection_string.resolve();
  if (!URL.canParse(address)) throw new GatewayError('invalid_request', 'connection_string: is not a valid URL');
  return { address, connection_type, headers: staticHeaders(client) } as const;
}

function scopesFor(
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

function applyRegistration(
  config: OAuthConfig,
  registration: Prepared['registration'],
  { server }: Discovered,
  outcome: Partial<Pick<OAuthConfig, 'status' | 'expires_at'>>,
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

/** A token as a sign-in gave it. */
export function newToken(
  key: TokenKey,
  { access, refresh, expires_at, scopes }: Granted,
  asked: { readonly issuer: string; readonly resource: string | undefined; readonly scopes: readonly string[] },
): OAuthToken {
  const now = Date.now();
  return {
    id: randomUUID(),
    ...key,
    issuer: asked.issuer,
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

function withTrace(error: unknown, trace: Trace | undefined): unknown {
  if (trace === undefined) return error;
  const known = error instanceof GatewayError ? error : undefined;
  if (known === undefined) return error;
  return new GatewayError(known.code, messageOf(known), {
    cause: error,
    details: { ...known.details, oauth_trace: trace.steps },
  });
}
