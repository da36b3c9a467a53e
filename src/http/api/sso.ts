import { z } from 'zod';
import type { SignIn } from '../../governance/sign-in.ts';
import { SSO_FLOW_MS, type Sso } from '../../governance/sso.ts';
import type { AdmitUser } from '../../governance/sso-users.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Browser } from '../browser.ts';
import { readCookie, writeCookie } from '../cookies.ts';
import { renderError } from '../render-error.ts';
import { route, type Route } from '../route.ts';
import { renderSsoFailure } from '../sso-page.ts';
import { originOf, visitorOf, type Asked } from '../visitor.ts';
import { sessionCookie, sessionToken } from './session.ts';

interface Deps {
  readonly sso: Sso;
  readonly admit: AdmitUser;
  readonly signIn: Pick<SignIn, 'open'>;
  readonly browser: Browser;
  readonly logger: Logger;
}

const FLOW_COOKIE = 'sso';
const PATH = '/api/session/sso';
const SsoQuery = z.object({
  return_to: z.string().optional().meta({ description: 'The page to show afterwards, a path of this gateway.' }),
});
const Page = z.unknown().meta({ description: 'A redirect, or a page that says what went wrong.' });

/** `/api/session/sso`: signing in at the identity provider. */
export function ssoRoutes(deps: Deps): readonly Route[] {
  const { sso, browser } = deps;
  return [
    route({
      method: 'get',
      path: `${PATH}/login`,
      summary: 'Start single sign-on',
      description: 'Leads the browser to the identity provider.',
      scope: 'public',
      query: SsoQuery,
      response: Page,
      handle: (input) =>
        orPage(deps, input, async () => {
          const redirectUri = `${browser.baseUrl(originOf(input))}${PATH}/callback`;
          const { url, flow } = await sso.begin({ redirectUri, returnTo: localPath(input.query.return_to) });
          return redirect(url, [flowCookie(flow, input, browser)]);
        }),
    }),
    route({
      method: 'get',
      path: `${PATH}/callback`,
      summary: 'Finish single sign-on',
      description: 'Where the identity provider sends the browser back to.',
      scope: 'public',
      response: Page,
      handle: (input) => orPage(deps, input, () => finish(deps, input)),
    }),
  ];
}

async function finish({ sso, admit, signIn, browser }: Deps, asked: Asked): Promise<Response> {
  const { request, actor } = asked;
  const flow = readCookie(request.headers.get('cookie') ?? undefined, FLOW_COOKIE);
  const { claims, returnTo } = await sso.finish(flow, new URL(request.url).search);
  const user = await admit(claims, actor);
  const token = await signIn.open(user, visitorOf(asked, browser), sessionToken(request));
  return redirect(returnTo, [sessionCookie(token, asked, browser), flowCookie(undefined, asked, browser)]);
}

/** People come here with a browser, so a failure is a page. The flow is over in any case: it must not be tried again. */
async function orPage({ browser, logger }: Deps, asked: Asked, run: () => Promise<Response>): Promise<Response> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof GatewayError) logger.info({ err: error }, 'single sign-on failed');
    const { status, body } = renderError(error, logger);
    return renderSsoFailure(status, body.error.message, {
      'set-cookie': flowCookie(undefined, asked, browser),
      ...(status === 429 || status === 503 ? { 'retry-after': '1' } : {}),
    });
  }
}

/** Also sent back by the navigation that comes from the identity provider: SameSite=Lax lets links through. */
function flowCookie(value: string | undefined, asked: Asked, browser: Browser): string {
  const isSecure = browser.isSecure(originOf(asked));
  return writeCookie(FLOW_COOKIE, { value, path: PATH, maxAgeMs: SSO_FLOW_MS, isSecure });
}

/** A path of this gateway; anything that a browser could take for another address becomes the start page. */
function localPath(path = '/'): string {
  const here = 'http://here.invalid';
  if (!path.startsWith('/') || !URL.canParse(path, here)) return '/';
  const url = new URL(path, here);
  return url.origin === here ? url.pathname.replace(/^\/+/, '/') + url.search + url.hash : '/';
}

function redirect(location: string, cookies: readonly string[]): Response {
  const headers = new Headers({ location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
  for (const cookie of cookies) headers.append('set-cookie', cookie);
  return new Response(null, { status: 303, headers });
}
