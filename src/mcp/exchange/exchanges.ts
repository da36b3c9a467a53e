import { hash } from 'node:crypto';
import type { OidcOptions } from '../../contract/auth.ts';
import type { OAuthTraceStep } from '../../contract/oauth.ts';
import { GatewayError, messageOf } from '../../lib/errors.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { FetchFor } from '../oauth/fetch.ts';
import { exchangeToken, type Granted } from '../oauth/token-endpoint.ts';
import type { Trace } from '../oauth/trace.ts';
import type { CallerHeaders } from '../relay/forwarded-headers.ts';
import type { Auth } from '../transport/auth.ts';
import { createPlans, demand, type Plan } from './plan.ts';
import { createProviders } from './provider.ts';
import { createSubjects, SubjectRefused, subjectTokenIn, type Subject } from './subject-token.ts';
import { createTokenCache, type Kept } from './token-cache.ts';

/** Why there is no token for a caller, for the one who words the refusal. */
export interface ExchangeProblem {
  readonly client: McpClient;
  /** `subject`: the caller's token is no good. `exchange`: the provider gives none for it. */
  readonly step: 'subject' | 'exchange';
  readonly reason: string;
}

/** The credential of one caller for one server. */
export interface ExchangedCredential {
  /** Nobody else has it, and nobody has it with another token or after a change of the settings. */
  readonly key: string;
  readonly subject: Subject;
  readonly auth: Auth;
  readonly secrets: () => readonly string[];
}

interface Bearer {
  readonly client: McpClient;
  readonly token: string;
  /** Tells callers apart, beside their tokens. */
  readonly caller: string;
  readonly refuse: (problem: ExchangeProblem) => GatewayError;
}

/** RFC 8693: tokens of callers for such as servers take. They are in memory alone, each for its own caller. */
export interface Exchanges {
  /** The header in which callers send their token, and the token if it is there. */
  tokenIn(client: McpClient, headers: CallerHeaders): { readonly header: string; readonly token: string | undefined };
  /** Checks the token of a caller. It is exchanged when the credential is first used. */
  credentialOf(bearer: Bearer): Promise<ExchangedCredential>;
  /** Throws `upstream_refused` unless the provider can be found and has keys. */
  check(client: McpClient): Promise<void>;
  /** The identity provider of a server; undefined where none is configured. */
  issuerOf(client: McpClient): string | undefined;
  /** What `check` does, step by step. */
  diagnose(client: McpClient, trace: Trace): Promise<void>;
  /** The steps of the latest exchange for this server by this process. */
  traceOf(client_id: string): readonly OAuthTraceStep[];
}

interface Deps {
  readonly fetchFor: FetchFor;
  readonly idp: OidcOptions | undefined;
}

/** A token that is refused so soon after the one before was: another exchange does not help. */
const TRUST_MS = 60_000;

