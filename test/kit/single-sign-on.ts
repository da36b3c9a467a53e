import { expect } from 'vitest';
import type { PageAnswer, TestBrowser } from './browser-session.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import type { IdentityProvider } from './identity-provider.ts';

/** A gateway whose accounts come from this provider, where Ann is about to sign in. */
export async function startWithSso(idp: IdentityProvider, oidc: object = {}): Promise<TestGateway> {
  const { issuer, clientId, clientSecret } = idp;
  const options = { issuer, client_id: clientId, client_secret: clientSecret, default_role: 'viewer', ...oidc };
  const gateway = await startGateway({ config: { auth: { oidc: options } } });
  idp.allow(`${gateway.address}/api/session/sso/callback`);
  idp.person = { sub: 'ann', preferred_username: 'ann', email: 'ann@example.com', email_verified: true };
  idp.asked.length = 0;
  idp.alter.clear();
  return gateway;
}

/** An account as the API shows it. */
export interface Account {
  readonly id: string;
  readonly username: string;
  readonly role: string;
  readonly origin: string;
}
/** All accounts. */
export async function accounts(gateway: TestGateway): Promise<Account[]> {
  return (await gateway.api('GET', '/api/users')).body['users'] as Account[];
}
/** Who is signed in in this browser. */
export const me = async (browser: TestBrowser) => (await browser.bare('GET', '/api/session/me')).body;

/** Nobody is signed in, and a person can read why. */
export function expectRefusal(answer: PageAnswer, browser: TestBrowser, status: number, reason: string): void {
  expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'text/html; charset=utf-8']);
  expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(answer.text).toContain(reason);
  expect(browser.cookies.has('token')).toBe(false);
  expect(browser.cookies.has('sso')).toBe(false);
}
