import type { CustomFetch } from 'openid-client';
import { createAccounts } from '../governance/accounts.ts';
import { createAttempts } from '../governance/attempts.ts';
import { createAuthConfig, type AuthConfig } from '../governance/auth-config.ts';
import { reconcileAuthConfig } from '../governance/auth-from-config.ts';
import { createSignIn, type SignIn } from '../governance/sign-in.ts';
import { createAdmitUser } from '../governance/sso-users.ts';
import { createSso } from '../governance/sso.ts';
import { sessionRoutes } from '../http/api/session.ts';
import { createCheckSetupToken } from '../http/api/setup-token.ts';
import { ssoRoutes } from '../http/api/sso.ts';
import { userRoutes } from '../http/api/users.ts';
import { createBrowser, type Browser } from '../http/browser.ts';
import { createIdentifyManager, type IdentifyManager } from '../http/identify-manager.ts';
import type { Identify } from '../http/identify.ts';
import type { Route } from '../http/route.ts';
import { createGuardedFetch } from '../lib/guarded-fetch.ts';
import { createPasswords } from '../lib/password.ts';
import { createSealer } from '../lib/seal.ts';
import { Secret } from '../lib/secret.ts';
import type { Common } from './common.ts';

interface AccountOptions extends Pick<Common, 'file' | 'stores' | 'changes' | 'settings' | 'egress' | 'logger'> {
  readonly identify: Identify;
  /** From the environment; it beats the one of config.json. */
  readonly setupToken: string | undefined;
}

/** Everything about people who sign in. */
export interface AccountParts {
  readonly identifyManager: IdentifyManager;
  readonly signIn: SignIn;
  readonly browser: Browser;
  readonly authConfig: AuthConfig;
  readonly routes: readonly Route[];
}

/** Builds it, and takes over the admin account of config.json. */
export async function openAccounts(options: AccountOptions): Promise<AccountParts> {
  const { file, stores, changes, settings, egress, logger, identify } = options;
  const { encryption, database } = stores;
  const attempts = createAttempts();
  const deps = { ...stores, changes, attempts, passwords: createPasswords() };
  const accounts = createAccounts(deps);
  const signIn = createSignIn(deps);
  const authConfig = createAuthConfig(deps);
  const browser = createBrowser({
    trustedProxies: file.auth?.trusted_proxies ?? [],
    settings,
    csrfKey: encryption.deriveKey('csrf'),
  });
  const setupToken = options.setupToken ?? Secret.parse(file.setup_token ?? '').resolve();
  const checkSetupToken = createCheckSetupToken({ setupToken, identify, attempts, browser });
  await reconcileAuthConfig({
    entry: file.governance?.auth_config,
    authConfig,
    database,
    settings: stores.settings,
    key: encryption.deriveKey('auth-config'),
    log: logger,
  });

  const oidc = file.auth?.oidc;
  const sealer = createSealer(encryption.deriveKey('sso'));
  const guarded = createGuardedFetch({ egress, policy: { kind: 'server' } });
  // Bytes are copied, since those of a shared buffer are no body.
  const fetchAtProvider: CustomFetch = (url, { body = null, ...init }) =>
    guarded(url, { ...init, body: body instanceof Uint8Array ? new Uint8Array(body) : body });
  const sso = oidc && createSso({ options: oidc, fetch: fetchAtProvider, sealer });
  const admit = oidc && createAdmitUser(deps, oidc);
  const session = { accounts, signIn, users: stores.users, browser, settings, checkSetupToken, sso };
  return {
    ...{ signIn, browser, authConfig },
    identifyManager: createIdentifyManager({ identify, signIn, browser }),
    routes: [
      ...sessionRoutes(session),
      ...userRoutes(accounts),
      ...(sso === undefined || admit === undefined ? [] : ssoRoutes({ sso, admit, signIn, browser, logger })),
    ],
  };
}
