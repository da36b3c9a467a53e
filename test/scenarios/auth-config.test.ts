import { afterEach, describe, expect, test, vi } from 'vitest';
import { addUser, basic, openBrowser, PASSWORD, setUp, signedIn } from '../kit/browser-session.ts';
import { messageIn, startGateway, type TestGateway } from '../kit/gateway.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const OTHER = 'Another-fine-phrase-7';
const shown = { value: '********', env_var: '', from_env: false };

afterEach(() => vi.unstubAllEnvs());

const put = (gateway: TestGateway, auth_config: object) => gateway.api('PUT', '/api/config', { auth_config });
const read = async (gateway: TestGateway) => (await gateway.api('GET', '/api/config')).body['auth_config'];
const canLogIn = async (gateway: TestGateway, name: string, password: string) =>
  (await openBrowser(gateway).login(name, password)).status === 200;

describe('auth_config of the settings', () => {
  test('makes, shows and changes the admin account, and a mask keeps its password', async () => {
    await using gateway = await startGateway();
    expect(await read(gateway)).toBeUndefined();
    const made = { admin_username: 'ops', admin_password: PASSWORD, is_enabled: true };
    expect((await put(gateway, made)).status).toBe(200);
    const view = { admin_username: 'ops', admin_password: shown, is_enabled: true };
    expect(await read(gateway)).toEqual(view);
    const browser = await signedIn(gateway, 'ops');
    for (const admin_password of [shown, '********', '<redacted>', { value: '[REDACTED]' }])
      expect((await put(gateway, { ...view, admin_password })).status).toBe(200);
    expect((await put(gateway, { ...view, disable_auth_on_inference: true })).body['warnings']).toBeUndefined();
    expect((await browser.bare('GET', '/api/config')).status).toBe(200);
    expect((await put(gateway, { admin_username: 'boss' })).status).toBe(200);
    expect((await browser.bare('GET', '/api/session/me')).body['name']).toBe('boss');
    expect((await put(gateway, { admin_password: OTHER })).status).toBe(200);
    expect((await browser.bare('GET', '/api/config')).status).toBe(401);
    expect([await canLogIn(gateway, 'boss', PASSWORD), await canLogIn(gateway, 'boss', OTHER)]).toEqual([false, true]);
    const { body } = await gateway.api('GET', '/api/audit-logs?entity=auth_config');
    const logs = body['audit_logs'] as { before: unknown; after: unknown }[];
    expect(logs.map(({ after }) => after)).toEqual([
      { ...view, admin_username: 'boss', password: 'changed' },
      { ...view, admin_username: 'boss' },
      { ...view, password: 'changed' },
    ]);
  });

  test('wants the current password from a person who changes it', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const browser = await signedIn(gateway);
    const send = (more: object) =>
      browser.send('PUT', '/api/config', { auth_config: { admin_password: OTHER, ...more } });
    expect((await send({})).status).toBe(403);
    expect((await send({ current_password: 'wrong' })).status).toBe(403);
    expect((await send({ current_password: PASSWORD })).status).toBe(200);
    expect((await browser.bare('GET', '/api/config')).status).toBe(401);
  });

  test('refuses what cannot be, and then changes nothing at all', async () => {
    await using gateway = await startGateway();
    const refused = async (auth_config: object, status: number) => {
      const both = { client_config: { mcp_agent_depth: 4 }, auth_config };
      const answer = await gateway.api('PUT', '/api/config', both);
      expect(answer.status, JSON.stringify(auth_config)).toBe(status);
      messageIn(answer);
      expect((await gateway.api('GET', '/api/config')).body).toMatchObject({ client_config: { mcp_agent_depth: 10 } });
    };
    await refused({ admin_username: 'ops', admin_password: '********' }, 400);
    await refused({ admin_password: PASSWORD }, 400);
    await setUp(gateway);
    await addUser(gateway, 'ed', 'editor');
    await refused({ admin_username: 'ed' }, 409);
    await refused({ admin_password: 'simple' }, 400);
    await refused({ admin_password: '' }, 400);
    await refused({ admin_password: 'env.ASBRU_TEST_NOT_SET' }, 400);
    await refused({ admin_username: 'a:b' }, 400);
    await refused({ is_enabled: 'yes' }, 400);
    expect(await canLogIn(gateway, 'root', PASSWORD)).toBe(true);
  });

  test('switches passwords off and on; sessions end, keys work', async () => {
    await using gateway = await startGateway();
    await setUp(gateway);
    const browser = await signedIn(gateway);
    const off = { admin_username: 'root', admin_password: '', is_enabled: false };
    expect((await put(gateway, off)).status).toBe(200);
    expect((await browser.bare('GET', '/api/config')).status).toBe(401);
    expect((await openBrowser(gateway).login('root', PASSWORD)).status).toBe(403);
    expect((await gateway.api('GET', '/api/config', undefined, basic('root', PASSWORD))).status).toBe(401);
    expect((await gateway.api('GET', '/api/config', undefined, { authorization: '' })).status).toBe(401);
    expect((await put(gateway, { is_enabled: true })).status).toBe(200);
    expect((await browser.bare('GET', '/api/config')).status).toBe(401);
    expect(await canLogIn(gateway, 'root', PASSWORD)).toBe(true);
  });

  test('of a switch and a new password at once neither undoes the other', async () => {
    await using gateway = await startGateway();
    await put(gateway, { admin_username: 'ops', admin_password: PASSWORD });
    for (const is_enabled of [false, true, false]) {
      const password = put(gateway, { admin_password: is_enabled ? PASSWORD : OTHER });
      expect((await put(gateway, { is_enabled })).status).toBe(200);
      expect((await password).status).toBe(200);
      expect(await read(gateway)).toMatchObject({ is_enabled });
    }
  });
});

