import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AuditLog } from '../../src/contract/audit.ts';
import { mask } from '../../src/lib/secret.ts';
import type { DatabaseOptions } from '../../src/store/database.ts';
import { AFTER_SIGN_IN, CHANGES_NOTHING, WRITES } from '../kit/audit-writes.ts';
import { certificates } from '../kit/certificates.ts';
import { DATABASES, newPostgresUrl } from '../kit/databases.ts';
import { httpClient, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { createKey, getKey, updateKey } from '../kit/keys.ts';
import { callText, startScene } from '../kit/scene.ts';
import { stdioServer } from '../kit/stdio.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { startUpstream } from '../kit/upstream.ts';

async function entries(gateway: GatewayAccess, query = ''): Promise<AuditLog[]> {
  const { status, body } = await gateway.api('GET', `/api/audit-logs?limit=1000&${query}`);
  expect(status).toBe(200);
  return body['audit_logs'] as AuditLog[];
}

async function writeRoutes(gateway: GatewayAccess): Promise<string[]> {
  const { body } = await gateway.api('GET', '/api/openapi.json');
  const paths = body['paths'] as Record<string, Record<string, { security: { apiKey: string[] }[] }>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method, { security }]) => method !== 'get' || security[0]?.apiKey.includes('write') === true)
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
}

describe.each(DATABASES)('on %s', (type) => {
  test('every route that writes leaves its entries and no other, with who, what and by which request', async () => {
    const url = type === 'postgres' ? await newPostgresUrl() : undefined;
    const config = url === undefined ? {} : { config_store: { enabled: true, type, config: { url } } };
    await using folder = await temporaryFolder();
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ config, appDir: folder.path });
    const database: DatabaseOptions =
      url === undefined
        ? { type: 'sqlite', path: join(folder.path, 'asbru.db') }
        : { type: 'postgres', config: { url } };
    const world = { gateway, url: upstream.url, database };
    const routes = await writeRoutes(gateway);
    expect(routes.toSorted()).toEqual([...Object.keys(WRITES), ...CHANGES_NOTHING, ...AFTER_SIGN_IN].toSorted());

    for (const [route, write] of Object.entries(WRITES)) {
      const [method = '', template = ''] = route.split(' ');
      const ids = [(await write.prepare?.(world)) ?? []].flat();
      const before = await entries(gateway);
      let next = 0;
      const path = template.replaceAll(/\{\w+\}/g, () => ids[next++] ?? '');
      const answer = await gateway.api(method, path, write.body?.(world, ids), { 'x-request-id': route });
      expect([200, 204], `${route}: ${JSON.stringify(answer.body)}`).toContain(answer.status);
      const leaves = [write.leaves].flat();
      const after = await entries(gateway);
      expect(after.slice(leaves.length), route).toEqual(before);
      const byWhom = {
        actor: 'api-key:1',
        actor_name: 'admin',
        request: { method, path, request_id: route, ip: '127.0.0.1' },
      };
      const ofId = next === 0 ? {} : { entity_id: ids[next - 1] };
      expect(after.slice(0, leaves.length), route).toMatchObject(
        leaves.map((entry) => ({ ...ofId, ...byWhom, ...entry })),
      );
      await clear(gateway);
    }
    const id = await gateway.createClient(httpClient(upstream.url));
    const before = await entries(gateway);
    for (const route of CHANGES_NOTHING) {
      const [method = '', path = ''] = route.split(' ');
      expect((await gateway.api(method, path.replace('{id}', id))).status, route).toBe(200);
    }
    expect(await entries(gateway)).toEqual(before);
    const verdict = (await gateway.api('GET', '/api/audit-logs/verify')).body;
    expect(verdict).toMatchObject({ is_intact: true, entries: (await entries(gateway)).length });
  });
});

/** Removes what a line of the table left behind. */
async function clear(gateway: GatewayAccess): Promise<void> {
  for (const { config } of await gateway.listClients())
    await gateway.api('DELETE', `/api/mcp/client/${config.client_id}`);
  for (const [path, list] of [
    ['/api/api-keys', 'api_keys'],
    ['/api/governance/virtual-keys', 'virtual_keys'],
    ['/api/governance/teams', 'teams'],
    ['/api/governance/customers', 'customers'],
  ] as const) {
    const found = (await gateway.api('GET', path)).body[list] as { id: number | string }[];
    for (const { id } of found) if (id !== 1) await gateway.api('DELETE', `${path}/${id}`);
  }
  const { body } = await gateway.api('GET', '/api/providers');
  for (const { name } of body['providers'] as { name: string }[]) await gateway.api('DELETE', `/api/providers/${name}`);
}

test('a change shows before and after as the API shows them', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
  const before = (await gateway.getClient(id)).config;
  await scene.update({ tools_to_execute: ['echo'], tool_pricing: { echo: 0.5 } });
  const after = (await gateway.getClient(id)).config;
  const [entry] = await entries(gateway, `entity_id=${id}`);
  expect(entry).toMatchObject({ before, after });
  expect(entry?.before).not.toHaveProperty('tools');
});

