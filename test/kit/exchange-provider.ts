import { generateKeyPairSync } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { createLocalJWKSet, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { errors, Provider, type Configuration, type TokenEndpointGrantContext } from 'oidc-provider';
import { listenOnLoopback } from './http-host.ts';
import { createOidcAdapter } from './oidc-adapter.ts';
import type { OAuthServer } from './oauth-server.ts';

/** A real identity provider (oidc-provider) that exchanges tokens (RFC 8693). */
export interface ExchangeProvider extends Pick<OAuthServer, 'issuer' | 'verify'>, AsyncDisposable {
  /** The id and the secret of the gateway there. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** A token with which a person comes to the gateway, for it and good for ten minutes unless the test says otherwise. */
  tokenOf(sub: string, claims?: JWTPayload, key?: SigningKey): Promise<string>;
  /** Seconds that the tokens it gives are good for. */
  ttl: number;
  /** It answers when this has settled. */
  gate: Promise<void> | undefined;
  /** Whose tokens it does not exchange, though they are good. */
  readonly barred: Set<string>;
  /** The parameters of every exchange that was asked for. */
  readonly exchanges: readonly Readonly<Record<string, unknown>>[];
  /** Requests by path. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
  restart(): Promise<void>;
}

type SigningKey = ReturnType<typeof newKey>;

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const PARAMETERS = ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope'];
const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const KEY = newKey();
const JWK = { ...KEY.export({ format: 'jwk' }), kid: 'test', use: 'sig', alg: 'ES256' };
const { d: _, ...PUBLIC_JWK } = JWK;
const KEYS = createLocalJWKSet({ keys: [PUBLIC_JWK] });

/** A key that the provider does not have. */
export const strangeKey = newKey;

type Exchange = { subject_token: string; subject_token_type: string; resource?: string; audience?: string };

/** Starts one on a free loopback port. */
export async function startExchangeProvider(clientSecret = 'secret-of-the-exchange'): Promise<ExchangeProvider> {
  let listener: RequestListener = (_request, response) => response.writeHead(503).end();
  const host = await listenOnLoopback((request, response) => {
    requests.push(request.url ?? '');
    listener(request, response);
  });
  const requests: string[] = [];
  const exchanges: Readonly<Record<string, unknown>>[] = [];
  const idp: ExchangeProvider = {
    ...{ issuer: host.origin, clientId: 'gateway', clientSecret },
    ...{ ttl: 600, gate: undefined, barred: new Set(), exchanges, requests },
    tokenOf: (sub, claims = {}, key = KEY) =>
      new SignJWT({ iss: host.origin, sub, aud: 'gateway', exp: Math.floor(Date.now() / 1000) + 600, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'test' })
        .sign(key),
    verify: async (token, audience) => (await jwtVerify(token, KEYS, { issuer: host.origin, audience })).payload,
    stop: () => host.stop(),
    restart: () => host.restart(),
    [Symbol.asyncDispose]: () => host.stop(),
  };
  const provider = new Provider(host.origin, configuration(idp));
  provider.registerGrantType<Exchange>(GRANT, (context) => exchange(idp, exchanges, context), PARAMETERS);
  const handle = provider.callback();
  listener = (request, response) => void handle(request, response).catch(() => response.destroy());
  return idp;
}

async function exchange(
  idp: ExchangeProvider,
  exchanges: Readonly<Record<string, unknown>>[],
  context: TokenEndpointGrantContext<Exchange>,
): Promise<void> {
  const { params, provider, client } = context.oidc;
  exchanges.push({ ...params });
  await idp.gate;
  const { subject_token, resource = params.audience } = params;
  const subject = await idp.verify(subject_token, idp.clientId).catch(() => undefined);
  if (subject?.sub === undefined) throw new errors.InvalidRequest('subject_token is no good');
  if (idp.barred.has(subject.sub)) throw new errors.InvalidTarget(`not for ${subject.sub} with ${subject_token}`);
  const scope = params.scope ?? 'tools';
  const token = new provider.AccessToken({ client, accountId: subject.sub, scope, gty: GRANT, grantId: 'of-a-test' });
  token.resourceServer = new provider.ResourceServer(String(resource), {
    ...{ scope: 'tools admin', audience: String(resource), accessTokenFormat: 'jwt', accessTokenTTL: idp.ttl },
    jwt: { sign: { alg: 'ES256' } },
  });
  const access_token = await token.save();
  context.body = { access_token, issued_token_type: ACCESS_TOKEN, token_type: 'Bearer', expires_in: idp.ttl, scope };
}

function configuration({ clientId, clientSecret }: ExchangeProvider): Configuration {
  return {
    adapter: createOidcAdapter(),
    jwks: { keys: [JWK] },
    cookies: { keys: ['test'] },
    scopes: ['openid', 'tools', 'admin'],
    clients: [
      {
        ...{ client_id: clientId, client_secret: clientSecret, id_token_signed_response_alg: 'ES256' },
        ...{ redirect_uris: [], response_types: [], grant_types: [GRANT] },
      },
    ],
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: true, getResourceServerInfo: () => ({ scope: 'tools admin' }) },
    },
  };
}

/** `token_exchange` of a server that uses this provider. */
export function exchangeSettings({ issuer, clientId, clientSecret }: ExchangeProvider): Record<string, unknown> {
  return {
    authorization_server_url: issuer,
    ...{ client_id: clientId, client_secret: clientSecret, scopes: ['tools'] },
  };
}
