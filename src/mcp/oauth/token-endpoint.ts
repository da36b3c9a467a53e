import { GatewayError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import type { OAuthConfig, OAuthServer } from '../../store/oauth-configs.ts';
import { authenticateClient } from './client-authentication.ts';
import type { ExchangedToken, ExchangeRequest } from './oauth.ts';
import { parseScopes } from './scopes.ts';
import { parseObject, printable, type Trace, type TracedStep } from './trace.ts';
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
}

/** What an authorization server says when the same request may succeed later. */
const TRANSIENT = new Set(['server_error', 'temporarily_unavailable', 'slow_down', 'authorization_pending']);

/**
 * One request to a token endpoint. Throws `upstream_refused` (with `details.oauth_error`) when it is no use to ask again, and
 * `upstream_unreachable` when it may be.
 */
export async function requestTokens({ config, server, parameters, about, trace }: GrantRequest): Promise<Granted> {
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
  return readGranted(answer ?? {}, url);
}

/** JSON by the standard; older servers answer a form. */
function readAnswer(response: Response, text: string): Record<string, unknown> | undefined {
  const isForm = response.headers.get('content-type')?.includes('x-www-form-urlencoded') === true;
  return isForm ? Object.fromEntries(new URLSearchParams(text)) : parseObject(text);
}

function refusal(status: number, error: string | undefined, description: string, url: string): GatewayError {
  const { origin } = new URL(url);
  const isFinal = error !== undefined && status < 500 && status !== 429 && !TRANSIENT.has(error);
  if (!isFinal) return new GatewayError('upstream_unreachable', `${origin} gave no token (HTTP ${status})`);
  const said = description === '' ? error : `${error}: ${description}`;
  return new GatewayError('upstream_refused', `${origin} refused to give a token (${said})`, {
    details: { oauth_error: error },
  });
}

function readGranted(answer: Readonly<Record<string, unknown>>, url: string): Granted {
  const { access_token, refresh_token, token_type, expires_in, scope } = answer;
  const bad = (what: string): GatewayError =>
    new GatewayError('upstream_refused', `${new URL(url).origin} gave a token that cannot be used: ${what}`);
  if (typeof access_token !== 'string' || !/^[\x21-\x7e]+$/.test(access_token))
    throw bad('no access_token in the answer');
  if (typeof token_type === 'string' && token_type.toLowerCase() !== 'bearer')
    throw bad(`token_type ${printable(token_type, 20)}`);
  // Absent says "not known", which must not be read as "over already".
  const seconds = Number(expires_in ?? Number.NaN);
  return {
    access: Secret.literal(access_token),
    refresh: typeof refresh_token === 'string' && refresh_token !== '' ? Secret.literal(refresh_token) : undefined,
    expires_at: seconds > 0 && seconds < 1e10 ? Date.now() + seconds * 1000 : undefined,
    scopes: typeof scope === 'string' ? parseScopes(scope) : undefined,
  };
}

/** RFC 8693: the token of a caller for one that is good at a server. */
export async function exchangeToken(request: ExchangeRequest, trace: Trace): Promise<ExchangedToken> {
  const { token_url, client_id, client_secret, subject_token, subject_token_type, audience, resource, scopes } =
    request;
  const { origin } = new URL(checkEndpoint(token_url, 'token endpoint'));
  const server: OAuthServer = {
    issuer: origin,
    isVerified: false,
    authorization_endpoint: undefined,
    token_endpoint: token_url,
    registration_endpoint: undefined,
    scopes_supported: [],
    token_endpoint_auth_methods_supported: undefined,
    client_id_metadata_document_supported: false,
    authorization_response_iss_parameter_supported: false,
  };
  const granted = await requestTokens({
    config: {
      client_id,
      client_secret: Secret.literal(client_secret),
      private_key: Secret.empty,
      token_endpoint_auth_method: undefined,
    },
    server,
    parameters: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token,
      subject_token_type: subject_token_type ?? 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience,
      resource,
      scope: scopes?.join(' '),
    },
    about: { step: 'token_exchange', rule: 'RFC 8693: token exchange' },
    trace,
  });
  return { access: granted.access.resolve(), expires_at: granted.expires_at, scopes: granted.scopes ?? scopes ?? [] };
}