test('a change of a key shows what it is granted, but neither its value nor the settings of servers', async () => {
  await using scene = await startScene({ client: { headers: { 'X-Some': 'setting' } } });
  const { gateway } = scene;
  const key = await createKey(gateway, 'k', { budgets: [{ max_limit: 1, reset_duration: '1d' }] });
  const before = await getKey(gateway, key);
  await updateKey(gateway, key, { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['echo'] }] });
  const { value: _, mcp_configs, ...after } = await getKey(gateway, key);
  const [entry] = await entries(gateway, `entity_id=${key.id}`);
  expect(entry).toMatchObject({ before: { ...before, value: mask(key.value) }, after });
  const { mcp_client: _settings, ...grant } = mcp_configs[0] ?? {};
  expect(entry?.after).toMatchObject({ mcp_configs: [grant] });
  expect(JSON.stringify(entry)).not.toContain('X-Some');
});

test('what was used of a budget is in the record of its reset', async () => {
  await using scene = await startScene({ client: { tool_pricing: { echo: 0.25 }, allow_on_all_virtual_keys: true } });
  const { gateway } = scene;
  const key = await createKey(gateway, 'k', { budgets: [{ max_limit: 1, reset_duration: '1d' }] });
  await callText(key, 'c1-echo', { text: 'hi' });
  await updateKey(gateway, key, { reset_budget_usage: true });
  const [entry] = await entries(gateway, 'action=reset');
  const owner = { virtual_key_id: key.id };
  expect(entry).toMatchObject({ before: { current_usage: 0.25, ...owner }, after: { current_usage: 0, ...owner } });
  expect((await getKey(gateway, key)).budgets).toMatchObject([{ current_usage: 0 }]);
});

test('the removal of a team or customer names what it sets free', async () => {
  await using gateway = await startGateway();
  const send = (path: string, body?: object) => gateway.api(body ? 'POST' : 'DELETE', `/api/governance/${path}`, body);
  const customer = ((await send('customers', { name: 'c' })).body['customer'] as { id: string }).id;
  const team = ((await send('teams', { name: 't', customer_id: customer })).body['team'] as { id: string }).id;
  const ofTeam = await createKey(gateway, 'of team', { team_id: team });
  const ofCustomer = await createKey(gateway, 'of customer', { customer_id: customer });
  await send(`customers/${customer}`);
  await send(`teams/${team}`);
  const [first, second, ...rest] = (await entries(gateway, 'action=delete')).toReversed();
  expect(rest).toEqual([]);
  expect(first).toMatchObject({
    entity: 'customer',
    before: { virtual_keys: [{ id: ofCustomer.id, name: 'of customer' }], teams: [{ id: team, name: 't' }] },
    after: null,
  });
  expect(second).toMatchObject({
    entity: 'team',
    before: { customer_id: null, virtual_keys: [{ id: ofTeam.id, name: 'of team' }] },
    after: null,
  });
});

test('a refused write leaves no entry', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
  const key = await createKey(gateway, 'k');
  const before = await entries(gateway);
  const refused = [
    await scene.update({ tools_to_execute: ['*', 'echo'] }),
    await scene.update({ connection_string: 'http://127.0.0.1:1/mcp' }),
    await gateway.api('PUT', '/api/mcp/client/nobody', {}),
    await gateway.api('DELETE', '/api/mcp/client/nobody'),
    await gateway.api('POST', '/api/mcp/client/nobody/reconnect'),
    await gateway.api('POST', '/api/mcp/client', httpClient(scene.upstream.url)),
    await gateway.api('POST', '/api/api-keys', { name: 'admin' }),
    await gateway.api('DELETE', '/api/api-keys/99'),
    await gateway.api('PUT', '/api/config', { client_config: { mcp_agent_depth: 0 } }),
    ...(await refusedByGovernance(gateway, key.id)),
    await gateway.api('PUT', `/api/mcp/client/${id}`, { name: 'x' }, { authorization: 'Bearer wrong' }),
  ];
  for (const { status } of refused) expect(status).toBeGreaterThanOrEqual(400);
  expect(await entries(gateway)).toEqual(before);
});

async function refusedByGovernance(gateway: GatewayAccess, id: string) {
  const send = (method: string, path: string, body?: object) => gateway.api(method, `/api/governance/${path}`, body);
  return [
    await send('POST', 'virtual-keys', { name: 'k' }),
    await send('POST', 'virtual-keys', { name: 'x', team_id: 'nobody' }),
    await send('PUT', `virtual-keys/${id}`, { mcp_configs: [{ mcp_client_name: 'nobody' }] }),
    await send('POST', 'virtual-keys/rotate', { ids: [id, 'nobody'] }),
    await send('PUT', `virtual-keys/${id}/budgets/nothing/override`, { amount: 1, mode: 'forever' }),
    await send('DELETE', 'virtual-keys/nobody'),
    await send('DELETE', 'teams/nobody'),
    await send('PUT', 'customers/nobody', { name: 'x' }),
    await send('POST', 'teams', { name: '' }),
    await gateway.api('DELETE', '/api/mcp-logs', { ids: [] }),
  ];
}

