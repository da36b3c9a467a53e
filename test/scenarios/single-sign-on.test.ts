import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basic, openBrowser, PASSWORD, setUp, type PageAnswer, type TestBrowser } from '../kit/browser-session.ts';
import { startGateway, type TestGateway } from '../kit/gateway.ts';
import { signOn, startIdentityProvider, visitProvider, type IdentityProvider } from '../kit/identity-provider.ts';

let idp: IdentityProvider;
beforeAll(async () => void (idp = await startIdentityProvider()));
afterAll(() => idp.stop());

async function start(oidc: object = {}): Promise<TestGateway> {
  const { issuer, clientId, clientSecret } = idp;
  const options = { issuer, client_id: clientId, client_secret: clientSecret, default_role: 'viewer', ...oidc };
  const gateway = await startGateway({ config: { auth: { oidc: options } } });
  idp.allow(`${gateway.address}/api/session/sso/callback`);
  idp.person = { sub: 'ann', preferred_username: 'ann', email: 'ann@example.com', email_verified: true };
  idp.asked.length = 0;
  idp.alter.clear();
  return gateway;
}

interface Account {
  readonly id: string;
  readonly username: string;
  readonly role: string;
  readonly origin: string;
}
async function accounts(gateway: TestGateway): Promise<Account[]> {
  return (await gateway.api('GET', '/api/users')).body['users'] as Account[];
}
const me = async (browser: TestBrowser) => (await browser.bare('GET', '/api/session/me')).body;

/** Nobody is signed in, and a person can read why. */
function expectRefusal(answer: PageAnswer, browser: TestBrowser, status: number, reason: string): void {
  expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'text/html; charset=utf-8']);
  expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(answer.text).toContain(reason);
  expect(browser.cookies.has('token')).toBe(false);
  expect(browser.cookies.has('sso')).toBe(false);
}

