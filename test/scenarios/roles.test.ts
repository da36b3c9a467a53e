import { describe, expect, test } from 'vitest';
import { addUser, PASSWORD, setUp, signedIn } from '../kit/browser-session.ts';
import { startGateway, type TestGateway } from '../kit/gateway.ts';

describe('roles', () => {
  const asRole = async (gateway: TestGateway, role: string) => {
    await addUser(gateway, role, role);
    return signedIn(gateway, role);
  };

  test('viewers read, editors write, admins manage who may do what', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const change = { client_config: { mcp_agent_depth: 4 } };
    const account = { username: 'new', password: PASSWORD };
    const attempts = [
      ['GET', '/api/config', undefined, { viewer: 200, editor: 200, admin: 200 }],
      ['GET', '/api/audit-logs', undefined, { viewer: 200, editor: 200, admin: 200 }],
      ['PUT', '/api/config', change, { viewer: 403, editor: 200, admin: 200 }],
      ['PUT', '/api/config', { auth_config: { is_enabled: true } }, { viewer: 403, editor: 403, admin: 200 }],
      ['GET', '/api/users', undefined, { viewer: 403, editor: 403, admin: 200 }],
      ['POST', '/api/users', account, { viewer: 403, editor: 403, admin: 200 }],
      ['GET', '/api/api-keys', undefined, { viewer: 403, editor: 403, admin: 200 }],
      ['POST', '/api/api-keys', { name: 'k' }, { viewer: 403, editor: 403, admin: 200 }],
    ] as const;
    for (const role of ['viewer', 'editor', 'admin'] as const) {
      const browser = await asRole(gateway, role);
      for (const [method, path, body, expected] of attempts)
        expect((await browser.send(method, path, body)).status, `${role} ${method} ${path}`).toBe(expected[role]);
    }
    const keys = (await gateway.api('GET', '/api/api-keys')).body['api_keys'] as {
      created_by_user_id: string | null;
    }[];
    expect(keys.at(-1)?.created_by_user_id).toMatch(/^[\w-]{36}$/);
  });

  test('a viewer does not see the value of a virtual key', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const created = await gateway.api('POST', '/api/governance/virtual-keys', { name: 'vk' });
    const { id, value } = created.body['virtual_key'] as { id: string; value: string };
    const viewer = await asRole(gateway, 'viewer');
    const editor = await asRole(gateway, 'editor');
    for (const path of ['/api/governance/virtual-keys', `/api/governance/virtual-keys/${id}`]) {
      expect((await viewer.send('GET', path)).text).not.toContain(value);
      expect((await editor.send('GET', path)).text).toContain(value);
    }
  });

  test('a change of role or state applies to the next request', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const id = await addUser(gateway, 'ed', 'editor');
    const browser = await signedIn(gateway, 'ed');
    const change = { client_config: { mcp_agent_depth: 4 } };
    expect((await browser.send('PUT', '/api/config', change)).status).toBe(200);
    await gateway.api('PUT', `/api/users/${id}`, { role: 'viewer' });
    expect((await browser.send('PUT', '/api/config', change)).status).toBe(403);
    await gateway.api('PUT', `/api/users/${id}`, { is_active: false });
    expect((await browser.bare('GET', '/api/config')).status).toBe(401);
    await gateway.api('PUT', `/api/users/${id}`, { is_active: true });
    expect((await browser.bare('GET', '/api/config')).status).toBe(401); // the session is gone for good
    const again = await signedIn(gateway, 'ed');
    expect((await gateway.api('DELETE', `/api/users/${id}`)).status).toBe(200);
    expect((await again.bare('GET', '/api/config')).status).toBe(401);
  });
});

describe('the accounts', () => {
  test('keep a last active admin', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const { users } = (await gateway.api('GET', '/api/users')).body as { users: { id: string }[] };
    const path = `/api/users/${users[0]?.id}`;
    for (const patch of [{ role: 'editor' }, { is_active: false }])
      expect((await gateway.api('PUT', path, patch)).status).toBe(400);
    expect((await gateway.api('DELETE', path)).status).toBe(400);
    const second = await addUser(gateway, 'second', 'admin');
    const both = [gateway.api('DELETE', path), gateway.api('DELETE', `/api/users/${second}`)];
    const statuses = (await Promise.all(both)).map(({ status }) => String(status));
    expect(statuses.toSorted()).toEqual(['200', '400']);
  });

  test('are checked, and a name is taken in any case of its letters', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const post = (body: object) => gateway.api('POST', '/api/users', { username: 'x', password: PASSWORD, ...body });
    expect((await post({ username: 'ROOT' })).status).toBe(409);
    const weak = ['short-A1', 'no-upper-case-1', 'NO-LOWER-CASE-1', 'No-digit-in-here', 'NoSymbolInHere12'];
    for (const password of weak) expect((await post({ password })).status, password).toBe(400);
    const wrong = [
      { username: 'a:b' },
      { username: '  ' },
      { username: 'a\u0000b' },
      { role: 'root' },
      { username: 7 },
    ];
    for (const body of wrong) expect((await post(body)).status, JSON.stringify(body)).toBe(400);
    const made = await post({ colour: 1 });
    expect(made.body).toMatchObject({
      user: { username: 'x', role: 'viewer', is_active: true, last_login_at: null },
      warnings: ['unknown field "colour" was ignored'],
    });
    expect(JSON.stringify(made.body)).not.toContain('argon2');
    const { id } = made.body['user'] as { id: string };
    expect((await gateway.api('GET', `/api/users/${id}`)).body).toEqual({ user: made.body['user'] });
    expect((await gateway.api('PUT', `/api/users/${id}`, { username: 'root' })).status).toBe(409);
    expect((await gateway.api('PUT', '/api/users/nobody', { role: 'viewer' })).status).toBe(404);
    expect((await gateway.api('DELETE', '/api/users/nobody')).status).toBe(404);
    expect((await gateway.api('GET', '/api/users?search=RO&limit=1')).body).toMatchObject({ count: 1, total_count: 1 });
  });

  test('give nobody more than the caller has', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const made = await gateway.api('POST', '/api/api-keys', { name: 'people', scopes: ['read', 'write', 'admin'] });
    const headers = { authorization: `Bearer ${String(made.body['key'])}` };
    const { users } = (await gateway.api('GET', '/api/users', undefined, headers)).body as { users: { id: string }[] };
    const root = `/api/users/${users[0]?.id}`;
    const post = (role: string) =>
      gateway.api('POST', '/api/users', { username: role, password: PASSWORD, role }, headers);
    expect((await post('admin')).status).toBe(403);
    expect((await post('editor')).status).toBe(200);
    expect((await gateway.api('PUT', root, { password: 'Taken-over-by-me-1' }, headers)).status).toBe(403);
    expect((await gateway.api('DELETE', root, undefined, headers)).status).toBe(403);
    const taken = { auth_config: { admin_password: 'Taken-over-by-me-1' } };
    expect((await gateway.api('PUT', '/api/config', taken, headers)).status).toBe(403);
    const browser = await signedIn(gateway);
    // An open browser is not enough to keep an account.
    expect((await browser.send('PUT', root, { password: 'Taken-over-by-me-1' })).status).toBe(403);
    expect((await browser.send('PUT', '/api/config', taken)).status).toBe(403);
  });
});
