import type * as OpenidClient from 'openid-client';
import type { Configuration, CustomFetch } from 'openid-client';
import type { OidcOptions } from '../contract/config.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { Sealer } from '../lib/seal.ts';
import { Secret } from '../lib/secret.ts';
import type { Claims } from './sso-rules.ts';

interface Deps {
  readonly options: OidcOptions;
  /** How the identity provider is reached. */
  readonly fetch: CustomFetch;
  /** Of a purpose of its own. */
  readonly sealer: Sealer;
  readonly now?: () => number;
}

/** A sign-in that has begun. */
export interface SsoStart {
  /** Where the browser goes. */
  readonly url: string;
  /** What the browser keeps meanwhile, as a cookie: only the browser that began may finish. */
  readonly flow: string;
}

/** Single sign-on: authorization code flow with PKCE, state and nonce (OpenID Connect Core 3.1). */
export interface Sso {
  begin(where: { readonly redirectUri: string; readonly returnTo: string }): Promise<SsoStart>;
  /** What the identity provider says about whoever comes back, or a GatewayError. `search` is the query of the callback. */
  finish(flow: string | undefined, search: string): Promise<{ claims: Claims; returnTo: string }>;
  /** Where to sign out of the identity provider too; undefined when it does not say, or does not answer. */
  endSessionUrl(returnTo: string): Promise<string | undefined>;
}

/** What is sealed into the cookie. */
interface Flow {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirectUri: string;
  readonly returnTo: string;
  readonly until: number;
}

/** How long somebody may take to sign in. */
export const SSO_FLOW_MS = 10 * 60_000;
const DISCOVERY_MS = 60 * 60_000;
const TIMEOUT_S = 10;
const DEFAULT_SCOPES = ['openid', 'profile', 'email'];

/** Nothing is loaded and nobody is asked before the first sign-in. */
export function createSso({ options, fetch, sealer, now = Date.now }: Deps): Sso {
  const discover = createDiscovery(options, fetch, now);

  return {
    async begin({ redirectUri, returnTo }) {
      const { client, config } = await discover();
      const flow: Flow = {
        ...{ state: client.randomState(), nonce: client.randomNonce(), verifier: client.randomPKCECodeVerifier() },
        ...{ redirectUri, returnTo, until: now() + SSO_FLOW_MS },
      };
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: [...new Set(['openid', ...(options.scopes ?? DEFAULT_SCOPES)])].join(' '),
        state: flow.state,
        nonce: flow.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(flow.verifier),
        code_challenge_method: 'S256',
      });
      return { url: url.href, flow: sealer.seal(flow) };
    },

    async finish(sealed, search) {
      const flow = sealed === undefined ? undefined : (sealer.open(sealed) as Flow | undefined); // nobody else can make one
      if (flow === undefined || flow.until <= now()) {
        throw new GatewayError('unauthorized', 'this sign-in was not begun in this browser, or took too long');
      }
      const { client, config } = await discover();
      try {
        const tokens = await client.authorizationCodeGrant(config, new URL(search, flow.redirectUri), {
          expectedState: flow.state,
          expectedNonce: flow.nonce,
          pkceCodeVerifier: flow.verifier,
          idTokenExpected: true,
        });
        const signed = tokens.claims();
        if (signed === undefined) throw new Error('there is no ID token');
        const hasMore = config.serverMetadata().userinfo_endpoint !== undefined;
        const more = hasMore ? await client.fetchUserInfo(config, tokens.access_token, signed.sub) : {};
        // What is signed counts more.
        return { claims: { ...more, ...signed }, returnTo: flow.returnTo };
      } catch (cause) {
        throw failed(cause);
      }
    },

    async endSessionUrl(returnTo) {
      try {
        const { client, config } = await discover();
        if (config.serverMetadata().end_session_endpoint === undefined) return undefined;
        return client.buildEndSessionUrl(config, { post_logout_redirect_uri: returnTo }).href;
      } catch {
        return undefined; // signing out here must work without the identity provider
      }
    },
  };
}

/** Asks the issuer what it can, once an hour; a failure is not kept. */
function createDiscovery(options: OidcOptions, fetch: CustomFetch, now: () => number) {
  let known: { readonly until: number; readonly config: Promise<Configuration> } | undefined;

  async function ask(client: typeof OpenidClient): Promise<Configuration> {
    const issuer = new URL(options.issuer);
    const secret = Secret.parse(options.client_secret ?? '');
    if (secret.isDangling) throw new GatewayError('invalid_configuration', `${secret.reference} is not set`);
    // Without TLS only on this machine, for trying it out.
    const isLocal = ['127.0.0.1', '[::1]', 'localhost'].includes(issuer.hostname);
    return client.discovery(
      issuer,
      options.client_id,
      {},
      secret.isSet ? client.ClientSecretBasic(secret.resolve()) : client.None(),
      {
        [client.customFetch]: fetch,
        timeout: TIMEOUT_S,
        execute: [
          // The library trusts TLS for what comes from the token endpoint; a signature costs little and says more.
          client.enableNonRepudiationChecks,
          ...(isLocal ? [client.allowInsecureRequests] : []),
        ],
      },
    );
  }

  return async () => {
    const client = await import('openid-client');
    if (known === undefined || known.until <= now()) known = { until: now() + DISCOVERY_MS, config: ask(client) };
    const asked = known;
    try {
      return { client, config: await asked.config };
    } catch (cause) {
      if (known === asked) known = undefined;
      if (cause instanceof GatewayError) throw cause;
      const message = `the identity provider does not answer as it should: ${messageOf(cause)}`;
      throw new GatewayError('upstream_unreachable', message, { cause });
    }
  };
}

/** Says what the identity provider said, in its one word; the rest is for the log. */
function failed(cause: unknown): GatewayError {
  if (cause instanceof GatewayError) return cause;
  const said = cause instanceof Error && 'error' in cause && typeof cause.error === 'string' ? ` (${cause.error})` : '';
  return new GatewayError('unauthorized', `the identity provider did not confirm who you are${said}`, { cause });
}
