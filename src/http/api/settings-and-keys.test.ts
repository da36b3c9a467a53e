import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ApiKeyScope, ApiKeyView } from '../../contract/api-key.ts';
import { DEFAULT_SETTINGS } from '../../contract/client-settings.ts';
import { createAttempts } from '../../governance/attempts.ts';
import { createAuthConfig } from '../../governance/auth-config.ts';
import { createLogger } from '../../lib/logger.ts';
import { createPasswords } from '../../lib/password.ts';
import { createAccountStore } from '../../store/accounts.ts';
import { createAuditStore } from '../../store/audit.ts';
import { createChanges } from '../../store/changes.ts';
import type { Changes } from '../../store/changes.ts';
import { openDatabase } from '../../store/database.ts';
import type { Database } from '../../store/database.ts';
import { createSettingsStore } from '../../store/settings.ts';
import { createSessionStore } from '../../store/sessions.ts';
import { createUserStore } from '../../store/users.ts';
import { createApi } from '../api.ts';
import { statusRoutes } from '../status.ts';
import { apiKeyRoutes } from './api-keys.ts';
import { auditLogRoutes } from './audit-logs.ts';
import { configRoutes } from './config.ts';

let database: Database;
let changes: Changes;
let scopes: ApiKeyScope[];
let published: string[];
let app: ReturnType<typeof createApi>;

beforeEach(async () => {
  database = await openDatabase({ type: 'sqlite', path: ':memory:' });
  changes = await createChanges(database, () => {});
  published = [];
  changes.subscribe((table, id) => void published.push(`${table} ${id}`));
  scopes = ['read', 'write', 'mcp'];
  const accounts = createAccountStore(database.db);
  const settings = createSettingsStore(database.db);
  const audit = createAuditStore(database.db, randomBytes(32));
  const users = createUserStore(database.db);
  const sessions = createSessionStore(database.db);
  const deps = { users, sessions, settings, changes, database, audit, passwords: createPasswords() };
  const authConfig = createAuthConfig({ ...deps, attempts: createAttempts() });
  app = createApi({
    routes: [
      ...apiKeyRoutes({ accounts, changes, database, audit }),
      ...configRoutes({ settings, changes, database, audit, authConfig, browser: { addressOf: () => 'here' } }),
      ...auditLogRoutes(audit),
      ...statusRoutes({ ping: () => accounts.count(), readiness: { check: async () => 'ok' }, version: '1.2.3' }),
    ],
    identify: () => ({ kind: 'operator', principal: 'api-key:1', name: 'admin', scopes }),
    version: '1.2.3',
    logger: createLogger({ level: 'silent', style: 'json' }),
  });
});
afterEach(async () => {
  await changes.close();
  await database.close();
});

async function send(method: string, path: string, body?: object) {
  const response = await app.request(path, body === undefined ? { method } : { method, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('API keys', () => {
  test('are shown once, listed without their value, and gone after removal', async () => {
    const created = await send('POST', '/api/api-keys', { name: 'ci', description: 'robot', scopes: ['read'] });
    expect(created.status).toBe(200);
    const { key, api_key } = created.body as { key: string; api_key: ApiKeyView };
    expect(key).toMatch(/^bfst-/);
    expect(api_key).toMatchObject({ id: 1, name: 'ci', description: 'robot', scopes: ['read'], expires_at: null });

    const list = await send('GET', '/api/api-keys?limit=10');
    expect(list.body).toMatchObject({ api_keys: [{ name: 'ci' }], count: 1, total_count: 1, limit: 10, offset: 0 });
    expect(JSON.stringify(list.body)).not.toContain(key);
    expect((await send('GET', '/api/api-keys/1')).body).toEqual({ api_key });

    expect((await send('DELETE', '/api/api-keys/1')).body).toEqual({ message: 'API key removed successfully' });
    expect((await send('GET', '/api/api-keys/1')).status).toBe(404);
    expect((await send('DELETE', '/api/api-keys/1')).status).toBe(404);
    expect(published).toEqual(['api_keys 1', 'api_keys 1']);
  });

  test('cannot give what the caller does not have', async () => {
    scopes = ['read', 'write'];
    const refused = await send('POST', '/api/api-keys', { name: 'more', scopes: ['read', 'mcp'] });
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ error: { message: expect.stringContaining('"mcp"') as string } });
    expect((await send('POST', '/api/api-keys', { name: 'same' })).body).toMatchObject({
      api_key: { scopes: ['read', 'write'] },
    });
    scopes = ['write'];
    expect((await send('POST', '/api/api-keys', { name: 'defaults' })).status).toBe(403);
  });

  test('refuse bad input: a taken name, a past date, an id that is no number', async () => {
    await send('POST', '/api/api-keys', { name: 'ci' });
    expect((await send('POST', '/api/api-keys', { name: 'ci' })).status).toBe(409);
    expect((await send('POST', '/api/api-keys', { name: 'old', expires_at: '2020-01-01T00:00:00Z' })).status).toBe(400);
    expect((await send('POST', '/api/api-keys', { name: ' ' })).status).toBe(400);
    expect((await send('GET', '/api/api-keys/abc')).status).toBe(400);
  });
});

describe('the settings', () => {
  test('are merged: what is not sent stays, and the change is published', async () => {
    expect((await send('PUT', '/api/config', { client_config: { mcp_agent_depth: 3 } })).status).toBe(200);
    await send('PUT', '/api/config', { client_config: { enforce_auth_on_inference: false } });
    const { body } = await send('GET', '/api/config');
    expect(body).toMatchObject({
      client_config: { ...DEFAULT_SETTINGS, mcp_agent_depth: 3, enforce_auth_on_inference: false },
      is_db_connected: true,
      restart_required: { required: false },
    });
    expect(published).toEqual(['settings client', 'settings client']);
  });

  test('name unknown fields and do not store them', async () => {
    const { body } = await send('PUT', '/api/config', { client_config: { colour: 1 }, auth_config: { hue: 2 } });
    expect(body.warnings).toEqual([
      'unknown field "client_config.colour" was ignored',
      'unknown field "auth_config.hue" was ignored',
    ]);
    expect((await send('GET', '/api/config')).body.client_config).toEqual(DEFAULT_SETTINGS);
  });

  test('refuse a bad value and change nothing', async () => {
    const bad = { client_config: { mcp_agent_depth: 0, mcp_tool_execution_timeout: 9 } };
    const { status, body } = await send('PUT', '/api/config', bad);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { message: 'client_config.mcp_agent_depth: must be at least 1' } });
    expect((await send('GET', '/api/config')).body.client_config).toEqual(DEFAULT_SETTINGS);
    expect(published).toEqual([]);
  });
});

