import type { Actor } from '../governance/audit.ts';
import type { Visitor } from '../governance/sign-in.ts';
import type { Browser, Origin } from './browser.ts';

/** What a route knows about a request: a part of RouteInput. */
export interface Asked {
  readonly request: Request;
  readonly actor: Actor;
}

/** Where a request comes from. */
export function originOf({ request, actor }: Asked): Origin {
  return { headers: Object.fromEntries(request.headers), ip: actor.request?.ip };
}

/** Who tries to sign in. */
export function visitorOf(asked: Asked, browser: Browser): Visitor {
  const userAgent = asked.request.headers.get('user-agent') ?? undefined;
  return { address: browser.addressOf(originOf(asked)), userAgent, actor: asked.actor };
}
