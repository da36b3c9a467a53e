import type { ApiKeyScope } from '../contract/api-key.ts';
import type { Actor } from '../governance/audit.ts';
import { ANONYMOUS, callerOfUser, type Caller } from '../governance/caller.ts';
import type { SignIn } from '../governance/sign-in.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Browser } from './browser.ts';
import { readCookie } from './cookies.ts';
import { OTHER_PLACES, readVirtualKey, type Identify, type RequestHeaders } from './identify.ts';

interface Deps {
  readonly identify: Pick<Identify, 'identifyManagement'>;
  readonly signIn: Pick<SignIn, 'checkBasic' | 'find'>;
  readonly browser: Browser;
}

/** A request as far as it matters for who makes it. */
export interface RequestFacts {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** The other end of the connection. */
  readonly ip: string | undefined;
  /** A browser opens a WebSocket from any page, and lets it send no header of its own. */
  readonly isWebSocket?: boolean;
}

/** Tells who manages: an API key, an account by HTTP Basic, or a browser in which somebody has signed in. */
export type IdentifyManager = (
  headers: RequestHeaders,
  scope: ApiKeyScope,
  facts: RequestFacts,
) => Caller | Promise<Caller>;

/** The cookie of a session. */
export const SESSION_COOKIE = 'token';
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Asks for one credential and never for a second: what was sent is right, or the request is refused. */
export function createIdentifyManager({ identify, signIn, browser }: Deps): IdentifyManager {
  async function identifyBasic(pair: string, headers: RequestHeaders, facts: RequestFacts): Promise<Caller> {
    const text = Buffer.from(pair, 'base64').toString();
    const colon = text.indexOf(':');
    const credentials = { username: text.slice(0, Math.max(colon, 0)), password: text.slice(colon + 1) };
    const visitor = { address: browser.addressOf({ headers, ip: facts.ip }), actor: nobody(facts) };
    return callerOfUser(await signIn.checkBasic(credentials, visitor));
  }

  async function identifySession(token: string, headers: RequestHeaders, facts: RequestFacts): Promise<Caller> {
    const user = await signIn.find(token);
    if (user === undefined) throw new GatewayError('unauthorized', 'the session has ended; sign in again');
    const origin = { headers, ip: facts.ip };
    if (facts.isWebSocket === true) browser.demandOwnPage(origin, { isStrict: true });
    else if (!SAFE_METHODS.has(facts.method)) {
      browser.demandOwnPage(origin, { isStrict: true });
      browser.demandCsrfToken(origin, token);
    }
    return callerOfUser(user);
  }

  return (headers, scope, facts) => {
    const { authorization, cookie } = headers;
    // A virtual key is refused wherever it stands, whatever is sent along.
    if (readVirtualKey(headers) === undefined) {
      const [, pair] = /^basic\s+(\S+)\s*$/i.exec(String(authorization ?? '')) ?? [];
      if (pair !== undefined) return identifyBasic(pair, headers, facts).then((caller) => demand(scope, caller));
      // A key in one of the other places was meant as the credential, so a cookie beside it must not count.
      const hasKey = authorization !== undefined || OTHER_PLACES.some((name) => headers[name] !== undefined);
      const token = hasKey ? undefined : readCookie(String(cookie ?? ''), SESSION_COOKIE);
      if (token !== undefined) return identifySession(token, headers, facts).then((caller) => demand(scope, caller));
    }
    return identify.identifyManagement(headers, scope);
  };
}

function demand(scope: ApiKeyScope, caller: Caller): Caller {
  if (caller.scopes.includes(scope)) return caller;
  throw new GatewayError('forbidden', `the account "${caller.name}" has no role with the scope "${scope}"`, {
    details: { scope },
  });
}

function nobody({ method, path, ip }: RequestFacts): Actor {
  const { principal, name } = ANONYMOUS;
  return { principal, name, request: { method, path, ...(ip === undefined ? {} : { ip }) } };
}
