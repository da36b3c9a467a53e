import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser } from '../kit/browser-session.ts';
import { signOn, startIdentityProvider, visitProvider, type IdentityProvider } from '../kit/identity-provider.ts';
import { accounts, expectRefusal, startWithSso } from '../kit/single-sign-on.ts';

let idp: IdentityProvider;
beforeAll(async () => void (idp = await startIdentityProvider()));
afterAll(() => idp.stop());

const start = (oidc: object = {}) => startWithSso(idp, oidc);

describe('an attack on single sign-on fails', () => {
  test('with the answer in another browser, and with the same answer twice', async () => {
    await using gateway = await start();
    const attacker = openBrowser(gateway);
    const back = await visitProvider(attacker);
    const path = back.pathname + back.search;
    const victim = openBrowser(gateway);
    expectRefusal(await victim.bare('GET', path), victim, 401, 'not begun in this browser');
    // A browser that is on its own way takes no answer of somebody else's.
    await visitProvider(victim);
    expectRefusal(await victim.bare('GET', path), victim, 401, 'did not confirm');
    const flow = attacker.cookies.get('sso') ?? '';
    expect((await attacker.bare('GET', path)).status).toBe(303);
    const replay = openBrowser(gateway);
    replay.cookies.set('sso', flow);
    expectRefusal(await replay.bare('GET', path), replay, 401, 'did not confirm');
  });

  test('with an answer that was changed', async () => {
    await using gateway = await start();
    const changes: ((query: URLSearchParams) => void)[] = [
      (query) => query.set('state', 'x'),
      (query) => query.delete('state'),
      (query) => query.set('code', 'x'),
      (query) => query.delete('code'),
      (query) => query.set('iss', 'https://evil.example'),
      (query) => query.delete('iss'),
      (query) => query.append('code', 'x'),
    ];
    for (const change of changes) {
      const browser = openBrowser(gateway);
      const { pathname, searchParams } = await visitProvider(browser);
      change(searchParams);
      expectRefusal(
        await browser.bare('GET', `${pathname}?${searchParams.toString()}`),
        browser,
        401,
        'did not confirm',
      );
    }
    expect(await accounts(gateway)).toEqual([]);
  });

  test('with a token that was signed by nobody, is old, or is about somebody else', async () => {
    await using gateway = await start();
    const change = (part: 'header' | 'claims', more: object) => (body: Record<string, unknown>) => {
      const [header = '', claims = '', signature = ''] = String(body['id_token']).split('.');
      const altered = (text: string) =>
        Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(text, 'base64url').toString()), ...more })).toString(
          'base64url',
        );
      body['id_token'] = [
        part === 'header' ? altered(header) : header,
        part === 'claims' ? altered(claims) : claims,
        part === 'header' ? '' : signature,
      ].join('.');
    };
    const alterations = [
      ['/token', change('claims', { iss: 'https://evil.example' })],
      ['/token', change('claims', { aud: 'other' })],
      ['/token', change('claims', { exp: 1 })],
      ['/token', change('claims', { nonce: 'x' })],
      ['/token', change('claims', { email: 'boss@example.com' })],
      ['/token', change('header', { alg: 'none' })],
      ['/token', (body: Record<string, unknown>) => void delete body['id_token']],
      ['/me', (body: Record<string, unknown>) => void (body['sub'] = 'somebody-else')],
    ] as const;
    for (const [path, alter] of alterations) {
      idp.alter.clear();
      idp.alter.set(path, alter);
      const browser = openBrowser(gateway);
      expectRefusal(await signOn(browser), browser, 401, 'did not confirm');
    }
    expect(await accounts(gateway)).toEqual([]);
  });

  test('with a page to return to that is not ours', async () => {
    await using gateway = await start();
    const wrong = [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '/..//evil.example',
      '\t//evil.example',
    ];
    for (const page of [...wrong, 'javascript:alert(1)', '/%09/evil.example', '']) {
      const path = `/api/session/sso/login?return_to=${encodeURIComponent(page)}`;
      const location = (await signOn(openBrowser(gateway), path)).headers.get('location') ?? '';
      expect(new URL(location, gateway.address).origin, page).toBe(gateway.address);
    }
  });
});

test('a person who does not want to is told so, and nothing that the provider says becomes part of the page', async () => {
  await using gateway = await start();
  idp.person = undefined;
  const browser = openBrowser(gateway);
  expectRefusal(await signOn(browser), browser, 401, '(access_denied)');
  idp.person = { sub: 'ann' };
  const back = await visitProvider(browser);
  const query = new URLSearchParams({
    error: '<script>alert(1)</script>',
    state: back.searchParams.get('state') ?? '',
  });
  query.set('iss', idp.issuer);
  const answer = await browser.bare('GET', `${back.pathname}?${query.toString()}`);
  expect(answer.text).not.toContain('<script');
  expect(answer.text).toContain('&#60;script');
});
