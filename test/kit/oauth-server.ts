import { generateKeyPairSync } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createLocalJWKSet, jwtVerify, type JWTPayload } from 'jose';
import { Provider, type ClientMetadata, type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import { listenOnLoopback } from './http-host.ts';
import { createOidcAdapter } from './oidc-adapter.ts';

/** How a test authorization server is set up. Everything but the scopes and clients may be changed while it runs. */
export interface OAuthServerOptions {
  /** Clients that are registered already. */
  readonly clients?: readonly ClientMetadata[];
  readonly allowsRegistration?: boolean;
  readonly allowsCimd?: boolean;
  /** Client id metadata documents by address: nothing here is really https. */
  readonly documents?: Readonly<Record<string, object>>;
  readonly rotatesRefreshTokens?: boolean;
  /** Seconds. */
  readonly accessTokenTtl?: number;
  readonly scopes?: readonly string[];
  /** Announces PKCE; a server that does not must be refused. */
  readonly announcesPkce?: boolean;
  readonly announcesIss?: boolean;
  /** How clients may authenticate; all ways unless said. */
  readonly clientAuthMethods?: readonly ('none' | 'client_secret_basic' | 'client_secret_post')[];
}

/** A real authorization server (oidc-provider) on the loopback, and the person who signs in there. */
export interface OAuthServer extends AsyncDisposable {
  readonly issuer: string;
  /** One line per request to an endpoint: "POST /token refresh_token". */
  readonly requests: readonly string[];
  /** The parameters of the latest request to the token endpoint. */
  readonly tokenRequests: readonly URLSearchParams[];
  /** Who signs in, and whether they consent. */
  user: string;
  consents: boolean;
  /** What the server sends as `iss` in its answers; undefined leaves it out. */
  iss: string | undefined;
  /** Answers the token endpoint with this status, as a server in trouble does. */
  tokenFault: number | undefined;
  /** What it says then. */
  tokenFaultBody: string;
  /** The token endpoint answers when this has settled. */
  tokenGate: Promise<void> | undefined;
  /** Plays the browser: opens the address, signs in, consents, and gives where it is sent back to in the end. */
  browse(address: string): Promise<URL>;
  /** The claims of an access token for this audience; throws for any other token. */
  verify(token: string, audience: string): Promise<JWTPayload>;
  /** Withdraws everything that the user ever granted. */
  revokeAll(): Promise<void>;
  /** Knows no client any more that registered itself, as after a restart without its memory. */
  forgetClients(): Promise<void>;
  count(line: string): number;
}

const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const JWK = { ...KEY.privateKey.export({ format: 'jwk' }), kid: 'test', use: 'sig', alg: 'ES256' };
const { d: _, ...PUBLIC_JWK } = JWK;

/** Starts an authorization server on a free loopback port. */
export async function startOAuthServer(options: OAuthServerOptions = {}): Promise<OAuthServer> {
  let listener: RequestListener = (_request, response) => response.writeHead(503).end();
  const host = await listenOnLoopback((request, response) => listener(request, response));
  const issuer = host.origin;
  const requests: string[] = [];
  const tokenRequests: URLSearchParams[] = [];
  const grants = new Set<string>();
  const adapter = createOidcAdapter();
  const registered = new Set<string>();
  const provider = new Provider(issuer, configuration(options, adapter));
  provider.on('registration_create.success', (_context, client) => void registered.add(client.clientId));

  provider.use(async (context: KoaContextWithOIDC, next: () => Promise<void>) => {
    if (context.path === '/token' && server.tokenFault !== undefined) {
      requests.push(`POST /token fault`);
      context.status = server.tokenFault;
      context.body = server.tokenFaultBody;
      return;
    }
    if (context.path === '/token' && server.tokenGate !== undefined) {
      requests.push('POST /token waits');
      await server.tokenGate;
    }
    await next();
    const form = (context.oidc as { body?: Record<string, string> } | undefined)?.body;
    const grant = context.path === '/token' ? ` ${form?.['grant_type'] ?? ''}` : '';
    requests.push(`${context.method} ${context.path}${grant}`);
    if (context.path === '/token') tokenRequests.push(new URLSearchParams(form));
    alter(context);
  });

  function alter(context: KoaContextWithOIDC): void {
    if (context.path.startsWith('/.well-known/') && typeof context.body === 'object') {
      const document = { ...(context.body as Record<string, unknown>) };
      if (options.announcesPkce === false) delete document['code_challenge_methods_supported'];
      if (options.announcesIss === false) delete document['authorization_response_iss_parameter_supported'];
      context.body = document;
    }
    const location = context.response.get('location') ?? '';
    if (!location.includes('state=')) return;
    const target = new URL(location);
    if (server.iss === undefined) target.searchParams.delete('iss');
    else target.searchParams.set('iss', server.iss);
    context.set('location', target.href);
  }

  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    if (!server.consents) {
      const error = { error: 'access_denied', error_description: 'the <b>user</b> said no' };
      return provider.interactionFinished(request, response, error);
    }
    if (prompt.name === 'login')
      return provider.interactionFinished(request, response, { login: { accountId: server.user } });
    const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params['client_id']) });
    const { scope = '', resource } = params as { scope?: string; resource?: string };
    grant.addOIDCScope(scope);
    if (resource !== undefined) grant.addResourceScope(resource, scope);
    const grantId = await grant.save();
    grants.add(grantId);
    await provider.interactionFinished(request, response, { consent: { grantId } });
  }

  const callback = provider.callback();
  listener = (request, response) => {
    const isInteraction = request.url?.startsWith('/interaction/') === true;
    const done = isInteraction ? interact(request, response) : callback(request, response);
    void done.catch(() => response.destroy());
  };

  const server: OAuthServer = {
    issuer,
    requests,
    tokenRequests,
    user: 'alice',
    consents: true,
    iss: issuer,
    tokenFault: undefined,
    tokenFaultBody: 'no',
    tokenGate: undefined,
    browse: (address) => browse(address, issuer),
    async verify(token, audience) {
      const keys = createLocalJWKSet({ keys: [PUBLIC_JWK] });
      return (await jwtVerify(token, keys, { issuer, audience })).payload;
    },
    async revokeAll() {
      for (const id of grants) {
        await provider.RefreshToken.revokeByGrantId(id);
        await (await provider.Grant.find(id))?.destroy();
      }
      grants.clear();
    },
    async forgetClients() {
      for (const id of registered) await adapter('Client').destroy(id);
    },
    count: (line) => requests.filter((each) => each === line).length,
    [Symbol.asyncDispose]: () => host.stop(),
  };
  return server;
}

