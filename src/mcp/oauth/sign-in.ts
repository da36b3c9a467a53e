import { randomBytes, randomUUID } from 'node:crypto';
import { GatewayError, messageOf } from '../../lib/errors.ts';
import type { Changes } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { OAuthConfig } from '../../store/oauth-configs.ts';
import { hashText, type OAuthFlow } from '../../store/oauth-flows.ts';
import { keptRegistration } from '../../store/oauth-registrations.ts';
import type { TokenMode } from '../../store/oauth-tokens.ts';
import type { OAuthStore } from '../../store/oauth.ts';
import type { Executor } from '../../store/schema.ts';
import { discover, type Discovered } from './discovery.ts';
import type { FetchFor } from './fetch.ts';
import type { BeginAdmin, BeginUser, Begun } from './oauth.ts';
import { register, type Registration } from './registration.ts';
import { unionScopes } from './scopes.ts';
import {
  applyRegistration,
  authorizationUrl,
  changedBy,
  newConfig,
  newToken,
  scopesFor,
  targetOf,
} from './sign-in-parts.ts';
import { ownerColumns, type TokenBook } from './token-book.ts';
import { requestTokens } from './token-endpoint.ts';
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
  /** Part of the transaction that begins to wait for a person, or needs none; throws when the server is another than was asked. */
  readonly onBegin?: ((tx: Executor, client: McpClient) => Promise<void>) | undefined;
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
      registration: keptRegistration(registration),
      ...{ purpose, mode, identity, label, scopes, resource },
      bind_hash: bind === undefined ? undefined : hashText(bind),
      status: 'pending',
      status_reason: undefined,
      created_at: now,
      expires_at,
    };
    const outcome = purpose === 'admin' ? ({ status: 'pending', expires_at } as const) : {};
    const next = applyRegistration(config, registration, found, outcome);
    const former = config.client_id === next.client_id ? undefined : keptRegistration(config);
    await database.transaction(async (tx) => {
      const stores = store.with(tx);
      if (!plan.isNew) await deps.onBegin?.(tx, client);
      if (former !== undefined) await stores.tokens.keepRegistration(config.id, former);
      await (plan.isNew ? stores.configs.insert(next) : stores.configs.update(next, changedBy(outcome)));
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
    const expires_at = config.mcp_client_id === undefined ? Date.now() + SIGN_IN_MS : undefined;
    const outcome = { status: 'authorized', expires_at } as const;
    const next = applyRegistration(config, registration, found, outcome);
    const key = { config_id: config.id, client_id: client.client_id, mode, identity, label };
    const token = await database.transaction(async (tx) => {
      const stores = store.with(tx);
      if (!plan.isNew) await deps.onBegin?.(tx, client);
      await (plan.isNew ? stores.configs.insert(next) : stores.configs.update(next, changedBy(outcome)));
      await stores.configs.saveTrace(config.id, trace.steps);
      return stores.tokens.save(
        newToken(key, granted, {
          issuer: found.server.issuer,
          registration: keptRegistration(registration),
          resource,
          scopes,
        }),
      );
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
  readonly registration: Registration;
  readonly scopes: readonly string[];
  readonly resource: string | undefined;
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
