import { GatewayError } from '../../lib/errors.ts';
import { freeze } from '../../lib/freeze.ts';
import { backOff } from '../../lib/time.ts';
import type { Changes } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import type { OAuthConfig } from '../../store/oauth-configs.ts';
import { keptRegistration } from '../../store/oauth-registrations.ts';
import type { OAuthToken } from '../../store/oauth-tokens.ts';
import type { OAuthStore } from '../../store/oauth.ts';
import type { FetchFor } from './fetch.ts';
import { unionScopes } from './scopes.ts';
import type { TokenBook } from './token-book.ts';
import { requestTokens, type Granted } from './token-endpoint.ts';
import { createTrace, type Trace } from './trace.ts';

/** Gets new tokens for old ones. */
export interface Renewal {
  /**
   * A token to use instead of this one, which is expired or was refused. Callers that come together get the same. Throws
   * `upstream_refused` when somebody has to sign in (the token is marked then), `upstream_unreachable` when it may work later.
   */
  renew(token: OAuthToken): Promise<OAuthToken>;
  canRenew(token: OAuthToken): boolean;
  markForReauth(token: OAuthToken, reason: string): Promise<void>;
}

interface Deps {
  readonly database: Pick<Database, 'transaction' | 'dialect'>;
  readonly store: OAuthStore;
  readonly book: TokenBook;
  readonly changes: Pick<Changes, 'publish'>;
  readonly fetchFor: FetchFor;
  readonly onError: (error: unknown) => void;
}

interface Failure {
  readonly attempt: number;
  /** By `performance.now()`. */
  readonly until: number;
  readonly error: unknown;
}

/** Each renewal holds a connection of the pool on PostgreSQL, which calls need too. */
const MAX_AT_ONCE = 3;

export function createRenewal(deps: Deps): Renewal {
  const { database, store, book, changes, onError } = deps;
  const running = new Map<string, Promise<OAuthToken>>();
  const failures = new Map<string, Failure>();
  const withPermit = createPermits(MAX_AT_ONCE);

  async function run(stale: OAuthToken): Promise<OAuthToken> {
    const trace = createTrace(deps.fetchFor(stale.resource));
    const { id } = stale;
    let isRenewed = false;
    try {
      const outcome =
        database.dialect.type === 'postgres'
          ? // The lock keeps other processes from spending the same refresh token, which would revoke them all.
            await database.transaction(async (tx) => {
              const stored = store.with(tx);
              const token = await stored.tokens.lock(id, database.dialect);
              const next = await replace(stale, token, trace);
              if (next !== undefined && 'token' in next) await stored.tokens.update(next.token);
              return next;
            })
          : await renewInTurn(stale, trace);
      if (outcome === undefined) throw gone();
      await changes.publish('oauth_tokens', id);
      if ('error' in outcome) throw outcome.error;
      failures.delete(id);
      isRenewed = true;
      return outcome.token;
    } finally {
      // Of the tokens of persons only the failures: each refresh would else be a write that nobody reads.
      if (stale.identity === '' || !isRenewed) void keepTrace(stale.config_id, trace).catch(onError);
    }
  }

  /** SQLite has one connection and one writer: a transaction around the request would stop everybody. */
  async function renewInTurn(stale: OAuthToken, trace: Trace): Promise<Outcome | undefined> {
    await using _turn = await database.dialect.lock(`oauth_tokens:${stale.id}`, true);
    const before = await store.tokens.find(stale.id);
    const next = await replace(stale, before, trace);
    if (next === undefined || before === undefined) return undefined;
    return database.transaction(async (tx) => {
      const { tokens } = store.with(tx);
      const now = await tokens.find(stale.id);
      if (now === undefined) return undefined;
      // Somebody signed in again meanwhile: that is the better token.
      if (!now.access.equals(before.access)) return { token: now };
      await tokens.update(next.token);
      return next;
    });
  }

  /** What is to be stored instead; `error` when it is the mark that nothing helps. */
  async function replace(stale: OAuthToken, token: OAuthToken | undefined, trace: Trace): Promise<Outcome | undefined> {
    if (token === undefined) return undefined;
    // Another process was faster.
    if (!token.access.equals(stale.access) && token.status === 'active') return { token };
    try {
      return { token: await ask(token, await store.configs.find(token.config_id), trace) };
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'upstream_refused') throw error;
      return { token: refuse(token, error.message), error };
    }
  }

  async function keepTrace(config_id: string, trace: Trace): Promise<void> {
    const steps = (await store.configs.loadTrace(config_id)).filter(({ step }) => step !== 'refresh');
    await store.configs.saveTrace(config_id, [...steps, ...trace.steps]);
  }

  return {
    canRenew: (token) => token.refresh.isSet || book.config(token.config_id)?.grant_type === 'client_credentials',

    renew(token) {
      const known = running.get(token.id);
      if (known !== undefined) return known;
      const failure = failures.get(token.id);
      if (failure !== undefined && failure.until > performance.now()) return Promise.reject(failure.error);
      const fresh = withPermit(() => run(token))
        .catch((error: unknown) => {
          if (error instanceof GatewayError && error.code === 'upstream_refused') failures.delete(token.id);
          else {
            const attempt = (failure?.attempt ?? -1) + 1;
            failures.set(token.id, { attempt, until: performance.now() + backOff(attempt), error });
          }
          throw error;
        })
        .finally(() => running.delete(token.id));
      running.set(token.id, fresh);
      return fresh;
    },

    async markForReauth({ id }, reason) {
      await store.tokens.setStatus([id], 'needs_reauth', reason);
      await changes.publish('oauth_tokens', id);
    },
  };
}

