import { describe, expect, test } from 'vitest';
import { addUser, basic, openBrowser, PASSWORD, setUp, signedIn } from '../kit/browser-session.ts';
import { DATABASES, newPostgresUrl } from '../kit/databases.ts';
import { startGateway } from '../kit/gateway.ts';
import { NODE_COUNT } from '../kit/node-count.ts';

describe('a password', () => {
  test('that changes ends every other session and every Basic request at once', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const browser = await signedIn(gateway);
    const other = await signedIn(gateway);
    const former = browser.cookies.get('token');
    const get = (password: string) => gateway.api('GET', '/api/config', undefined, basic('root', password));
    expect((await get(PASSWORD)).status).toBe(200);
    const new_password = 'Another-fine-phrase-7';
    const put = (current_password: string) =>
      browser.send('PUT', '/api/session/password', { current_password, new_password });
    expect((await put('wrong')).status).toBe(403);
    expect((await put(PASSWORD)).status).toBe(200);
    expect((await browser.bare('GET', '/api/config')).status).toBe(200);
    expect(browser.cookies.get('token')).not.toBe(former);
    expect((await other.bare('GET', '/api/config')).status).toBe(401);
    expect((await get(PASSWORD)).status).toBe(401);
    expect((await get(new_password)).status).toBe(200);
    expect((await openBrowser(gateway).login('root', PASSWORD)).status).toBe(401);
  });

  test('is refused in the same words whether the account exists, is off, or has another one', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const id = await addUser(gateway, 'off', 'viewer');
    await gateway.api('PUT', `/api/users/${id}`, { is_active: false });
    const answers = [
      await openBrowser(gateway).login('root', 'wrong'),
      await openBrowser(gateway).login('nobody', PASSWORD),
      await openBrowser(gateway).login('no\0body', PASSWORD),
      await openBrowser(gateway).login('off', PASSWORD),
    ];
    const [first] = answers;
    expect(first?.status).toBe(401);
    for (const { body } of answers) expect(body).toEqual(first?.body);
  });

  test('can be guessed ever more slowly, by name and by address', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const browser = openBrowser(gateway);
    // Each node counts for itself.
    for (let guess = 0; guess < 5 * NODE_COUNT; guess += 1)
      expect((await browser.login('Root', `guess-${guess}`)).status).toBe(401);
    const blocked = await browser.login('root', PASSWORD);
    expect(blocked.status).toBe(429);
    expect(Number(blocked.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(blocked.body).toMatchObject({ error: { code: 'too_many_attempts' } });
    expect((await gateway.api('GET', '/api/config', undefined, basic('root', PASSWORD))).status).toBe(429);
    // The address is not blocked yet, and cannot be disguised.
    const statuses = new Set<number>();
    for (let guess = 0; guess < 20 * NODE_COUNT; guess += 1) {
      const headers = { 'x-forwarded-for': `192.0.2.${guess}` };
      const sent = { username: `user-${guess}`, password: PASSWORD };
      statuses.add((await browser.bare('POST', '/api/session/login', sent, headers)).status);
    }
    expect([...statuses]).toEqual([401, 429]);
  });

  test('that many try at once is guessed no faster', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const guesses = Array.from({ length: 15 * NODE_COUNT }, (_, guess) =>
      openBrowser(gateway).login('root', `guess-${guess}`),
    );
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(5 * NODE_COUNT);
    expect(statuses.filter((status) => status === 429)).toHaveLength(10 * NODE_COUNT);
  });
});

test('HTTP Basic works for scripts, with every character a password may have', async () => {
  await using gateway = await startGateway();
  const password = 'Käse:und::Brot-ÄÖ9';
  await setUp(gateway, 'root', password);
  const send = (headers: { authorization: string }, method = 'GET', body?: object) =>
    gateway.api(method, '/api/config', body, headers);
  expect((await send(basic('ROOT', password))).status).toBe(200);
  const change = { client_config: { mcp_agent_depth: 4 } };
  expect((await send(basic('root', password), 'PUT', change)).status).toBe(200);
  const wrong = [basic('root', 'x'), basic('', password), basic('root', ''), { authorization: 'Basic ???' }];
  for (const headers of wrong) expect((await send(headers)).status).toBe(401);
  expect((await gateway.api('GET', '/metrics', undefined, basic('root', password))).status).toBe(200);
  const key = { ...basic('root', password), 'x-bf-vk': 'sk-bf-1' };
  expect((await gateway.api('GET', '/api/config', undefined, key)).status).toBe(401);
});

describe.each(DATABASES)('on %s', (type) => {
  test('every sign-in is recorded, failed ones without what was typed', async () => {
    const config =
      type === 'postgres' ? { config_store: { enabled: true, type, config: { url: await newPostgresUrl() } } } : {};
    await using gateway = await startGateway({ config });
    await setUp(gateway);
    const browser = openBrowser(gateway);
    await browser.login('root', 'Typed-by-mistake-1');
    await browser.login('Typed-by-mistake-1', '');
    await browser.login('root', PASSWORD);
    const me = (await browser.bare('GET', '/api/session/me')).body['user'] as { id: string };
    await browser.send('POST', '/api/session/logout');
    const { body } = await gateway.api('GET', '/api/audit-logs?entity=session');
    const logs = body['audit_logs'] as Record<string, unknown>[];
    expect(logs.map(({ action, actor, entity_id, entity_name }) => [action, actor, entity_id, entity_name])).toEqual([
      ['logout', `user:${me.id}`, me.id, 'root'],
      ['login', `user:${me.id}`, me.id, 'root'],
      ['login_failed', 'anonymous', '', ''],
      ['login_failed', 'anonymous', me.id, 'root'],
    ]);
    expect(logs[0]?.['request']).toMatchObject({ path: '/api/session/logout', ip: '127.0.0.1' });
    const everything = JSON.stringify((await gateway.api('GET', '/api/audit-logs?limit=1000')).body);
    for (const secret of ['Typed-by-mistake', PASSWORD, 'argon2']) expect(everything).not.toContain(secret);
    expect((await gateway.api('GET', '/api/audit-logs/verify')).body).toMatchObject({ is_intact: true });
  });
});
