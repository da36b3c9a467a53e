import { createPeople } from '../governance/people.ts';
import type { Policy } from '../governance/policy.ts';
import type { SignIn } from '../governance/sign-in.ts';
import { oauth2Routes } from '../http/api/oauth2.ts';
import { readCookie } from '../http/cookies.ts';
import { SESSION_COOKIE } from '../http/identify-manager.ts';
import type { RawHandler } from '../http/listen.ts';
import { createAuthority, type Authority, type Users } from '../http/oauth2/authority.ts';
import { createConsent } from '../http/oauth2/consent.ts';
import { createOAuthEndpoints, TOKEN_PATH } from '../http/oauth2/endpoints.ts';
import type { Elsewhere } from '../http/nodes/elsewhere.ts';
import type { Route } from '../http/route.ts';
import { createGuardedFetch } from '../lib/guarded-fetch.ts';
import { createOAuthModelStore } from '../store/oauth-models.ts';
import { createOAuthSessionStore } from '../store/oauth-sessions.ts';
import { createSigningKeyStore } from '../store/signing-keys.ts';
import type { Common } from './common.ts';

/** Signing in to `/mcp` with OAuth. */
export interface Inbound {
  readonly authority: Authority;
  readonly endpoints: Readonly<Record<string, RawHandler>>;
  /** Those that other nodes pass requests on to. */
  readonly forPeers: Readonly<Record<string, RawHandler>>;
  readonly routes: readonly Route[];
}

const PURGE_MS = 10 * 60_000;

interface InboundOptions extends Common {
  readonly policy: Policy;
  /** Who is signed in to the dashboard. */
  readonly signIn: Pick<SignIn, 'find'>;
  readonly elsewhere: Elsewhere | undefined;
}

/** Builds what is there while `mcp_server_auth_mode` says so; that can change at any time. */
export async function openInbound(options: InboundOptions): Promise<Inbound> {
  const { stores, changes, settings, egress, policy, logger, onError, cleanup } = options;
  const { database, encryption, audit } = stores;
  const models = createOAuthModelStore(database.db, encryption);
  const sessions = createOAuthSessionStore(database.db);
  const keys = createSigningKeyStore(stores.settings, encryption);
  const common = { database, models, sessions, changes, policy, settings, onError };
  const people = await createPeople({ users: stores.users, changes });
  const users: Users = {
    async userOf({ headers }) {
      const token = readCookie(String(headers.cookie ?? ''), SESSION_COOKIE);
      const user = token === undefined ? undefined : await options.signIn.find(token);
      return user && people.find(user.id)?.user;
    },
    callerOf: (id) => people.find(id),
  };
  const authority = createAuthority({
    ...common,
    keys,
    users,
    fetch: createGuardedFetch({ egress, policy: { kind: 'stranger' } }),
  });
  const consent = createConsent({ authority, policy, users, settings, secret: encryption.deriveKey('oauth2-consent') });

  const purge = setInterval(() => {
    const now = Date.now();
    Promise.all([models.purge(now), sessions.purge(now)]).catch(onError);
  }, PURGE_MS).unref();
  cleanup.defer(() => clearInterval(purge));
  const endpoints = createOAuthEndpoints({ authority, consent, elsewhere: options.elsewhere, logger });
  return {
    authority,
    endpoints,
    forPeers: Object.fromEntries(Object.entries(endpoints).filter(([path]) => path === TOKEN_PATH)),
    routes: oauth2Routes({ ...common, consent, audit }),
  };
}
