import { hash, timingSafeEqual } from 'node:crypto';
import { ROLE_SCOPES } from '../../contract/account.ts';
import type { Attempts } from '../../governance/attempts.ts';
import type { Actor } from '../../governance/audit.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Browser } from '../browser.ts';
import type { Identify } from '../identify.ts';
import { originOf, type Asked } from '../visitor.ts';

interface Deps {
  /** Empty where none is set. */
  readonly setupToken: string;
  readonly identify: Pick<Identify, 'identifyManagement'>;
  readonly attempts: Attempts;
  readonly browser: Browser;
}

/** Says who makes the first admin account, or throws. `sent` is the token in the body. */
export type CheckSetupToken = (asked: Asked, sent: string | undefined) => Promise<Actor>;

const HEADERS = ['x-asbru-setup-token', 'x-bifrost-setup-token'];
const SETUP: Pick<Actor, 'principal' | 'name'> = { principal: 'setup-token', name: 'setup token' };

export function createCheckSetupToken({ setupToken, identify, attempts, browser }: Deps): CheckSetupToken {
  return async (asked, sent) => {
    const origin = originOf(asked);
    const { headers } = asked.request;
    if (headers.has('authorization')) {
      const caller = identify.identifyManagement(origin.headers, 'admin');
      // An admin may do everything, so whoever makes one must be allowed to.
      for (const scope of ROLE_SCOPES.admin) identify.identifyManagement(origin.headers, scope);
      return { ...asked.actor, principal: caller.principal, name: caller.name };
    }
    const token = HEADERS.map((name) => headers.get(name)).find((value) => value !== null) ?? sent;
    if (token === undefined) throw new GatewayError('unauthorized', `a setup token is missing; ${EXPECTED}`);
    return attempts.run({ address: browser.addressOf(origin), name: undefined }, async () => {
      if (setupToken === '') throw new GatewayError('forbidden', `no setup token is set; ${EXPECTED}`);
      if (!isEqual(token, setupToken)) throw new GatewayError('unauthorized', 'the setup token is wrong');
      return { ...asked.actor, ...SETUP };
    });
  };
}

const EXPECTED = 'set ASBRU_SETUP_TOKEN or setup_token, or send "Authorization: Bearer <API key>"';

/** In the same time however much of it is right. */
function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));
}
