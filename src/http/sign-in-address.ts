import { randomBytes } from 'node:crypto';
import type { ClientSettings } from '../contract/client-settings.ts';
import { CALLBACK_PATH } from '../mcp/oauth/create-oauth.ts';
import { readCookie, writeCookie } from './cookies.ts';

/** The address of the gateway as browsers know it: the setting, else what the request came to. No slash at the end. */
export function publicAddress(request: Request, settings: Pick<ClientSettings, 'mcp_external_client_url'>): string {
  const set = settings.mcp_external_client_url;
  if (set !== '') return set.replace(/\/+$/, '');
  const url = new URL(request.url);
  const first = (name: string): string | undefined => request.headers.get(name)?.split(',')[0]?.trim() || undefined;
  const protocol = first('x-forwarded-proto') === 'https' ? 'https:' : url.protocol;
  const host = first('x-forwarded-host') ?? request.headers.get('host') ?? url.host;
  const address = `${protocol}//${host}`;
  return URL.canParse(address) ? new URL(address).origin : url.origin;
}

/** Where an authorization server sends the browser back to. */
export function redirectUri(request: Request, settings: Pick<ClientSettings, 'mcp_external_client_url'>): string {
  return publicAddress(request, settings) + CALLBACK_PATH;
}

const COOKIE = 'asbru_sign_in';

/** What binds a sign-in to the browser that begins it, if that browser shows something already. */
export function readBinding(request: Request): string | undefined {
  const value = readCookie(request.headers.get('cookie') ?? undefined, COOKIE);
  return value !== undefined && /^[\w-]{20,100}$/.test(value) ? value : undefined;
}

/** The binding of this browser, new if it has none, and the cookie that keeps it. */
export function bindBrowser(request: Request, address: string): { readonly bind: string; readonly cookie: string } {
  const bind = readBinding(request) ?? randomBytes(32).toString('base64url');
  const isSecure = address.startsWith('https:');
  return { bind, cookie: writeCookie(COOKIE, { value: bind, path: '/', maxAgeMs: 3_600_000, isSecure }) };
}