interface Outcome {
  readonly token: OAuthToken;
  readonly error?: GatewayError;
}

function gone(): GatewayError {
  return new GatewayError('upstream_refused', 'the credential was removed');
}

async function ask(token: OAuthToken, config: OAuthConfig | undefined, trace: Trace): Promise<OAuthToken> {
  const { server } = config ?? {};
  if (config === undefined || server === undefined || config.status === 'revoked') throw gone();
  if (config.issuer !== token.issuer) {
    throw new GatewayError(
      'upstream_refused',
      `the authorization server changed from ${token.issuer} to ${config.issuer}`,
    );
  }
  const about = { step: 'refresh', hint: 'Sign in again if this goes on' };
  if (config.grant_type === 'client_credentials') {
    const scope = unionScopes(token.scopes, token.wanted_scopes).join(' ');
    const parameters = { grant_type: 'client_credentials', scope, resource: token.resource };
    const asked = { config, server, parameters, about: { ...about, rule: 'RFC 6749 §4.4' }, trace };
    return applyGrant(token, await requestTokens(asked));
  }
  if (!token.refresh.isSet)
    throw new GatewayError('upstream_refused', 'the token is over and there is no refresh token');
  const parameters = {
    grant_type: 'refresh_token',
    refresh_token: token.refresh.resolve(),
    resource: token.resource,
  };
  const registration = token.registration ?? keptRegistration(config);
  const asked = {
    config: { ...config, ...registration },
    server,
    parameters,
    about: { ...about, rule: 'RFC 6749 §6' },
  };
  return applyGrant({ ...token, registration }, await requestTokens({ ...asked, trace }));
}

function applyGrant(token: OAuthToken, { access, refresh, expires_at, scopes }: Granted): OAuthToken {
  const now = stamp(token);
  return freeze({
    ...token,
    access,
    refresh: refresh ?? token.refresh,
    expires_at,
    scopes: scopes ?? unionScopes(token.scopes),
    status: 'active',
    status_reason: undefined,
    last_refreshed_at: now,
    updated_at: now,
  });
}

function refuse(token: OAuthToken, reason: string): OAuthToken {
  return freeze({ ...token, status: 'needs_reauth', status_reason: reason, updated_at: stamp(token) });
}

/** Always later than before: it is what tells two versions of a token apart. */
function stamp({ updated_at }: OAuthToken): number {
  return Math.max(Date.now(), updated_at + 1);
}

/** Lets so many run at once; the others wait in line. */
function createPermits(limit: number): <T>(run: () => Promise<T>) => Promise<T> {
  let free = limit;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
