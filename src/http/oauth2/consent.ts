import { createHmac, randomUUID } from 'node:crypto';
import type { ClientSettings } from '../../contract/client-settings.ts';
import { demandUsable, type Policy } from '../../governance/policy.ts';
import { GatewayError } from '../../lib/errors.ts';
import { isSameText } from '../../lib/same-text.ts';
import { readCookie, writeCookie } from '../cookies.ts';
import type { RequestHeaders } from '../identify.ts';
import { SESSION_PREFIX, USER_PREFIX, type Authority, type SignedInUser, type Users } from './authority.ts';
import { CONSENT_TTL } from './provider-config.ts';
import type { AuthorizationServer, SignIn } from './provider.ts';
import { createThrottle } from './throttle.ts';

/** In whose name the client is to call. */
export type Choice =
  | { readonly mode: 'vk'; readonly value: string }
  | { readonly mode: 'user' }
  /** In nobody's: with what callers without a key may do. */
  | { readonly mode: 'session' }
  | { readonly mode: 'deny' };

/** A sign-in as the browser that began it may see it. */
export interface OpenSignIn extends SignIn {
  /** Whether a virtual key may be given. */
  readonly takesKey: boolean;
  /** Whether no key is needed. */
  readonly takesNobody: boolean;
  /** Who is signed in to the dashboard in this browser. */
  readonly user: SignedInUser | undefined;
}

/** A request of a browser. */
export interface BrowserRequest {
  readonly headers: RequestHeaders;
  /** The other end of the connection. */
  readonly ip: string | undefined;
}

export interface Consent {
  /** The cookie that ties a sign-in to the browser that began it. */
  cookieFor(server: AuthorizationServer, id: string): string;
  /** Throws `forbidden` in any other browser. */
  open(id: string, request: BrowserRequest): Promise<OpenSignIn>;
  /** Ends the sign-in and gives the address to send the browser to; throws, and leaves it open, for a key that does not work. */
  decide(id: string, choice: Choice, request: BrowserRequest): Promise<string>;
}

interface Deps {
  readonly authority: Pick<Authority, 'serverFor'>;
  readonly settings: () => Pick<ClientSettings, 'oauth2_server_config' | 'enforce_auth_on_inference'>;
  readonly policy: Pick<Policy, 'findCaller'>;
  readonly users?: Users | undefined;
  /** Makes the cookies. */
  readonly secret: Buffer;
}

/** The decision of a user on a client that wants to sign in (confused deputy: each sign-in asks, whatever was said before). */
export function createConsent({ authority, settings, policy, users, secret }: Deps): Consent {
  // Keys are random, but one that config.json chose may be short.
  const perSignIn = createThrottle({ limit: 10, windowMs: CONSENT_TTL * 1000 });
  const perAddress = createThrottle({ limit: 30, windowMs: 60_000 });

  function proofOf(id: string): string {
    return createHmac('sha256', secret).update(id).digest('base64url');
  }

  async function open(id: string, request: BrowserRequest): Promise<OpenSignIn & { server: AuthorizationServer }> {
    const server = await authority.serverFor(request.headers);
    const signIn = await server.findSignIn(id);
    if (signIn === undefined)
      throw new GatewayError('not_found', 'this sign-in is over; begin again from the application');
    // Otherwise a link could be sent to somebody else, whose yes would sign in the sender's client.
    if (!isSameText(readCookie(String(request.headers.cookie ?? ''), cookieName(server, id)) ?? '', proofOf(id)))
      throw new GatewayError('forbidden', 'this sign-in was begun in another browser');
    const { oauth2_server_config, enforce_auth_on_inference } = settings();
    const takesKey = !oauth2_server_config.disable_vk_identity;
    return { ...signIn, takesKey, takesNobody: !enforce_auth_on_inference, user: await users?.userOf(request), server };
  }

  function principalOf(choice: Exclude<Choice, { mode: 'deny' }>, { takesKey, takesNobody, user }: OpenSignIn): string {
    if (choice.mode === 'user') {
      if (user !== undefined) return USER_PREFIX + user.id;
      throw new GatewayError('unauthorized', 'nobody is signed in to the dashboard in this browser');
    }
    if (choice.mode === 'session') {
      if (takesNobody) return SESSION_PREFIX + randomUUID();
      throw new GatewayError('forbidden', 'a virtual key is required here');
    }
    if (!takesKey) throw new GatewayError('forbidden', 'signing in with a virtual key is switched off');
    const caller = policy.findCaller(choice.value.trim());
    if (caller === undefined)
      throw new GatewayError('virtual_key_not_found', 'this virtual key is unknown or was rotated');
    demandUsable(caller.key);
    return caller.principal;
  }

  function countFaults<T>(id: string, { ip = '' }: BrowserRequest, run: () => T): T {
    perAddress.check(ip);
    perSignIn.check(id);
    try {
      return run();
    } catch (error) {
      perAddress.count(ip);
      perSignIn.count(id);
      throw error;
    }
  }

  return {
    cookieFor(server, id) {
      const isSecure = server.issuer.startsWith('https:');
      const options = { value: proofOf(id), path: '/', maxAgeMs: CONSENT_TTL * 1_000, isSecure };
      return writeCookie(cookieName(server, id), options);
    },
    async open(id, request) {
      const { server: _, ...signIn } = await open(id, request);
      return signIn;
    },
    async decide(id, choice, request) {
      const { server, ...signIn } = await open(id, request);
      if (choice.mode === 'deny') return server.decide(id, 'denied');
      return server.decide(id, { principal: countFaults(id, request, () => principalOf(choice, signIn)) });
    },
  };
}

/** One for each sign-in, so that several may be open in one browser. */
function cookieName({ issuer }: AuthorizationServer, id: string): string {
  // With this prefix a browser takes it from this very host only (RFC 6265bis), which needs TLS.
  return `${issuer.startsWith('https:') ? '__Host-' : ''}asbru-sign-in-${id}`;
}