describe('auth_config of config.json', () => {
  test('makes the account at the start; what is changed later stays until the file changes', async () => {
    await using folder = await temporaryFolder();
    vi.stubEnv('ASBRU_TEST_PASSWORD', PASSWORD);
    const start = (admin_username: string) =>
      startGateway({
        appDir: folder.path,
        apiKey: 'bfst-of-this-test',
        config: { governance: { auth_config: { admin_username, admin_password: 'env.ASBRU_TEST_PASSWORD' } } },
      });
    const reference = { value: '********', env_var: 'env.ASBRU_TEST_PASSWORD', from_env: true };
    {
      await using gateway = await start('ops');
      expect(await read(gateway)).toEqual({ admin_username: 'ops', admin_password: reference, is_enabled: true });
      expect(await canLogIn(gateway, 'ops', PASSWORD)).toBe(true);
      expect((await put(gateway, { admin_password: OTHER })).status).toBe(200);
    }
    {
      await using gateway = await start('ops');
      expect(await canLogIn(gateway, 'ops', OTHER)).toBe(true);
      expect(await read(gateway)).toMatchObject({ admin_password: shown });
    }
    {
      vi.stubEnv('ASBRU_TEST_PASSWORD', 'A-third-fine-phrase-3');
      await using gateway = await start('ops');
      expect(await canLogIn(gateway, 'ops', 'A-third-fine-phrase-3')).toBe(true);
    }
    {
      await using gateway = await start('boss');
      expect(await canLogIn(gateway, 'boss', 'A-third-fine-phrase-3')).toBe(true);
      expect(await canLogIn(gateway, 'ops', 'A-third-fine-phrase-3')).toBe(false);
      expect((await gateway.api('GET', '/api/users')).body['total_count']).toBe(1);
    }
  });

  test('with a weak password makes no account, and the gateway stays closed', async () => {
    const auth_config = { admin_username: 'ops', admin_password: 'admin' };
    await using gateway = await startGateway({ config: { governance: { auth_config } } });
    expect(await read(gateway)).toBeUndefined();
    expect((await gateway.api('GET', '/api/config', undefined, { authorization: '' })).status).toBe(401);
    expect((await openBrowser(gateway).login('ops', 'admin')).status).toBe(403);
  });
});
