import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { allRoutes } from '../../test/kit/all-routes.ts';
import { createLogger } from '../lib/logger.ts';
import { createAccountStore } from '../store/accounts.ts';
import { createChanges } from '../store/changes.ts';
import { openDatabase } from '../store/database.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createApi } from './api.ts';
import { createIdentify } from './identify.ts';
import { listen, type Listener, type RawHandler } from './listen.ts';
import { createMeter } from './meter.ts';
import { createMetricsHandler } from './metrics.ts';

const logger = createLogger({ level: 'silent', style: 'json' });
let listener: Listener;
let key: string;
let mcpKey: string;
const cleanup: (() => Promise<void>)[] = [];

beforeEach(async () => {
  const database = await openDatabase({ type: 'sqlite', path: ':memory:' });
  const accounts = createAccountStore(database.db);
  const changes = await createChanges(database, () => {});
  ({ key } = await accounts.create({ name: 'reader', scopes: ['read'] }));
  ({ key: mcpKey } = await accounts.create({ name: 'agent', scopes: ['mcp'] }));
  const settings = () => ({ enforce_auth_on_inference: true, required_headers: [] });
  const policy = { findCaller: () => undefined };
  const identify = await createIdentify({ accounts, policy, changes, logger, settings });
  const metrics = createMetrics({
    servers: () => [],
    callsInFlight: () => 0,
    ledger: () => ({ waiting: 0, dropped: 0 }),
    liveFeedClients: () => 0,
    providerKeys: () => [
      { provider: 'openai', id: 'k1', name: 'first', isUp: true },
      { provider: 'openai', id: 'k2', name: 'second', isUp: false },
    ],
    keyRotations: () => [['openai', 2]] as const,
  });
  const routes = allRoutes();
  const api = createApi({ routes, identify: identify.identifyManagement, version: '1', logger });
  const never: RawHandler = () => Promise.resolve();
  const raw = { '/metrics': createMetricsHandler({ metrics, identify, logger }), '/never': never };
  listener = await listen({
    host: '127.0.0.1',
    port: 0,
    raw,
    fetch: api.fetch,
    checkOrigin: () => undefined,
    meter: createMeter({ metrics, routes, raw: Object.keys(raw) }),
    logger,
  });
  cleanup.push(
    () => listener.drain(0),
    () => changes.close(),
    () => database.close(),
  );
});
afterEach(async () => {
  for (const end of cleanup.splice(0)) await end();
});

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${listener.address}${path}`, { headers, method });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const basic = (user: string, password: string) => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` });

/** Counted requests as "path method status", with how often. */
async function counted(): Promise<Record<string, number>> {
  const text = await (await get('/metrics', bearer(key))).text();
  const samples = text.matchAll(/^http_requests_total\{path="(.*)",method="(.*)",status="(.*)"\} (\d+)$/gm);
  return Object.fromEntries(
    [...samples].map(([, path, method, status, count]) => [`${path} ${method} ${status}`, Number(count)]),
  );
}

test('metrics are shown to an API key that may read, as bearer or as the password that Prometheus sends', async () => {
  for (const headers of [bearer(key), basic('prometheus', key), basic('', key)]) {
    const answer = await get('/metrics', headers);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await answer.text()).toContain('\nasbru_servers{state="connected"} 0\n');
  }
  const head = await get('/metrics', bearer(key), 'HEAD');
  expect([head.status, await head.text()]).toEqual([200, '']);
});

test('nobody else sees them', async () => {
  const wrong = [
    {},
    bearer('x'),
    basic('u', 'x'),
    basic(key, ''),
    { 'x-api-key': key },
    { ...bearer(key), 'x-bf-vk': 'v' },
  ];
  for (const headers of wrong) {
    const answer = await get('/metrics', headers);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ type: 'unauthorized', is_bifrost_error: false, status_code: 401 });
  }
  expect((await get('/metrics', bearer(mcpKey))).status).toBe(403);
  const posted = await get('/metrics', bearer(key), 'POST');
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('requests are counted under the template of their route, and what has none under one name', async () => {
  for (const id of ['1', '2', '3']) await (await get(`/api/api-keys/${id}?x=${id}`, bearer(key), 'DELETE')).text();
  await (await get('/health')).text();
  for (const path of ['/a', '/b', '/c/d']) await (await get(path)).text();
  await (await get('/metrics')).text();
  await expect.poll(counted).toMatchObject({
    '/api/api-keys/{id} DELETE 403': 3,
    '/health GET 200': 1,
    'other GET 404': 3,
    '/metrics GET 401': 1,
  });
});

test('a caller that leaves before the answer is counted as gone', async () => {
  const socket = connect(Number(new URL(listener.address).port), '127.0.0.1');
  await once(socket, 'connect');
  await new Promise<void>((resolve) => void socket.write('GET /never HTTP/1.1\r\nhost: x\r\n\r\n', () => resolve()));
  await expect
    .poll(async () => await (await get('/metrics', bearer(key))).text())
    .toContain('asbru_http_requests_in_flight 2');
  socket.destroy();
  await expect.poll(counted).toMatchObject({ '/never GET 499': 1 });
});
