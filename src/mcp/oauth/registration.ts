import { GatewayError } from '../../lib/errors.ts';
import { parseObject } from '../../lib/json-value.ts';
import { Secret } from '../../lib/secret.ts';
import type { OAuthConfig, OAuthServer } from '../../store/oauth-configs.ts';
import { lacksScope } from './scopes.ts';
import type { Trace } from './trace.ts';
import { isLoopback } from './urls.ts';

/** As whom the gateway speaks to one authorization server. */
export type Registration = Pick<
  OAuthConfig,
  | 'issuer'
  | 'client_id'
  | 'client_secret'
  | 'registration'
  | 'registered_redirect_uri'
  | 'registered_scopes'
  | 'client_secret_expires_at'
  | 'token_endpoint_auth_method'
>;

interface RegisterOptions {
  readonly config: OAuthConfig;
  readonly server: OAuthServer;
  readonly redirectUri: string;
  /** Where our own client id metadata document can be read; undefined when it cannot. */
  readonly documentUrl: string | undefined;
  readonly scopes: readonly string[];
  readonly trace: Trace;
}

export const CLIENT_NAME = 'Asbru MCP gateway';

/** Given, then by metadata document, then dynamic: as MCP orders them. Credentials of one issuer are never shown to another. */
export async function register(options: RegisterOptions): Promise<Registration> {
  const { config, server, documentUrl, trace } = options;
  if (config.registration === 'given') return keepGiven(config, server, trace);
  if (isStillGood(options)) {
    trace.note({ step: 'registration', outcome: 'ok', detail: `registered already (${config.registration})` });
    return config;
  }
  const isPublicClient = config.grant_type === 'authorization_code';
  if (isPublicClient && server.client_id_metadata_document_supported && documentUrl !== undefined) {
    trace.note({ step: 'registration', outcome: 'ok', detail: `by client id metadata document ${documentUrl}` });
    return {
      issuer: server.issuer,
      client_id: documentUrl,
      client_secret: Secret.empty,
      registration: 'cimd',
      registered_redirect_uri: undefined,
      registered_scopes: undefined,
      client_secret_expires_at: undefined,
      token_endpoint_auth_method: 'none',
    };
  }
  if (isPublicClient && server.registration_endpoint !== undefined) {
    return registerDynamically(options, server.registration_endpoint);
  }
  throw trace.fail(
    {
      step: 'registration',
      rule: 'MCP: pre-registered, then client id metadata document, then dynamic registration',
      hint: 'Register the gateway there yourself and give oauth_config.client_id (and client_secret)',
    },
    `the authorization server ${server.issuer} does not let clients register themselves`,
  );
}

function keepGiven(config: OAuthConfig, server: OAuthServer, trace: Trace): Registration {
  if (config.issuer === undefined || config.issuer === server.issuer) {
    trace.note({ step: 'registration', outcome: 'ok', detail: 'the client id is given' });
    return { ...config, issuer: server.issuer };
  }
  throw trace.fail(
    {
      step: 'registration',
      rule: 'MCP: credentials of one authorization server must never be used at another',
      hint: 'If this is intended, register there and give a new oauth_config',
    },
    `the server now names the authorization server ${server.issuer}; client_id belongs to ${config.issuer}`,
  );
}

function isStillGood({ config, server, redirectUri, documentUrl, scopes }: RegisterOptions): boolean {
  if (config.client_id === undefined || config.issuer !== server.issuer) return false;
  if (config.registration === 'cimd') return config.client_id === documentUrl;
  // A step-up may want what the registration did not name, and would be refused.
  if (config.registered_scopes !== undefined && lacksScope(config.registered_scopes, scopes)) return false;
  const ends = config.client_secret_expires_at;
  return config.registered_redirect_uri === redirectUri && (ends === undefined || ends > Date.now() + 60_000);
}

/** RFC 7591. */
async function registerDynamically(options: RegisterOptions, endpoint: string): Promise<Registration> {
  const { server, redirectUri, scopes, trace } = options;
  const method = authMethod(server);
  const about = {
    step: 'registration',
    rule: 'RFC 7591: dynamic client registration',
    hint: 'Register the gateway there yourself and give oauth_config.client_id',
  };
  const { response, text, quote } = await trace.fetch(about, endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({
      ...clientMetadata(redirectUri),
      token_endpoint_auth_method: method,
      ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    }),
  });
  const answer = parseObject(text);
  const { client_id, client_secret, client_secret_expires_at: ends, token_endpoint_auth_method: agreed } = answer ?? {};
  if (!response.ok || typeof client_id !== 'string' || client_id === '') {
    const words = [quote(answer?.['error'], 60), quote(answer?.['error_description'], 200)].filter(
      (text) => text !== '',
    );
    const said = words.length === 0 ? '' : ` (${words.join(': ')})`;
    throw new GatewayError('upstream_refused', `${endpoint} did not register the gateway${said}. ${about.hint}`);
  }
  return {
    issuer: server.issuer,
    client_id,
    client_secret: typeof client_secret === 'string' ? Secret.literal(client_secret) : Secret.empty,
    registration: 'dynamic',
    registered_redirect_uri: redirectUri,
    registered_scopes: scopes.length === 0 ? undefined : scopes,
    // Zero says "never".
    client_secret_expires_at: typeof ends === 'number' && ends > 0 ? ends * 1000 : undefined,
    token_endpoint_auth_method: isMethod(agreed) ? agreed : typeof client_secret === 'string' ? undefined : 'none',
  };
}

/** What the gateway says of itself, registered or published. */
export function clientMetadata(redirectUri: string): Record<string, unknown> {
  return {
    client_name: CLIENT_NAME,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    // OpenID providers refuse a loopback address for "web" and an https one for "native" (SEP-837).
    application_type: isLoopback(new URL(redirectUri)) ? 'native' : 'web',
  };
}

type DynamicMethod = 'none' | 'client_secret_basic' | 'client_secret_post';

function isMethod(value: unknown): value is DynamicMethod {
  return value === 'none' || value === 'client_secret_basic' || value === 'client_secret_post';
}

/** No secret where none is needed: PKCE protects the code, and there is less to keep. */
function authMethod({ token_endpoint_auth_methods_supported: supported }: OAuthServer): DynamicMethod {
  if (supported === undefined || supported.includes('none')) return 'none';
  return supported.includes('client_secret_basic') || !supported.includes('client_secret_post')
    ? 'client_secret_basic'
    : 'client_secret_post';
}
