import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GatewayError } from '../lib/errors.ts';
import { createLogger } from '../lib/logger.ts';
import { createAccountStore } from '../store/accounts.ts';
import type { AccountStore } from '../store/accounts.ts';
import { createChanges } from '../store/changes.ts';
import type { KeyCaller } from '../governance/policy.ts';
import type { Changes } from '../store/changes.ts';
import { openDatabase } from '../store/database.ts';
import type { Database } from '../store/database.ts';
import { allRoutes } from '../../test/kit/all-routes.ts';
import { createApi } from './api.ts';
import { createIdentify } from './identify.ts';
import type { Identify, RequestHeaders } from './identify.ts';

const logger = createLogger({ level: 'silent', style: 'json' });
let database: Database;
let accounts: AccountStore;
let changes: Changes;
let isEnforced = true;
let required: string[] = [];
const callers = new Map<string, KeyCaller>();
let identify: Identify;
let key: string;

beforeEach(async () => {
  database = await openDatabase({ type: 'sqlite', path: ':memory:' });
  accounts = createAccountStore(database.db);
  changes = await createChanges(database, () => {});
  ({ key } = await accounts.create({ name: 'admin', scopes: ['read', 'write', 'mcp'] }));
  isEnforced = true;
  required = [];
  callers.clear();
  identify = await createIdentify({
    accounts,
    changes,
    logger,
    settings: () => ({ enforce_auth_on_inference: isEnforced, required_headers: required }),
    policy: { findCaller: (value) => callers.get(value) },
  });
});
afterEach(async () => {
  await changes.close();
  await database.close();
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** The code with which a request is refused, or the name of the caller. */
function outcome(run: () => { name: string }): string {
  try {
    return run().name;
  } catch (error) {
    if (error instanceof GatewayError) return error.code;
    throw error;
  }
}
const manage = (headers: RequestHeaders, scope: 'read' | 'write' = 'read') =>
  outcome(() => identify.identifyManagement(headers, scope));
const infer = (headers: RequestHeaders) => outcome(() => identify.identifyInference(headers));

describe('the management API', () => {
  test('opens to a bearer API key alone', () => {
    expect(manage(bearer(key))).toBe('admin');
    expect(manage({ authorization: `bearer ${key}` })).toBe('admin');
    expect(identify.identifyManagement(bearer(key), 'write')).toMatchObject({
      kind: 'operator',
      principal: 'api-key:1',
    });
  });

  test('refuses everything else, and says what is expected', () => {
    const wrong: RequestHeaders[] = [
      {},
      { 'x-api-key': key },
      { 'x-bf-vk': 'sk-bf-1' },
      { authorization: '' },
      { authorization: 'Bearer' },
      { authorization: 'Bearer ' },
      { authorization: key },
      { authorization: `Basic ${Buffer.from(`admin:${key}`).toString('base64')}` },
      bearer('sk-bf-00000000-0000-4000-8000-000000000000'),
      bearer(`${key}x`),
      bearer(key.slice(0, -1)),
      bearer(`${key} `),
      bearer(`${key}, Bearer ${key}`),
      { ...bearer(key), 'x-bf-vk': 'sk-bf-1' },
    ];
    for (const headers of wrong) {
      expect(() => identify.identifyManagement(headers, 'read'), JSON.stringify(headers)).toThrow(
        'Authorization: Bearer <API key>',
      );
      expect(manage(headers)).toBe('unauthorized');
    }
  });

  test('refuses a key without the scope and names the scope', async () => {
    const reader = await accounts.create({ name: 'reader', scopes: ['read'] });
    await changes.publish('api_keys', '2');
    expect(manage(bearer(reader.key))).toBe('reader');
    expect(manage(bearer(reader.key), 'write')).toBe('forbidden');
    expect(infer(bearer(reader.key))).toBe('forbidden');
    expect(() => identify.identifyManagement(bearer(reader.key), 'write')).toThrow('"write"');
  });

  test('forgets a removed key before the removal is answered', async () => {
    await accounts.remove(1);
    await changes.publish('api_keys', '1');
    expect(manage(bearer(key))).toBe('unauthorized');
  });

  test('stops at the very moment a key expires, without a reload', async () => {
    const due = Date.now() + 30;
    const brief = await accounts.create({ name: 'brief', scopes: ['read'], expires_at: new Date(due).toISOString() });
    await changes.publish('api_keys', '2');
    while (Date.now() <= due) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(manage(bearer(brief.key))).toBe('unauthorized');
  });

  test('refuses everybody while the keys cannot be loaded', async () => {
    const broken = await createIdentify({
      accounts: { loadActive: () => Promise.reject(new Error('disk gone')), touch: () => Promise.resolve() },
      changes,
      logger,
      settings: () => ({ enforce_auth_on_inference: false, required_headers: [] }),
      policy: { findCaller: () => undefined },
    });
    expect(outcome(() => broken.identifyManagement(bearer(key), 'read'))).toBe('database_unavailable');
    expect(outcome(() => broken.identifyInference(bearer(key)))).toBe('database_unavailable');
  });

  test('asks the database once at a time, however many are refused, and lets them in when it is back', async () => {
    let isThere = false;
    let asked = 0;
    const answer = Promise.withResolvers<void>();
    const identify = await createIdentify({
      accounts: {
        async loadActive() {
          asked += 1;
          if (asked === 1) throw new Error('disk gone');
          await answer.promise;
          isThere = true;
          return accounts.loadActive();
        },
        touch: () => Promise.resolve(),
      },
      changes,
      logger,
      settings: () => ({ enforce_auth_on_inference: false, required_headers: [] }),
      policy: { findCaller: () => undefined },
    });
    const attempt = (): string => outcome(() => identify.identifyManagement(bearer(key), 'read'));
    for (let request = 0; request < 100; request += 1) expect(attempt()).toBe('database_unavailable');
    answer.resolve();
    await expect.poll(() => isThere && attempt()).not.toBe('database_unavailable');
    expect(asked).toBe(2);
  });
});

describe('inference', () => {
  const value = 'sk-bf-00000000-0000-4000-8000-000000000001';
  const addKey = (sent: string, name: string, change: Partial<KeyCaller['key']> = {}): void => {
    const key = { id: name, name, isActive: true, ...change } as KeyCaller['key'];
    callers.set(sent, { kind: 'virtual_key', principal: `virtual-key:${name}`, name, scopes: ['mcp'], key });
  };

  test('wants a virtual key, or an API key with scope mcp', () => {
    addKey(value, 'ci');
    expect(infer(bearer(key))).toBe('admin');
    expect(infer(bearer(value))).toBe('ci');
    expect(infer({})).toBe('virtual_key_required');
    expect(infer(bearer('wrong'))).toBe('unauthorized');
  });

  test('finds a virtual key in five headers, x-bf-vk first', () => {
    addKey(value, 'ci');
    addKey('plain', 'legacy');
    expect(infer({ 'x-bf-vk': 'plain', ...bearer(value) })).toBe('legacy');
    for (const name of ['x-api-key', 'x-goog-api-key', 'api-key']) expect(infer({ [name]: value })).toBe('ci');
    expect(infer({ authorization: `bearer ${value}`, 'x-api-key': 'sk-bf-other' })).toBe('ci');
    // Without the prefix it is somebody else's credential.
    expect(infer({ 'x-api-key': 'plain' })).toBe('virtual_key_required');
    expect(infer({ ...bearer(key), 'x-api-key': 'sk-other' })).toBe('admin');
  });

  test('refuses a virtual key that is unknown, inactive or expired, whether or not one is demanded', () => {
    addKey(value, 'off', { isActive: false, expiresAt: 1 });
    addKey('old', 'old', { expiresAt: Date.now() });
    for (isEnforced of [true, false]) {
      expect(infer({ 'x-bf-vk': 'nobody' })).toBe('virtual_key_not_found');
      expect(infer({ 'x-bf-vk': '' })).toBe('virtual_key_not_found');
      expect(infer(bearer('SK-BF-unknown'))).toBe('virtual_key_not_found');
      expect(infer({ 'api-key': value })).toBe('access_blocked');
      expect(infer({ 'x-bf-vk': 'old' })).toBe('access_blocked');
    }
    expect(() => identify.identifyInference({ 'x-bf-vk': value })).toThrow('inactive');
  });

  test('takes a caller without a credential of ours when settings say so', () => {
    isEnforced = false;
    expect(infer({})).toBe('anonymous');
    expect(infer(bearer(key))).toBe('admin');
    expect(infer(bearer('for somebody else'))).toBe('anonymous');
    expect(infer({ 'x-api-key': 'x' })).toBe('anonymous');
    // This one was meant for us, and is wrong.
    expect(infer(bearer('bfst-revoked'))).toBe('unauthorized');
    expect(manage({})).toBe('unauthorized');
  });

  test('demands the headers that the settings name, before anything else', () => {
    required = ['X-Team', 'x-app'];
    expect(infer({ 'x-bf-vk': 'nobody', 'x-app': 'a' })).toBe('missing_required_headers');
    expect(infer({ ...bearer(key), 'x-app': 'a', 'x-team': '' })).toBe('missing_required_headers');
    expect(infer({ ...bearer(key), 'x-app': 'a', 'x-team': 'b' })).toBe('admin');
  });
});

test('the last use of a key is stored once a minute at most', async () => {
  manage(bearer(key));
  await expect.poll(async () => (await accounts.find(1))?.last_used_at).not.toBeNull();
  const first = (await accounts.find(1))?.last_used_at;
  manage(bearer(key));
  await database.db.selectFrom('api_keys').select('id').execute(); // behind any write that a second use had queued
  expect((await accounts.find(1))?.last_used_at).toBe(first);
});

test('no spelling of a path leads to data without a credential', async () => {
  const app = createApi({ routes: allRoutes(), identify: identify.identifyManagement, version: '1', logger });
  const spellings = [
    '/api/mcp/clients',
    '//api//mcp/clients',
    '/api//mcp/clients',
    '/api/%6dcp/clients',
    '/%61pi/mcp/clients',
    '/API/mcp/clients',
    '/api/mcp/clients/',
    '/api/./mcp/clients',
    '/api/x/../mcp/clients',
    '/health/../api/mcp/clients',
    '/health/%2e%2e/api/mcp/clients',
    '/api/mcp/clients;a=b',
    '/api/mcp/clients%00',
    '/api/mcp/clients%2f',
    '/api/mcp/clients.',
    '/api/mcp/clients?x=/health',
    '/api/mcp/clients#/health',
    '/api/version/../mcp/clients',
    '/api\\mcp\\clients',
    '/api/mcp/client/..%2fclients',
    '/api/config',
    '/api/api-keys',
  ];
  for (const path of spellings) {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE']) {
      const url = `http://gateway${path}`;
      const response = await app.request(
        new Request(url, { method, ...(method.startsWith('P') ? { body: '{}' } : {}) }),
      );
      expect([401, 404, 405], `${method} ${path} → ${response.status}`).toContain(response.status);
    }
  }
  expect((await app.request('/api/mcp/clients', { headers: bearer(key) })).status).toBe(200);
});
