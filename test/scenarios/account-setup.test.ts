import { describe, expect, test } from 'vitest';
import { openBrowser, PASSWORD } from '../kit/browser-session.ts';
import { messageIn, startGateway } from '../kit/gateway.ts';

const TOKEN = 'a-setup-token-of-this-test';
const NONE = { authorization: '' };
const admin = { username: 'root', password: PASSWORD };

describe('the first admin account', () => {
  test('wants the setup token or an API key that may do everything, and is made once', async () => {
    await using gateway = await startGateway({ setupToken: TOKEN });
    const post = (headers: Record<string, string>, more = {}) =>
      gateway.api('POST', '/api/session/setup', { ...admin, ...more }, { ...NONE, ...headers });
    const { body } = await gateway.api('POST', '/api/api-keys', { name: 'w', scopes: ['read', 'write', 'admin'] });
    const refused = [
      [await post({}), 401],
      [await post({ 'x-asbru-setup-token': `${TOKEN}x` }), 401],
      [await post({}, { setup_token: '' }), 401],
      [await post({ authorization: 'Bearer nobody' }), 401],
      [await post({ authorization: `Bearer ${TOKEN}` }), 401],
      [await post({ authorization: `Bearer ${String(body['key'])}` }), 403], // would get the scope mcp by it
      [await post({ 'x-asbru-setup-token': TOKEN }, { password: 'too-simple-by-far' }), 400],
    ] as const;
    for (const [answer, status] of refused) {
      expect(answer.status, JSON.stringify(answer.body)).toBe(status);
      messageIn(answer);
    }
    expect((await gateway.api('GET', '/api/session/is-auth-enabled', undefined, NONE)).body).toMatchObject({
      is_auth_enabled: false,
      is_setup_needed: true,
      auth_type: 'none',
    });
    expect((await post({ 'x-bifrost-setup-token': TOKEN })).status).toBe(200);
    expect((await post({ 'x-asbru-setup-token': TOKEN }, { username: 'second' })).status).toBe(409);
    expect((await openBrowser(gateway).login('root', PASSWORD)).status).toBe(200);
  });

  test('is made by one of several who try at once', async () => {
    await using gateway = await startGateway();
    const names = ['a', 'b', 'c', 'd'];
    const answers = await Promise.all(
      names.map((username) => gateway.api('POST', '/api/session/setup', { ...admin, username })),
    );
    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['200', '409', '409', '409']);
    expect((await gateway.api('GET', '/api/users')).body['total_count']).toBe(1);
  });

  test('cannot be made with a token where none is set, and nothing opens because it is missing', async () => {
    await using gateway = await startGateway();
    const headers = { ...NONE, 'x-asbru-setup-token': '' };
    expect((await gateway.api('POST', '/api/session/setup', admin, headers)).status).toBe(401);
    const sent = { ...admin, setup_token: 'guess' };
    expect((await gateway.api('POST', '/api/session/setup', sent, NONE)).status).toBe(403);
    expect((await gateway.api('GET', '/api/config', undefined, NONE)).status).toBe(401);
    expect((await gateway.api('POST', '/api/session/login', admin, NONE)).status).toBe(403);
  });
});