function configuration(options: OAuthServerOptions, adapter: ReturnType<typeof createOidcAdapter>): Configuration {
  const { scopes = ['tools', 'admin'], accessTokenTtl = 3600, documents = {} } = options;
  return {
    adapter,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [...(options.clients ?? [])],
    jwks: { keys: [JWK] },
    cookies: { keys: ['a key of this test'] },
    scopes: ['openid', 'offline_access', ...scopes],
    clientAuthMethods: [
      ...(options.clientAuthMethods ?? ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']),
    ],
    rotateRefreshToken: options.rotatesRefreshTokens ?? true,
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: options.allowsRegistration ?? true },
      clientCredentials: { enabled: true },
      clientIdMetadataDocument: { enabled: options.allowsCimd ?? false, ack: 'draft-02' },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, audience) => ({
          audience,
          scope: scopes.join(' '),
          accessTokenFormat: 'jwt',
          accessTokenTTL: accessTokenTtl,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    ttl: {
      AccessToken: accessTokenTtl,
      ClientCredentials: accessTokenTtl,
      RefreshToken: 3600,
      Grant: 3600,
      Session: 3600,
      Interaction: 600,
    },
    fetch: (url, init) => {
      const document = documents[url instanceof Request ? url.url : url.toString()];
      return document === undefined
        ? fetch(url, init)
        : Promise.resolve(new Response(JSON.stringify(document), { headers: { 'content-type': 'application/json' } }));
    },
  };
}

/** Follows redirects with cookies, as a browser does, up to the first that leads away from the server. */
async function browse(address: string, issuer: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = new URL(address);
  for (let step = 0; step < 10; step += 1) {
    if (url.origin !== issuer) return url;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) throw new Error(`no way on from ${url.href}: ${response.status} ${await response.text()}`);
    url = new URL(location, url);
  }
  throw new Error('too many redirects');
}
