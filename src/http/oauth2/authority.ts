import type { ClientSettings } from '../../contract/client-settings.ts';
import { ANONYMOUS, keyOfPrincipal, type Caller } from '../../governance/caller.ts';
import { demandUsable, isUsable, type Policy } from '../../governance/policy.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Changes } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import { hashModelId, type OAuthModelStore } from '../../store/oauth-models.ts';
import type { OAuthSessionStore } from '../../store/oauth-sessions.ts';
import { SIGNING_KEY, type SigningKeys, type SigningKeyStore } from '../../store/signing-keys.ts';
import type { RequestHeaders } from '../identify.ts';
import { createAccessTokens, isTokenOf } from './access-tokens.ts';
import { issuerOf, metadataUrlOf, resourceOf } from './issuer.ts';
import { SCOPE, type NewSession, type ProviderParts } from './provider-config.ts';
import { openProvider, type AuthorizationServer } from './provider.ts';

/** People who are signed in to the dashboard: they may let a client act in their own name. */
export interface Users {
  /** The user behind a browser request, by the dashboard's session. */
  userOf(request: { readonly headers: RequestHeaders }): Promise<SignedInUser | undefined>;
  /** The caller that a user is on `/mcp`; undefined when the user may not call any more. */
  callerOf(id: string): Caller | undefined;
}

export interface SignedInUser {
  readonly id: string;
  readonly name: string;
}

export interface AuthorityDeps {
  readonly settings: () => ClientSettings;
  readonly database: Pick<Database, 'transaction'>;
  readonly models: OAuthModelStore;
  readonly sessions: OAuthSessionStore;
  readonly keys: SigningKeyStore;
  readonly policy: Pick<Policy, 'findCallerById'>;
  readonly changes: Pick<Changes, 'publish' | 'subscribe'>;
  readonly fetch: ProviderParts['fetch'];
  /** Absent where there are no accounts. */
  readonly users?: Users | undefined;
  readonly onError: (error: unknown) => void;
}

/** Who signs in to `/mcp` with OAuth, and who comes with what was handed out. */
export interface Authority {
  /** Undefined where nobody can sign in: the mode is `headers`, or the public address is not known. */
  issuerFor(headers: RequestHeaders): string | undefined;
  /** The authorization server at an address; throws `not_found` where nobody can sign in. */
  serverFor(headers: RequestHeaders): Promise<AuthorizationServer>;
  /** The access token of a request that says to be ours. Nothing about it is checked. */
  tokenIn(headers: RequestHeaders): string | undefined;
  /** The caller behind a token; at once when the token is known. */
  callerOf(token: string, headers: RequestHeaders): Caller | Promise<Caller>;
  /** What `WWW-Authenticate` says to whoever has to sign in. */
  challenge(headers: RequestHeaders): string | undefined;
  /** The key that checks tokens, for everybody. */
  loadKeys(): Promise<SigningKeys>;
  /** Signs with a new key from now on; tokens of the old one work until they end. */
  rotateKey(): Promise<void>;
}

/** What the principals of users begin with. */
export const USER_PREFIX = 'user:';
/** What those begin with who signed in without saying who they are. */
export const SESSION_PREFIX = 'session:';
/** Each costs a megabyte at most; a machine has few names. */
const MAX_SERVERS = 20;

