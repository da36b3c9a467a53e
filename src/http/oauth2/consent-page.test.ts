import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { cleanName } from './client-name.ts';
import { renderConsentPage, renderErrorPage } from './consent-page.ts';

const signIn = {
  id: 'abc',
  clientId: 'https://client.example.com/<meta>',
  clientName: `"><script>alert('x')</script>`,
  redirectUri: 'http://127.0.0.1:7777/callback',
  scopes: ['mcp'],
  expiresAt: 0,
  takesKey: true,
  takesNobody: false,
  user: undefined,
};
const policyOf = (page: { headers: Readonly<Record<string, string>> }) => page.headers['content-security-policy'] ?? '';

test('what a client says of itself is text and nothing else', () => {
  const { html } = renderConsentPage(signIn, { status: 400, message: '<b>bold</b>' });
  expect(html).not.toMatch(/<script|<b>|<meta>/);
  expect(html).toContain('&lt;script&gt;');
  expect(renderErrorPage(400, '<i>').html).not.toContain('<i>');
});

test('a name that would turn the text around it, or fill the page, is cut down', () => {
  expect(cleanName('Bank\u202eevil\u0000\n\tApp', 'id')).toBe('BankevilApp');
  expect(cleanName('\u200b', 'id')).toBe('id');
  expect(cleanName('x'.repeat(500), 'id')).toHaveLength(80);
});

test('the page runs no script, is in no frame, and its form leads only here and to the client', () => {
  const page = renderConsentPage(signIn);
  expect(page.html).not.toContain('<script');
  const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(page.html) ?? [];
  expect(policyOf(page)).toBe(
    `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; ` +
      `form-action 'self' http://127.0.0.1:7777; base-uri 'none'; frame-ancestors 'none'`,
  );
  expect(page.headers).toMatchObject({ 'x-frame-options': 'DENY', 'cache-control': 'no-store' });
  for (const [redirectUri, source] of [
    ['cursor://anysphere/callback', 'cursor:'],
    ['http://[::1]:7777/callback', 'http:'],
    ['https://client.example.com/callback', 'https://client.example.com'],
  ] as const)
    expect(policyOf(renderConsentPage({ ...signIn, redirectUri }))).toContain(`form-action 'self' ${source};`);
});

test('the page says where it sends the user, has a language and labels, and points at a fault', () => {
  const { html } = renderConsentPage(signIn, { status: 401, message: 'this virtual key is unknown' });
  expect(html).toContain('<html lang="en">');
  expect(html).toContain('127.0.0.1:7777');
  expect(html).toMatch(/<label for="key">[^<]+<\/label><input id="key" name="key" type="password"/);
  expect(html).toContain('aria-describedby="complaint"');
  expect(html).toContain('role="alert" id="complaint"');
});

test('a user of the dashboard may go on as that, and where no way is open the page says so', () => {
  const user = { id: '1', name: 'Ada <3' };
  expect(renderConsentPage({ ...signIn, user }).html).toContain('Allow, as Ada &lt;3');
  const { html } = renderConsentPage({ ...signIn, takesKey: false });
  expect(html).not.toContain('name="key"');
  expect(html).toContain('Sign in to the dashboard');
});