describe('signing in at the identity provider', () => {
  test('makes an account at the first time and finds it again', async () => {
    await using gateway = await start();
    const browser = openBrowser(gateway);
    expect((await browser.bare('GET', '/api/session/is-auth-enabled')).body).toMatchObject({
      is_auth_enabled: true,
      auth_type: 'sso',
      is_sso_enabled: true,
      has_valid_token: false,
    });
    const answer = await signOn(browser, '/api/session/sso/login?return_to=%2Fservers%3Fa%3D1');
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/servers?a=1']);
    expect(browser.received).toEqual([
      expect.stringMatching(/^token=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/),
      expect.stringMatching(/^sso=; Path=\/api\/session\/sso; Max-Age=0; HttpOnly; SameSite=Lax$/),
    ]);
    expect(await me(browser)).toMatchObject({ name: 'ann', user: { origin: 'sso', role: 'viewer' } });
    const [ann] = await accounts(gateway);
    await signOn(openBrowser(gateway));
    expect(await accounts(gateway)).toEqual([expect.objectContaining({ id: ann?.id })]);
    // The name is the provider's to change; it is not what people are found by.
    idp.person = { sub: 'ann', preferred_username: 'someone' };
    const again = openBrowser(gateway);
    await signOn(again);
    expect(await me(again)).toMatchObject({ principal: `user:${ann?.id}` });
    const { body } = await gateway.api('GET', `/api/audit-logs?actor=user:${ann?.id}`);
    const logs = body['audit_logs'] as { action: string; entity: string }[];
    expect(logs.map(({ action, entity }) => `${action} ${entity}`)).toEqual([
      ...['login session', 'login session', 'login session'],
      'create user',
    ]);
  });

  test('asks with PKCE, state and nonce, new each time', async () => {
    await using gateway = await start({ scopes: ['openid', 'email', 'groups'] });
    await signOn(openBrowser(gateway));
    await signOn(openBrowser(gateway));
    const [first, second] = idp.asked.filter((query) => query.has('state'));
    expect(Object.fromEntries(first ?? [])).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      scope: 'openid email groups',
      redirect_uri: `${gateway.address}/api/session/sso/callback`,
    });
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(first?.get(name)).toMatch(/^[\w-]{43}$/);
      expect(second?.get(name)).not.toBe(first?.get(name));
    }
  });

  test('never takes over an account that has the same name or address', async () => {
    await using gateway = await start();
    await setUp(gateway, 'ann@example.com');
    idp.person = { sub: '1', preferred_username: 'ann@example.com', email: 'ann@example.com', email_verified: true };
    const browser = openBrowser(gateway);
    await signOn(browser);
    expect(await me(browser)).toMatchObject({ name: 'ann@example.com (2)', user: { role: 'viewer' } });
    idp.person = { ...idp.person, sub: '2' };
    await signOn(openBrowser(gateway));
    const names = (await accounts(gateway)).map(({ username }) => username);
    expect(names).toEqual(['ann@example.com', 'ann@example.com (2)', 'ann@example.com (3)']);
    // And it has no password here.
    const answer = await gateway.api('GET', '/api/config', undefined, basic('ann@example.com (2)', PASSWORD));
    expect(answer.status).toBe(401);
    const id = (await accounts(gateway))[1]?.id;
    expect((await gateway.api('PUT', `/api/users/${id}`, { password: PASSWORD })).status).toBe(400);
  });

  test('gives the role of a claim, anew each time', async () => {
    const rules = { role_claim: 'groups', role_mapping: { ops: 'admin', dev: 'editor' }, default_role: undefined };
    await using gateway = await start({ ...rules, scopes: ['openid', 'profile', 'groups'] });
    const roleWith = async (groups: string[]) => {
      idp.person = { sub: 'ann', groups };
      const browser = openBrowser(gateway);
      const answer = await signOn(browser);
      return answer.status === 303 ? ((await me(browser))['user'] as Account).role : answer.status;
    };
    expect(await roleWith(['dev'])).toBe('editor');
    const browser = openBrowser(gateway);
    await signOn(browser);
    expect(await roleWith(['dev', 'ops'])).toBe('admin');
    expect((await browser.bare('GET', '/api/users')).status).toBe(200); // the open session follows
    expect(await roleWith(['other'])).toBe(403);
    expect(await accounts(gateway)).toHaveLength(1);
  });

  test('leaves a role alone that was given here, where no claim says one', async () => {
    await using gateway = await start();
    await signOn(openBrowser(gateway));
    const [ann] = await accounts(gateway);
    await gateway.api('PUT', `/api/users/${ann?.id}`, { role: 'editor' });
    await signOn(openBrowser(gateway));
    expect((await accounts(gateway))[0]?.role).toBe('editor');
  });

  test('is for verified addresses of the named domains, and for accounts that are on', async () => {
    await using gateway = await start({ allowed_domains: ['example.com'] });
    const browser = openBrowser(gateway);
    for (const person of [
      { sub: 'eve', email: 'eve@example.org', email_verified: true },
      { sub: 'eve', email: 'eve@example.com', email_verified: false },
      { sub: 'eve' },
    ]) {
      idp.person = person;
      expectRefusal(await signOn(browser), browser, 403, 'only verified e-mail addresses');
    }
    expect(await accounts(gateway)).toEqual([]);
    idp.person = { sub: 'ann', email: 'ann@example.com', email_verified: true };
    const open = openBrowser(gateway);
    await signOn(open);
    const [ann] = await accounts(gateway);
    await gateway.api('PUT', `/api/users/${ann?.id}`, { is_active: false });
    expect((await open.bare('GET', '/api/config')).status).toBe(401);
    expectRefusal(await signOn(browser), browser, 403, 'switched off');
  });

  test('goes on while passwords are switched off, and off it is gone', async () => {
    await using gateway = await start();
    await setUp(gateway);
    await gateway.api('PUT', '/api/config', { auth_config: { is_enabled: false } });
    const browser = openBrowser(gateway);
    await signOn(browser);
    expect((await browser.bare('GET', '/api/config')).status).toBe(200);
    await using plain = await startGateway();
    expect((await openBrowser(plain).bare('GET', '/api/session/sso/login')).status).toBe(404);
  });

  test('ends here with signing out, and says where to end it there', async () => {
    await using gateway = await start();
    const browser = openBrowser(gateway);
    await signOn(browser);
    const { body } = await browser.send('POST', '/api/session/logout');
    const url = new URL(String(body['end_session_url']));
    expect(url.origin).toBe(idp.issuer);
    expect(url.searchParams.get('client_id')).toBe('asbru');
    expect((await browser.bare('GET', '/api/config')).status).toBe(401);
  });
});

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
      expectRefusal(await browser.bare('GET', `${pathname}?${searchParams}`), browser, 401, 'did not confirm');
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
  const answer = await browser.bare('GET', `${back.pathname}?${query}`);
  expect(answer.text).not.toContain('<script');
  expect(answer.text).toContain('&#60;script');
});

test('a provider that does not answer keeps nobody else out, and is asked again later', async () => {
  const other = await startIdentityProvider();
  const oidc = { issuer: other.issuer, client_id: 'asbru', client_secret: other.clientSecret, default_role: 'viewer' };
  await other.stop();
  await using gateway = await startGateway({ config: { auth: { oidc } } });
  await setUp(gateway);
  const browser = openBrowser(gateway);
  const answer = await browser.bare('GET', '/api/session/sso/login');
  expectRefusal(answer, browser, 400, 'does not answer');
  expect((await browser.login('root', PASSWORD)).status).toBe(200);
  expect((await browser.send('POST', '/api/session/logout')).status).toBe(200);
  await other.restart();
  expect((await browser.bare('GET', '/api/session/sso/login')).status).toBe(303);
  await other.stop();
});