export function createExchanges({ fetchFor, idp }: Deps): Exchanges {
  const planOf = createPlans(idp);
  const providers = createProviders(fetchFor);
  const verify = createSubjects(providers.get);
  const cache = createTokenCache();
  const traces = new Map<string, readonly OAuthTraceStep[]>();

  async function exchange(plan: Plan, client: McpClient, subject: Subject): Promise<Granted> {
    const { server } = await providers.get(plan);
    const trace = providers.traceAt(plan.provider.token_url ?? plan.provider.issuer);
    traces.set(client.client_id, trace.steps);
    demand('client_secret', plan.gateway.client_secret);
    const { type: subject_token_type } = plan.subject;
    return exchangeToken(
      { server, config: plan.gateway, subject_token: subject.token, subject_token_type, ...plan.wanted },
      trace,
    );
  }

  async function ask(plan: Plan, subject: Subject, bearer: Bearer, renewedAt?: number): Promise<Kept> {
    const { client, refuse } = bearer;
    if (subject.expiresAt <= Date.now()) throw refuse({ client, step: 'subject', reason: 'it has expired' });
    const granted = await exchange(plan, client, subject).catch((error: unknown) => {
      throw explainRefusal(error, bearer);
    });
    const token = granted.access.resolve();
    // Where it is not said how long a token lasts, no longer than what it was given for.
    const expiresAt = granted.expires_at ?? subject.expiresAt;
    return { token, headers: Object.freeze({ authorization: `Bearer ${token}` }), expiresAt, renewedAt };
  }

  function authOf(plan: Plan, subject: Subject, bearer: Bearer, key: string): Auth {
    const get = (renewedAt?: number) => cache.get(key, () => ask(plan, subject, bearer, renewedAt));
    return {
      headers() {
        const kept = get();
        return kept instanceof Promise ? kept.then(({ headers }) => headers) : kept.headers;
      },
      async refused({ status }, sent, isSecond = false) {
        if (status !== 401) return false;
        const kept = await get();
        // Another request was refused before, and the token is a new one already.
        if (!isSecond && kept.headers['authorization'] !== sent['authorization']) return true;
        cache.drop(key, kept);
        const isFresh = performance.now() - (kept.renewedAt ?? -Infinity) < TRUST_MS;
        if (isSecond || isFresh) throw refusedTwice(bearer.client);
        await get(performance.now());
        return true;
      },
    };
  }

  return {
    tokenIn(client, headers) {
      const plan = planOf(client);
      return { header: plan.subject.header, token: subjectTokenIn(headers, plan) };
    },

    async credentialOf(bearer) {
      const { client, token, caller, refuse } = bearer;
      const plan = planOf(client);
      const subject = await verify(plan, token).catch((error: unknown) => {
        throw error instanceof SubjectRefused ? refuse({ client, step: 'subject', reason: error.message }) : error;
      });
      const key = hash('sha256', JSON.stringify([plan.fingerprint, caller, subject.id]));
      const auth = authOf(plan, subject, bearer, key);
      return { key, subject, auth, secrets: () => [subject.token, ...cache.recent(key)] };
    },

    async check(client) {
      const plan = planOf(client);
      demand('client_secret', plan.gateway.client_secret);
      try {
        const provider = await providers.ask(plan, providers.traceAt(plan.provider.issuer));
        await provider.keys.reload();
      } catch (error) {
        const code = error instanceof GatewayError && error.code === 'egress_blocked' ? error.code : 'upstream_refused';
        const message = `token_exchange: the identity provider cannot be used: ${messageOf(error)}`;
        throw new GatewayError(code, message, { cause: error });
      }
    },

    issuerOf: ({ token_exchange: settings }) =>
      settings?.use_idp_credentials === true ? idp?.issuer : settings?.authorization_server_url,

    async diagnose(client, trace) {
      const plan = planOf(client);
      demand('client_secret', plan.gateway.client_secret);
      const { jwks_url } = await providers.ask(plan, trace);
      await trace.fetch({ step: 'jwks', rule: 'RFC 7517: the keys that callers’ tokens are signed with' }, jwks_url);
    },

    traceOf: (client_id) => traces.get(client_id) ?? [],
  };
}

/** What an administrator has to put right; anything else is about the caller's token. */
const OURS = new Set(['invalid_client', 'unauthorized_client', 'unsupported_grant_type']);

function explainRefusal(error: unknown, { client, refuse }: Bearer): unknown {
  if (!(error instanceof GatewayError)) return error;
  const message = `token exchange for ${client.name}: ${error.message}`;
  const details = { step: 'token_exchange', mcp_client_id: client.client_id, ...error.details };
  if (error.code !== 'upstream_refused') return new GatewayError(error.code, message, { cause: error, details });
  const said = error.details?.['oauth_error'];
  if (typeof said === 'string' && !OURS.has(said)) return refuse({ client, step: 'exchange', reason: error.message });
  return new GatewayError('upstream_unauthorized', message, { details });
}

function refusedTwice({ name, client_id }: McpClient): GatewayError {
  const message = `${name} refused the token that was exchanged for the caller, and a new one as well`;
  return new GatewayError('upstream_unauthorized', message, { details: { step: 'server', mcp_client_id: client_id } });
}