test('no secret ever comes into the table', async () => {
  await using folder = await temporaryFolder();
  await using upstream = await startUpstream();
  const { client } = await certificates();
  const canaries = ['canary-of-the-header', 'canary-of-the-address', 'canary-of-the-program'];
  let apiKey = '';
  let made = '';
  const values: string[] = [];
  {
    const config = { governance: { virtual_keys: [{ name: 'by hand', value: 'hand-made-value' }] } };
    await using gateway = await startGateway({ appDir: folder.path, config });
    apiKey = gateway.apiKey;
    const id = await gateway.createClient(
      httpClient(`${upstream.url}?token=${canaries[1]}&end=1`, {
        auth_type: 'headers',
        headers: { Authorization: `Bearer ${canaries[0]} end` },
        tls_config: { client_cert_pem: client.cert, client_key_pem: client.key },
      }),
    );
    await gateway.update(id, { name: 'renamed', headers: { 'X-Key': `start ${canaries[0]} end` } });
    const stdio_config = { ...stdioServer(), envs: [`TOKEN=start ${canaries[2]} end`] };
    const stdioId = await gateway.createClient({ name: 'program', connection_type: 'stdio', stdio_config });
    const key = await createKey(gateway, 'k');
    values.push(key.value, 'hand-made-value');
    await gateway.update(id, { vk_configs: [{ virtual_key_id: key.id, tools_to_execute: ['*'] }] });
    for (const path of [`${key.id}/rotate`, 'rotate']) {
      await gateway.api('POST', `/api/governance/virtual-keys/${path}`, path === 'rotate' ? { ids: [key.id] } : {});
      values.push((await getKey(gateway, key)).value);
    }
    await updateKey(gateway, key, { team_id: null, description: 'k2' });
    await gateway.api('DELETE', `/api/governance/virtual-keys/${key.id}`);
    for (const each of [id, stdioId]) await gateway.api('DELETE', `/api/mcp/client/${each}`);
    made = String((await gateway.api('POST', '/api/api-keys?k=canary-of-the-header', { name: 'ci' })).body['key']);
    const entities = (await entries(gateway)).map(({ action, entity }) => `${action} ${entity}`);
    expect(entities.toReversed()).toEqual([
      'create virtual_key',
      ...['create', 'update', 'create'].map((action) => `${action} mcp_client`),
      ...['create virtual_key', 'update mcp_client'],
      ...['rotate', 'rotate', 'update', 'delete'].map((action) => `${action} virtual_key`),
      ...['delete mcp_client', 'delete mcp_client', 'create api_key'],
    ]);
  }
  using database = new DatabaseSync(join(folder.path, 'asbru.db'));
  const text = JSON.stringify(database.prepare('select * from audit_logs').all());
  expect(text).toContain('renamed');
  expect(text).toContain('TOKEN=');
  const pemLine = client.key.split('\n')[3] ?? '';
  expect(pemLine.length).toBeGreaterThan(40);
  expect(new Set(values).size).toBe(4);
  for (const secret of [...canaries, ...values, apiKey, made, pemLine]) expect(text).not.toContain(secret);
});

test('what config.json changes is recorded in its name, and what it leaves is not', async () => {
  await using folder = await temporaryFolder();
  const governance = (budget: number) => ({
    customers: [{ name: 'acme', budgets: [{ max_limit: budget, reset_duration: '1M' }] }],
  });
  const server = (name: string, more = {}) => ({
    name,
    connection_type: 'http',
    connection_string: 'http://127.0.0.1:1/mcp',
    ...more,
  });
  const start = async (client_configs: object[], depth: number) => {
    const config = {
      source_of_truth: 'config.json',
      mcp: { client_configs },
      governance: governance(depth),
      client: { mcp_agent_depth: depth },
    };
    const apiKey = 'bfst-of-this-test';
    await using gateway = await startGateway({ appDir: folder.path, config, apiKey });
    const found = await entries(gateway, 'actor=config.json');
    for (const { request, actor_name } of found) expect([request, actor_name]).toEqual([null, 'config.json']);
    return found.toReversed().map(({ action, entity_name }) => `${action} ${entity_name}`);
  };
  const first = ['update client_config', 'create a', 'create b', 'create acme'];
  expect(await start([server('a'), server('b')], 3)).toEqual(first);
  expect(await start([server('a'), server('b')], 3)).toEqual(first);
  const second = [...first, 'update client_config', 'update a', 'delete b', 'update acme'];
  expect(await start([server('a', { tool_pricing: { x: 1 } })], 4)).toEqual(second);
});