describe('the audit logs', () => {
  const ids = async (query: string) => {
    const { status, body } = await send('GET', `/api/audit-logs?${query}`);
    return status === 200 ? (body.audit_logs as { id: number }[]).map(({ id }) => id) : status;
  };

  test('say who did what, without the key, and nothing of what was refused', async () => {
    const { key, api_key } = (await send('POST', '/api/api-keys', { name: 'ci' })).body as {
      key: string;
      api_key: object;
    };
    expect((await send('POST', '/api/api-keys', { name: 'ci' })).status).toBe(409);
    await send('PUT', '/api/config', { client_config: { mcp_agent_depth: 3 } });
    await send('PUT', '/api/config', { client_config: { mcp_agent_depth: 0 } });
    await send('PUT', '/api/config', { client_config: { colour: 1 } });
    await send('DELETE', '/api/api-keys/1');
    await send('DELETE', '/api/api-keys/1');
    const { body } = await send('GET', '/api/audit-logs');
    const actor = { actor: 'api-key:1', actor_name: 'admin' };
    expect(body).toMatchObject({
      audit_logs: [
        { ...actor, id: 3, action: 'delete', entity: 'api_key', entity_id: '1', before: api_key, after: null },
        {
          ...actor,
          id: 2,
          action: 'update',
          entity: 'settings',
          entity_name: 'client_config',
          before: DEFAULT_SETTINGS,
          after: { ...DEFAULT_SETTINGS, mcp_agent_depth: 3 },
          request: { method: 'PUT', path: '/api/config' },
        },
        { ...actor, id: 1, action: 'create', entity_name: 'ci', before: null, after: api_key },
      ],
      pagination: { limit: 50, offset: 0, total_count: 3 },
    });
    expect(JSON.stringify(body)).not.toContain(key);
    const { head, ...verdict } = (await send('GET', '/api/audit-logs/verify')).body;
    expect(verdict).toEqual({ is_intact: true, entries: 3 });
    expect((await send('GET', '/api/audit-logs/3')).body).toMatchObject({ id: 3, hash: head });
  });

  test('are found by filter and page, and a bad one is refused', async () => {
    for (const name of ['a', 'b', 'c']) await send('POST', '/api/api-keys', { name });
    await send('DELETE', '/api/api-keys/2');
    expect(await ids('limit=2&offset=1')).toEqual([3, 2]);
    expect(await ids('limit=0')).toEqual([4]);
    expect(await ids('action=delete,update')).toEqual([4]);
    expect(await ids('entity=api_key&entity_id=2,3')).toEqual([4, 3, 2]);
    expect(await ids('actor=api-key:2')).toEqual([]);
    expect(await ids('search=C')).toEqual([3]);
    expect(await ids('start_time=2020-01-01T00:00:00%2B02:00&end_time=2020-01-02T00:00:00Z')).toEqual([]);
    for (const bad of ['action=burn', 'entity=x', 'limit=-1', 'start_time=yesterday']) expect(await ids(bad)).toBe(400);
    expect((await send('GET', '/api/audit-logs/x')).status).toBe(400);
    expect((await send('GET', '/api/audit-logs/9')).status).toBe(404);
  });
});

test('health asks the database, and the version is a bare string', async () => {
  expect((await send('GET', '/health')).body).toEqual({ status: 'ok', components: { db_pings: 'ok' } });
  expect((await send('GET', '/api/version')).body).toBe('1.2.3');
  await database.db.destroy();
  const sick = await send('GET', '/health');
  expect(sick.status).toBe(503);
  expect(sick.body).toMatchObject({ status_code: 503, extra_fields: { components: { db_pings: 'failed' } } });
});