/** Puts together keys, sessions and the library. Nothing of it is loaded before somebody needs it. */
export function createAuthority(deps: AuthorityDeps): Authority {
  const { settings, sessions, keys, changes, onError } = deps;
  let loadedKeys: Promise<SigningKeys> | undefined;
  const servers = new Map<string, Promise<AuthorizationServer>>();
  const tokens = createAccessTokens({ loadKeys, sessions, onError });

  changes.subscribe((table, id) => {
    if (table === 'oauth_sessions') tokens.forget(id === '*' ? undefined : id);
    if (table === 'settings' && (id === SIGNING_KEY || id === '*')) forgetKeys();
  });

  function forgetKeys(): void {
    loadedKeys = undefined;
    servers.clear();
    tokens.forget();
  }

  function loadKeys(): Promise<SigningKeys> {
    loadedKeys ??= keys.load().catch((error: unknown) => {
      loadedKeys = undefined;
      throw error;
    });
    return loadedKeys;
  }

  /** The last answer: nearly all requests come to the same host. */
  let known: { readonly settings: unknown; readonly host: unknown; readonly issuer: string | undefined } | undefined;

  function issuerFor(headers: RequestHeaders): string | undefined {
    const current = settings();
    if (current.mcp_server_auth_mode === 'headers') return undefined;
    if (known?.settings !== current || known.host !== headers.host)
      known = { settings: current, host: headers.host, issuer: issuerOf(current, headers) };
    return known.issuer;
  }

  async function open(issuer: string): Promise<AuthorizationServer> {
    const { current } = await loadKeys();
    return openProvider(issuer, {
      ...deps,
      resource: resourceOf(issuer),
      key: current,
      config: () => settings().oauth2_server_config,
      beginSession: (session) => beginSession(deps, session),
      endGrant: async (grantId) => void (await endSession(deps, hashModelId(grantId))),
      isUsable: (principal) => callerBehind(principal, deps) !== undefined,
    });
  }

  return {
    issuerFor,
    loadKeys,
    async serverFor(headers) {
      const issuer = issuerFor(headers);
      if (issuer === undefined) throw new GatewayError('not_found', explainAbsence(settings()));
      let server = servers.get(issuer);
      if (server === undefined) {
        if (servers.size >= MAX_SERVERS) servers.clear();
        server = open(issuer);
        servers.set(issuer, server);
        server.catch(() => servers.delete(issuer));
      }
      return server;
    },
    tokenIn(headers) {
      const [, token] = /^bearer\s+(eyJ\S+)$/i.exec(String(headers.authorization ?? '')) ?? [];
      const issuer = token === undefined ? undefined : issuerFor(headers);
      return token !== undefined && issuer !== undefined && isTokenOf(token, issuer) ? token : undefined;
    },
    callerOf(token, headers) {
      const verified = tokens.verify(token, issuerFor(headers) ?? '');
      return verified instanceof Promise
        ? verified.then(({ principal }) => demandCaller(principal, deps))
        : demandCaller(verified.principal, deps);
    },
    challenge(headers) {
      const issuer = issuerFor(headers);
      if (issuer === undefined) return undefined;
      const error = headers.authorization === undefined ? '' : ', error="invalid_token"';
      return `Bearer resource_metadata="${metadataUrlOf(issuer)}", scope="${SCOPE}"${error}`;
    },
    async rotateKey() {
      const { access_token_ttl } = settings().oauth2_server_config;
      await keys.rotate(Date.now() + access_token_ttl * 1000);
      await changes.publish('settings', SIGNING_KEY);
    },
  };
}

/** Ends a session: its refresh token is gone, and no node takes its access tokens any more. False when there was none. */
export async function endSession(
  { database, models, sessions, changes }: Pick<AuthorityDeps, 'database' | 'models' | 'sessions' | 'changes'>,
  id: string,
  record: (tx: Parameters<Parameters<Database['transaction']>[0]>[0]) => Promise<void> = async () => {},
): Promise<boolean> {
  const wasThere = await database.transaction(async (tx) => {
    await models.with(tx).removeByGrant(id);
    const removed = await sessions.with(tx).remove(id);
    if (removed) await record(tx);
    return removed;
  });
  await changes.publish('oauth_sessions', id);
  return wasThere;
}

const CLIENT_GRACE_MS = 30 * 86_400_000;

function beginSession({ database, models, sessions }: AuthorityDeps, session: NewSession): Promise<boolean> {
  const { grantId, clientId, grantExpiresAt } = session;
  const now = Date.now();
  return database.transaction(async (tx) => {
    const stored = models.with(tx);
    if (!(await stored.prolong('Grant', grantId, grantExpiresAt))) return false;
    await stored.prolong('Client', clientId, grantExpiresAt + CLIENT_GRACE_MS);
    await sessions.with(tx).insert({
      id: hashModelId(grantId),
      client_id: clientId,
      client_name: session.clientName,
      principal: session.principal,
      scopes: session.scopes,
      created_at: now,
      last_used_at: now,
      expires_at: session.expiresAt,
    });
    return true;
  });
}

function demandCaller(principal: string, deps: AuthorityDeps): Caller {
  const caller = lookUp(principal, deps);
  if (caller === undefined)
    throw new GatewayError('unauthorized', 'whoever signed in is not known any more; sign in again');
  if (caller.key !== undefined) demandUsable(caller.key);
  return caller;
}

function callerBehind(principal: string, deps: AuthorityDeps): Caller | undefined {
  const caller = lookUp(principal, deps);
  return caller?.key === undefined || isUsable(caller.key) ? caller : undefined;
}

/** Looked up at every request, so that a key counts as it is now: switched off at once, rotated without a notice. */
function lookUp(principal: string, { policy, users, settings }: AuthorityDeps): Caller | undefined {
  // May call without a key only while everybody may.
  if (principal.startsWith(SESSION_PREFIX))
    return settings().enforce_auth_on_inference ? undefined : { ...ANONYMOUS, principal };
  if (principal.startsWith(USER_PREFIX)) return users?.callerOf(principal.slice(USER_PREFIX.length));
  const keyId = keyOfPrincipal(principal);
  return keyId === undefined ? undefined : policy.findCallerById(keyId);
}

function explainAbsence({ mcp_server_auth_mode }: ClientSettings): string {
  return mcp_server_auth_mode === 'headers'
    ? 'signing in with OAuth is off (mcp_server_auth_mode)'
    : 'the public address of this gateway is not known; set oauth2_server_config.issuer_url';
}
