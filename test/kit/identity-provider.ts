import { generateKeyPairSync } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { Provider, type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import { listenOnLoopback } from './http-host.ts';
import type { PageAnswer, TestBrowser } from './browser-session.ts';

/** Somebody whom the identity provider knows. */
export interface Person {
  readonly sub: string;
  readonly preferred_username?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly groups?: readonly string[];
}

/** A real OpenID provider (oidc-provider) on the loopback. */
export interface IdentityProvider extends AsyncDisposable {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Who signs in next; undefined refuses. */
  person: Person | undefined;
  /** The callback to which the gateway may send people. */
  allow(redirectUri: string): void;
  /** Changes an answer of an endpoint before it is sent, by path. */
  readonly alter: Map<string, (body: Record<string, unknown>) => void>;
  /** The queries of requests to the authorization endpoint. */
  readonly asked: URLSearchParams[];
  stop(): Promise<void>;
  /** On the same port. */
  restart(): Promise<void>;
}

const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const JWK = { ...KEY.privateKey.export({ format: 'jwk' }), kid: 'test', use: 'sig', alg: 'ES256' };

/** Starts one on a free port. */
export async function startIdentityProvider(): Promise<IdentityProvider> {
  let listener: RequestListener = (_, response) => response.writeHead(503).end();
  const host = await listenOnLoopback((request, response) => listener(request, response));
  const redirectUris = ['http://127.0.0.1/none'];
  const clientId = 'asbru';
  const clientSecret = 'secret-of-the-client';
  const people = new Map<string, Person>();
  const idp: IdentityProvider = {
    issuer: host.origin,
    ...{ clientId, clientSecret },
    person: { sub: 'ann', preferred_username: 'ann' },
    allow: (redirectUri) => void redirectUris.push(redirectUri),
    alter: new Map(),
    asked: [],
    stop: () => host.stop(),
    restart: () => host.restart(),
    [Symbol.asyncDispose]: () => host.stop(),
  };
  const provider = new Provider(host.origin, {
    ...configuration(people),
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: redirectUris, // read once, see below
        id_token_signed_response_alg: 'ES256',
        grant_types: ['authorization_code'],
      },
    ],
  });
  // The port of the gateway is known only after it has started, which needs the issuer.
  const client = provider.Client as unknown as { prototype: { redirectUriAllowed(uri: string): boolean } };
  client.prototype.redirectUriAllowed = (uri) => redirectUris.includes(uri);

  provider.use(async (context: KoaContextWithOIDC, next: () => Promise<void>) => {
    if (context.path === '/auth') idp.asked.push(new URLSearchParams(context.querystring));
    if (context.path.startsWith('/interaction/')) return interact(provider, idp, people, context);
    await next();
    if (typeof context.body === 'object' && context.body !== null)
      idp.alter.get(context.path)?.(context.body as Record<string, unknown>);
  });
  const handle = provider.callback();
  listener = (request, response) => void handle(request, response).catch(() => response.destroy());
  return idp;
}

function configuration(people: ReadonlyMap<string, Person>): Configuration {
  return {
    jwks: { keys: [JWK] },
    cookies: { keys: ['test'] },
    ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 3600, IdToken: 3600, Interaction: 600, Session: 3600 },
    claims: {
      openid: ['sub'],
      profile: ['preferred_username', 'name'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    scopes: ['openid', 'profile', 'email', 'groups'],
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ ...people.get(accountId), sub: accountId }) }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId ?? '',
        accountId: oidc.session?.accountId ?? '',
      });
      grant.addOIDCScope('openid profile email groups');
      await grant.save();
      return grant;
    },
  };
}

/** The person signs in, or does not want to. */
async function interact(
  provider: Provider,
  { person }: IdentityProvider,
  people: Map<string, Person>,
  { req, res, ...context }: KoaContextWithOIDC,
): Promise<void> {
  if (person !== undefined) people.set(person.sub, person);
  const result = person === undefined ? { error: 'access_denied' } : { login: { accountId: person.sub } };
  Object.assign(context, { respond: false });
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
}

/** Starts single sign-on in this browser and goes wherever it is sent, up to the address that comes back to the gateway. */
export async function visitProvider(browser: TestBrowser, path = '/api/session/sso/login'): Promise<URL> {
  const start = await browser.bare('GET', path);
  if (start.status !== 303) throw new Error(`login: ${start.status} ${start.text}`);
  const cookies = new Map<string, string>();
  let url = new URL(start.headers.get('location') ?? '');
  const { origin } = url;
  for (let steps = 0; url.origin === origin; steps += 1) {
    if (steps > 9) throw new Error(`the provider leads in circles: ${url.href}`);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } });
    const text = await response.text();
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    const location = response.headers.get('location');
    if (location === null) throw new Error(`${url.href}: ${response.status} ${text}`);
    url = new URL(location, url);
  }
  return url;
}

/** The whole way: from the login to the page that the gateway shows in the end. */
export async function signOn(browser: TestBrowser, path?: string): Promise<PageAnswer> {
  const back = await visitProvider(browser, path);
  return browser.bare('GET', back.pathname + back.search);
}
