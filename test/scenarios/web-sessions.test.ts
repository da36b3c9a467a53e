import { describe, expect, test } from 'vitest';
import { openBrowser, PASSWORD, setUp, signedIn } from '../kit/browser-session.ts';
import { startGateway } from '../kit/gateway.ts';

const NONE = { authorization: '' };
const admin = { username: 'root', password: PASSWORD };

describe('a session', () => {
  test('is a cookie that no script reads, and opens the API', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const browser = await signedIn(gateway);
    expect(browser.received).toEqual([
      expect.stringMatching(/^token=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/),
    ]);
    expect((await browser.bare('GET', '/api/mcp/clients')).status).toBe(200);
    const me = await browser.bare('GET', '/api/session/me');
    expect(me.body).toMatchObject({ name: 'root', user: { username: 'root', role: 'admin', origin: 'local' } });
    expect(me.body['scopes']).toEqual(['read', 'write', 'mcp', 'admin']);
    expect(me.text).not.toContain('argon2');
    expect((await browser.bare('GET', '/api/session/is-auth-enabled')).body).toMatchObject({
      is_auth_enabled: true,
      has_valid_token: true,
      auth_type: 'password',
      inference_auth_enforced: true,
      is_setup_needed: false,
    });
  });

  test('has a cookie for TLS alone where the browser uses TLS', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const browser = openBrowser(gateway);
    const origin = gateway.address.replace('http:', 'https:');
    await browser.bare('POST', '/api/session/login', admin, { 'x-forwarded-proto': 'https', origin });
    expect(browser.received[0]).toMatch(/; Secure$/);
    await gateway.api('PUT', '/api/config', { client_config: { mcp_external_client_url: 'https://gw.example.com' } });
    await browser.bare('POST', '/api/session/login', admin);
    expect(browser.received[0]).toMatch(/; Secure$/);
  });

  test('works in the cookie and nowhere else, and not for the model routes', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const browser = await signedIn(gateway);
    const token = browser.cookies.get('token') ?? '';
    const get = (headers: Record<string, string>) => gateway.api('GET', '/api/config', undefined, headers);
    expect((await get({ authorization: `Bearer ${token}` })).status).toBe(401);
    expect((await get({ ...NONE, 'x-api-key': token })).status).toBe(401);
    expect((await get({ ...NONE, 'x-api-key': token, cookie: `token=${token}` })).status).toBe(401);
    expect((await get({ ...NONE, 'x-bf-vk': 'sk-bf-1', cookie: `token=${token}` })).status).toBe(401);
    expect((await get({ authorization: 'Bearer nobody', cookie: `token=${token}` })).status).toBe(401);
    expect((await get({ ...NONE, cookie: `token=${token}x` })).status).toBe(401);
    for (const path of ['/mcp', '/v1/mcp/tool/execute'])
      expect((await gateway.api('POST', path, {}, { ...NONE, cookie: `token=${token}` })).status).toBe(401);
  });

  test('changes something only from a page of the gateway that knows its token', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const browser = await signedIn(gateway);
    const other = await signedIn(gateway);
    const csrf = String((await browser.bare('GET', '/api/session/me')).body['csrf_token']);
    const foreignCsrf = String((await other.bare('GET', '/api/session/me')).body['csrf_token']);
    const own = { origin: gateway.address, 'x-csrf-token': csrf };
    const change = { client_config: { mcp_agent_depth: 4 } };
    const put = (headers: Record<string, string>) => browser.bare('PUT', '/api/config', change, headers);
    const port = Number(new URL(gateway.address).port);
    const wrong: Record<string, string>[] = [
      {},
      { 'x-csrf-token': csrf },
      { origin: gateway.address },
      { ...own, 'x-csrf-token': foreignCsrf },
      { ...own, 'x-csrf-token': '' },
      { ...own, origin: `http://127.0.0.1:${port + 1}` },
      { ...own, origin: `http://localhost:${port}` },
      { ...own, origin: 'null' },
      { ...own, 'sec-fetch-site': 'same-site' },
      { ...own, 'sec-fetch-site': 'cross-site' },
      { ...own, 'sec-fetch-site': 'none' },
    ];
    for (const headers of wrong) expect((await put(headers)).status, JSON.stringify(headers)).toBe(403);
    expect((await gateway.api('GET', '/api/config')).body).toMatchObject({ client_config: { mcp_agent_depth: 10 } });
    expect((await put(own)).status).toBe(200);
    expect((await put({ 'sec-fetch-site': 'same-origin', 'x-csrf-token': csrf })).status).toBe(200);
    // Whatever its scope: a POST is a change.
    expect((await browser.bare('POST', '/api/session/ws-ticket')).status).toBe(403);
    expect((await browser.bare('POST', '/api/session/ws-ticket', undefined, own)).status).toBe(200);
  });

  test('is a new one at each sign-in, and never one that somebody else chose', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const browser = openBrowser(gateway);
    browser.cookies.set('token', 'chosen-by-an-attacker');
    await browser.login('root', PASSWORD);
    const first = browser.cookies.get('token');
    expect(first).not.toBe('chosen-by-an-attacker');
    const fixed = openBrowser(gateway);
    fixed.cookies.set('token', 'chosen-by-an-attacker');
    expect((await fixed.bare('GET', '/api/config')).status).toBe(401);
    await browser.login('root', PASSWORD);
    expect(browser.cookies.get('token')).not.toBe(first);
    fixed.cookies.set('token', first ?? '');
    expect((await fixed.bare('GET', '/api/config')).status).toBe(401);
  });

  test('ends with signing out, which may be repeated, and no foreign page can do it', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const browser = await signedIn(gateway);
    const stolen = openBrowser(gateway);
    stolen.cookies.set('token', browser.cookies.get('token') ?? '');
    const foreign = { origin: 'http://localhost:1', 'sec-fetch-site': 'same-site' };
    expect((await browser.bare('POST', '/api/session/logout', undefined, foreign)).status).toBe(403);
    expect((await stolen.bare('GET', '/api/config')).status).toBe(200);
    expect((await browser.send('POST', '/api/session/logout')).body).toEqual({ message: 'Logout successful' });
    expect(browser.cookies.has('token')).toBe(false);
    expect((await stolen.bare('GET', '/api/config')).status).toBe(401);
    expect((await browser.send('POST', '/api/session/logout')).status).toBe(200);
  });

  test('is refused to foreign pages that would sign somebody in as somebody else', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const browser = openBrowser(gateway);
    const headers = { origin: 'http://localhost:1' };
    expect((await browser.bare('POST', '/api/session/login', admin, headers)).status).toBe(403);
    expect(browser.cookies.has('token')).toBe(false);
  });
});
