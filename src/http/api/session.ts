import { z } from 'zod';
import { AuthStatus, Login, Me, PasswordChange, Setup } from '../../contract/account.ts';
import type { ClientSettings } from '../../contract/client-settings.ts';
import { userView } from '../../governance/account-rules.ts';
import type { Accounts } from '../../governance/accounts.ts';
import { ANONYMOUS } from '../../governance/caller.ts';
import { SESSION_MS, type SignIn } from '../../governance/sign-in.ts';
import type { Sso } from '../../governance/sso.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { UserStore } from '../../store/users.ts';
import type { Browser } from '../browser.ts';
import { readCookie, writeCookie } from '../cookies.ts';
import { SESSION_COOKIE } from '../identify-manager.ts';
import { route, type Route } from '../route.ts';
import { originOf, visitorOf, type Asked } from '../visitor.ts';
import type { CheckSetupToken } from './setup-token.ts';

/** What the routes of sessions are built with. */
export interface SessionDeps {
  readonly accounts: Accounts;
  readonly signIn: SignIn;
  readonly users: Pick<UserStore, 'find'>;
  readonly browser: Browser;
  readonly settings: () => Pick<ClientSettings, 'enforce_auth_on_inference'>;
  readonly checkSetupToken: CheckSetupToken;
  /** Undefined where there is no single sign-on. */
  readonly sso: Pick<Sso, 'endSessionUrl'> | undefined;
}

const Message = z.object({ message: z.string() });
const LoggedOut = Message.extend({
  end_session_url: z.string().optional().meta({ description: 'Where to sign out of the identity provider too.' }),
});

/** `/api/session`: signing in and out with a browser. */
export function sessionRoutes(deps: SessionDeps): readonly Route[] {
  return [statusRoute(deps), setupRoute(deps), loginRoute(deps), logoutRoute(deps), meRoute(deps), passwordRoute(deps)];
}

function statusRoute({ accounts, signIn, settings, sso }: SessionDeps): Route {
  return route({
    method: 'get',
    path: '/api/session/is-auth-enabled',
    summary: 'Get how to sign in',
    scope: 'public',
    response: AuthStatus,
    async handle({ request }) {
      const token = sessionToken(request);
      const hasPasswords = await signIn.isPossible();
      return {
        is_auth_enabled: hasPasswords || sso !== undefined,
        has_valid_token: token !== undefined && (await signIn.find(token)) !== undefined,
        auth_type: hasPasswords ? ('password' as const) : sso === undefined ? ('none' as const) : ('sso' as const),
        inference_auth_enforced: settings().enforce_auth_on_inference,
        is_sso_enabled: sso !== undefined,
        is_setup_needed: !(await accounts.hasAdmin()),
      };
    },
  });
}

function setupRoute({ accounts, browser, checkSetupToken }: SessionDeps): Route {
  return route({
    method: 'post',
    path: '/api/session/setup',
    summary: 'Create the first admin account',
    description: 'While there is none. Wants the setup token, or an API key that may do everything as Bearer.',
    scope: 'public',
    body: Setup,
    response: Message,
    async handle(input) {
      const { username, password, setup_token } = input.body;
      browser.demandOwnPage(originOf(input), { isStrict: false });
      const actor = await checkSetupToken(input, setup_token);
      await accounts.setUp({ username, password }, actor);
      return { message: 'Admin account created successfully' };
    },
  });
}

function loginRoute(deps: SessionDeps): Route {
  const { signIn, browser } = deps;
  return route({
    method: 'post',
    path: '/api/session/login',
    summary: 'Sign in',
    description: 'With a name and a password. Sets the cookie of the session.',
    scope: 'public',
    body: Login,
    response: Message,
    async handle(input) {
      browser.demandOwnPage(originOf(input), { isStrict: false });
      if (!(await signIn.isPossible())) {
        throw new GatewayError('forbidden', 'Authentication is not enabled: no account has a password');
      }
      const visitor = visitorOf(input, browser);
      const user = await signIn.checkPassword(input.body, visitor);
      const token = await signIn.open(user, visitor, sessionToken(input.request));
      return withSession({ message: 'Login successful' }, token, input, browser);
    },
  });
}

function logoutRoute({ signIn, browser, sso }: SessionDeps): Route {
  return route({
    method: 'post',
    path: '/api/session/logout',
    summary: 'Sign out',
    description: 'Ends the session of this browser. May be repeated.',
    scope: 'public',
    response: LoggedOut,
    async handle(input) {
      browser.demandOwnPage(originOf(input), { isStrict: false });
      const token = sessionToken(input.request);
      const user = token === undefined ? undefined : await signIn.close(token, input.actor);
      const base = `${browser.baseUrl(originOf(input))}/`;
      const end_session_url = user?.origin === 'sso' ? await sso?.endSessionUrl(base) : undefined;
      const body = { message: 'Logout successful', ...(end_session_url === undefined ? {} : { end_session_url }) };
      return withSession(body, undefined, input, browser);
    },
  });
}

function meRoute({ users, browser }: SessionDeps): Route {
  return route({
    method: 'get',
    path: '/api/session/me',
    summary: 'Get who is signed in',
    scope: 'read',
    response: Me,
    async handle({ caller = ANONYMOUS, request }) {
      const user = caller.user === undefined ? undefined : await users.find(caller.user.id);
      const hasHeader = request.headers.has('authorization');
      const token = hasHeader ? undefined : sessionToken(request);
      return {
        principal: caller.principal,
        name: caller.name,
        scopes: [...caller.scopes],
        user: user === undefined ? null : userView(user),
        csrf_token: token === undefined ? null : browser.csrfToken(token),
      };
    },
  });
}

function passwordRoute({ accounts, signIn, browser }: SessionDeps): Route {
  return route({
    method: 'put',
    path: '/api/session/password',
    summary: 'Change the own password',
    description: 'Ends every session of the account; a browser that asks gets a new one.',
    scope: 'read',
    body: PasswordChange,
    response: Message,
    async handle(input) {
      const { caller = ANONYMOUS, actor, body, request } = input;
      const visitor = visitorOf(input, browser);
      const user = await accounts.changePassword(body, { caller, actor, address: visitor.address });
      const message = 'Password changed successfully';
      const hasSession = !request.headers.has('authorization');
      return hasSession ? withSession({ message }, await signIn.open(user, visitor), input, browser) : { message };
    },
  });
}

/** The token that the browser sent, which may be no good. */
export function sessionToken(request: Request): string | undefined {
  return readCookie(request.headers.get('cookie') ?? undefined, SESSION_COOKIE);
}

/** The cookie of a session; undefined ends it. */
export function sessionCookie(token: string | undefined, asked: Asked, browser: Browser): string {
  const isSecure = browser.isSecure(originOf(asked));
  return writeCookie(SESSION_COOKIE, { value: token, path: '/', maxAgeMs: SESSION_MS, isSecure });
}

function withSession(body: object, token: string | undefined, asked: Asked, browser: Browser): Response {
  const headers = { 'cache-control': 'no-store', 'set-cookie': sessionCookie(token, asked, browser) };
  return Response.json(body, { headers });
}
