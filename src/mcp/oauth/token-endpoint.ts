import { GatewayError } from '../../lib/errors.ts';
import { parseObject } from '../../lib/json-value.ts';
import { Secret } from '../../lib/secret.ts';
import type { OAuthConfig, OAuthServer } from '../../store/oauth-configs.ts';
import { authenticateClient } from './client-authentication.ts';
import { parseScopes } from './scopes.ts';
import { printable, type Trace, type TracedStep } from './trace.ts';
import { checkEndpoint } from './urls.ts';

/** What a token endpoint gave. */
export interface Granted {
  readonly access: Secret;
  /** Undefined when none was given: an older one goes on being good. */
  readonly refresh: Secret | undefined;
  readonly expires_at: number | undefined;
  /** Undefined when it did not say, which means "as asked for". */
  readonly scopes: readonly string[] | undefined;
}

interface GrantRequest {
  readonly config: Pick<OAuthConfig, 'client_id' | 'client_secret' | 'private_key' | 'token_endpoint_auth_method'>;
  readonly server: OAuthServer;
  readonly parameters: Readonly<Record<string, string | undefined>>;
  readonly about: TracedStep;
  readonly trace: Trace;
  readonly isExchange?: boolean;
}

/** What an authorization server says when the same request may succeed later. */
const TRANSIENT = new Set(['server_error', 'temporarily_unavailable', 'slow_down', 'authorization_pending']);

/** RFC 6749 §5.2, RFC 8707 §2. */
const FINAL = new Set([
  ...['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client', 'unsupported_grant_type'],
  ...['invalid_scope', 'invalid_target'],
]);
/** With any other status only those words count: a proxy or a router that is in the way has words of its own. */
const OF_TOKEN_ENDPOINTS = new Set([200, 400, 401]);

/** True where the authorization server knows the client no more, or not with this secret. */
export function isUnknownClient(error: unknown): boolean {
  return error instanceof GatewayError && error.details?.['oauth_error'] === 'invalid_client';
}

/**
 * One request to a token endpoint. Throws `upstream_refused` (with `details.oauth_error`) when it is no use to ask again, and
 * `upstream_unreachable` when it may be.
 */
export async function requestTokens({
  config,
  server,
  parameters,
  about,
  trace,
  isExchange = false,
}: GrantRequest): Promise<Granted> {
  const url = checkEndpoint(server.token_endpoint, 'token endpoint');
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== '') body.set(name, value);
  const headers = new Headers({ accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' });
  await authenticateClient(config, server, { headers, body });
  const { response, text, quote } = await trace.fetch(about, url, { method: 'POST', headers, body });
  const answer = readAnswer(response, text);
  // Some answer a refusal with 200.
  const error = typeof answer?.['error'] === 'string' ? answer['error'] : undefined;
  if (!response.ok || error !== undefined) {
    const description = quote(answer?.['error_description'], 200);
    throw refusal(response.status, error && quote(error, 60), description, url);
  }
  const kind = checkKind(answer ?? {}, isExchange ? parameters['requested_token_type'] : undefined, isExchange);
  return readGranted(answer ?? {}, url, kind);
}

/** JSON by the standard; older servers answer a form. */
function readAnswer(response: Response, text: string): Record<string, unknown> | undefined {
  const isForm = response.headers.get('content-type')?.includes('x-www-form-urlencoded') === true;
  return isForm ? Object.fromEntries(new URLSearchParams(text)) : parseObject(text);
}

function refusal(status: number, error: string | undefined, description: string, url: string): GatewayError {
  const { origin } = new URL(url);
  const isFinal =
    error !== undefined &&
    status < 500 &&
    status !== 429 &&
    !TRANSIENT.has(error) &&
    (OF_TOKEN_ENDPOINTS.has(status) || FINAL.has(error));
  if (!isFinal) return new GatewayError('upstream_unreachable', `${origin} gave no token (HTTP ${status})`);
  const said = description === '' ? error : `${error}: ${description}`;
  return new GatewayError('upstream_refused', `${origin} refused to give a token (${said})`, {
    details: { oauth_error: error },
  });
}

function readGranted(answer: Readonly<Record<string, unknown>>, url: string, wrong: string | undefined): Granted {
  const { access_token, refresh_token, expires_in, scope } = answer;
  const bad = (what: string): GatewayError =>
    new GatewayError('upstream_refused', `${new URL(url).origin} gave a token that cannot be used: ${what}`);
  if (typeof access_token !== 'string' || !/^[\x21-\x7e]+$/.test(access_token))
    throw bad('no access_token in the answer');
  if (wrong !== undefined) throw bad(wrong);
  // Absent says "not known", which must not be read as "over already".
  const seconds = Number(expires_in ?? Number.NaN);
  return {
    access: Secret.literal(access_token),
    refresh: typeof refresh_token === 'string' && refresh_token !== '' ? Secret.literal(refresh_token) : undefined,
    expires_at: seconds > 0 && seconds < 1e10 ? Date.now() + seconds * 1000 : undefined,
    scopes: typeof scope === 'string' ? parseScopes(scope) : undefined,
  };
}

/** What the RFC 8693 exchange needs. */
export interface ExchangeRequest {
  readonly server: OAuthServer;
  readonly config: Pick<OAuthConfig, 'client_id' | 'client_secret' | 'token_endpoint_auth_method'>;
  readonly subject_token: string;
  readonly subject_token_type: string;
  readonly requested_token_type: string;
  readonly audience: string | undefined;
  readonly resource: string | undefined;
  readonly scopes: readonly string[];
}

/** RFC 8693: the token of a caller for one that is good at a server. Nothing is stored. */
export function exchangeToken(
  { server, config, scopes, ...parameters }: ExchangeRequest,
  trace: Trace,
): Promise<Granted> {
  return requestTokens({
    config: { ...config, private_key: Secret.empty },
    server,
    parameters: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      ...parameters,
      scope: scopes.join(' '),
    },
    about: { step: 'token_exchange', rule: 'RFC 8693: token exchange' },
    trace,
    isExchange: true,
  });
}

/** Kinds of token that a server can be called with. */
const USABLE = new Set(
  ['access_token', 'jwt', 'id_token', 'id-jag'].map((name) => `urn:ietf:params:oauth:token-type:${name}`),
);

/** What an exchange gave may be something that no server takes (RFC 8693 §2.2.1). */
function checkKind(
  { issued_token_type: issued, token_type }: Readonly<Record<string, unknown>>,
  requested: string | undefined,
  isExchange: boolean,
): string | undefined {
  if (isExchange && typeof issued === 'string' && issued !== requested && !USABLE.has(issued))
    return `issued_token_type ${printable(issued, 80)}`;
  const isBearer =
    typeof token_type !== 'string' || token_type.toLowerCase() === 'bearer' || (isExchange && token_type === 'N_A');
  return isBearer ? undefined : `token_type ${printable(token_type, 20)}`;
}
