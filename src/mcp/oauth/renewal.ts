import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../lib/errors.ts';
import { freeze } from '../../lib/freeze.ts';
import { backOff } from '../../lib/time.ts';
import type { Changes } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import type { OAuthConfig } from '../../store/oauth-configs.ts';
import { keptRegistration, type RegisteredClient } from '../../store/oauth-registrations.ts';
import type { OAuthToken } from '../../store/oauth-tokens.ts';
import type { OAuthStore } from '../../store/oauth.ts';
import type { FetchFor } from './fetch.ts';
import { unionScopes } from './scopes.ts';
import type { TokenBook } from './token-book.ts';
import { isUnknownClient, requestTokens, type Granted } from './token-endpoint.ts';
import { createTrace, type Trace } from './trace.ts';

/** Gets new tokens for old ones. */
export interface Renewal {
  /**
   * A token to use instead of this one, which is expired or was refused. Callers that come together get the same. Throws
   * `upstream_refused` when somebody has to sign in (the token is marked then), `upstream_unreachable` when it may work later.
   */
  renew(token: OAuthToken): Promise<OAuthToken>;
  canRenew(token: OAuthToken): boolean;
  /** Returns when all that is asked for is stored, or nothing more can be expected soon: what was spent for it is lost otherwise. */
  settled(): Promise<void>;
  /** False when it is another one by now. */
  markForReauth(token: OAuthToken, reason: string): Promise<boolean>;
  /** The same for all tokens of its sign-in, those to come of a renewal that is under way too. False when somebody signed in again. */
  endSignIn(token: OAuthToken, reason: string): Promise<boolean>;
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

/** At one authorization server: one that hangs holds up no other. On PostgreSQL each has a connection of its own meanwhile. */
const MAX_AT_ONCE = 3;
/** A gateway that ends waits for so long. */
const ENDING_MS = 10_000;

export function createRenewal(deps: Deps): Renewal {
  const { database, store, book, changes, onError } = deps;
  const running = new Map<string, Promise<OAuthToken>>();
  const failures = new Map<string, Failure>();
  /** What was got but could not be stored, by the id of the token: its refresh token may be spent. */
  const unsaved = new Map<string, { readonly before: OAuthToken; readonly answer: Answer }>();
  const withPermit = createPermits(MAX_AT_ONCE);

  async function run(stale: OAuthToken): Promise<OAuthToken> {
    const trace = createTrace(deps.fetchFor(stale.resource));
    const { id } = stale;
    let isRenewed = false;
    try {
      const outcome = await renewInTurn(stale, trace);
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

  /**
   * The lock keeps other processes from spending the same refresh token, which would revoke them all. No transaction around the
   * request: on SQLite it would stop everybody, on PostgreSQL it would take a connection from calls.
   */
  async function renewInTurn(stale: OAuthToken, trace: Trace): Promise<Outcome | undefined> {
    await using _turn = await database.dialect.lock(`oauth_tokens:${stale.id}`, true);
    const before = await store.tokens.find(stale.id);
    if (before === undefined) return undefined;
    // Another process was faster.
    if (!before.access.equals(stale.access) && before.status === 'active') return { token: before };
    const answer = await answerFor(before, trace);
    if (!('error' in answer)) unsaved.set(stale.id, { before, answer });
    const outcome = await database.transaction(async (tx) => {
      const { tokens } = store.with(tx);
      const now = await tokens.lock(stale.id, database.dialect);
      if (now === undefined || now.config_id !== before.config_id) return undefined;
      // Somebody signed in again meanwhile: that is the better token.
      if (!now.access.equals(before.access)) return { token: now };
      const next = 'error' in answer ? { token: refuse(now, answer.error.message), ...answer } : apply(now, answer);
      await tokens.update(next.token);
      return next;
    });
    unsaved.delete(stale.id);
    return outcome;
  }

  async function answerFor(token: OAuthToken, trace: Trace): Promise<Answer | Refusal> {
    const kept = unsaved.get(token.id);
    if (kept?.before.access.equals(token.access) === true) return kept.answer;
    const config = await store.configs.find(token.config_id);
    try {
      return await ask(token, config, trace);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'upstream_refused') throw error;
      if (config !== undefined && isUnknownClient(error)) {
        await store.configs.forgetRegistration(config.id, (token.registration ?? config).client_id);
        await changes.publish('oauth_configs', config.id);
      }
      return { error };
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
      const fresh = withPermit(token.issuer, () => run(token))
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

    async settled() {
      const limit = new AbortController();
      const late = sleep(ENDING_MS, undefined, { signal: limit.signal }).catch(() => undefined);
      await Promise.race([Promise.allSettled(running.values()), late]);
      limit.abort();
    },

    async markForReauth(token, reason) {
      const isMarked = await store.tokens.demandReauth(token, reason);
      await changes.publish('oauth_tokens', token.id);
      return isMarked;
    },

    async endSignIn({ id, created_at }, reason) {
      const isOver = await database.transaction(async (tx) => {
        const { tokens } = store.with(tx);
        const now = await tokens.lock(id, database.dialect);
        if (now?.created_at !== created_at) return false;
        if (now.status === 'active') await tokens.update(refuse(now, reason));
        return true;
      });
      await changes.publish('oauth_tokens', id);
      return isOver;
    },
  };
}

interface Outcome {
  readonly token: OAuthToken;
  readonly error?: GatewayError;
}

/** What a token becomes. */
interface Answer {
  readonly granted: Granted;
  /** To whom it was given. */
  readonly registration: RegisteredClient | undefined;
}

interface Refusal {
  readonly error: GatewayError;
}

function gone(): GatewayError {
  return new GatewayError('upstream_refused', 'the credential was removed');
}

async function ask(token: OAuthToken, config: OAuthConfig | undefined, trace: Trace): Promise<Answer> {
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
    return { granted: await requestTokens(asked), registration: undefined };
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
  return { granted: await requestTokens({ ...asked, trace }), registration };
}

function apply(token: OAuthToken, { granted, registration }: Answer): Outcome {
  const { access, refresh, expires_at, scopes } = granted;
  const now = stamp(token);
  return {
    token: freeze({
      ...token,
      access,
      refresh: refresh ?? token.refresh,
      registration,
      expires_at,
      scopes: scopes ?? unionScopes(token.scopes),
      last_refreshed_at: now,
      updated_at: now,
    }),
  };
}

function refuse(token: OAuthToken, reason: string): OAuthToken {
  return freeze({ ...token, status: 'needs_reauth', status_reason: reason, updated_at: stamp(token) });
}

/** Always later than before: it is what tells two versions of a token apart. */
function stamp({ updated_at }: OAuthToken): number {
  return Math.max(Date.now(), updated_at + 1);
}

/** Lets so many of each kind run at once; the others wait in line. */
function createPermits(limit: number): <T>(kind: string, run: () => Promise<T>) => Promise<T> {
  const lines = new Map<string, { taken: number; readonly waiting: (() => void)[] }>();
  return async (kind, run) => {
    const line = lines.get(kind) ?? { taken: 0, waiting: [] };
    lines.set(kind, line);
    if (line.taken < limit) line.taken += 1;
    else await new Promise<void>((resolve) => line.waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = line.waiting.shift();
      if (next === undefined) line.taken -= 1;
      else next();
      if (line.taken === 0) lines.delete(kind);
    }
  };
}
