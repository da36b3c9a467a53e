import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basic, openBrowser, PASSWORD, setUp } from '../kit/browser-session.ts';
import { startGateway } from '../kit/gateway.ts';
import { signOn, startIdentityProvider, type IdentityProvider } from '../kit/identity-provider.ts';
import { accounts, expectRefusal, me, startWithSso, type Account } from '../kit/single-sign-on.ts';

let idp: IdentityProvider;
beforeAll(async () => void (idp = await startIdentityProvider()));
afterAll(() => idp.stop());

const start = (oidc: object = {}) => startWithSso(idp, oidc);

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
