import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AuditLog } from '../../src/contract/audit.ts';
import { certificates } from '../kit/certificates.ts';
import { DATABASES, newPostgresUrl } from '../kit/databases.ts';
import { httpClient, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { createKey } from '../kit/keys.ts';
import { registerClient } from '../kit/oauth-client.ts';
import { startScene } from '../kit/scene.ts';
import { stdioServer } from '../kit/stdio.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { startUpstream } from '../kit/upstream.ts';

type Entry = Pick<AuditLog, 'action' | 'entity' | 'entity_id' | 'entity_name'>;

interface World {
  readonly gateway: GatewayAccess;
  readonly url: string;
}

/** One successful request of a route that writes, and the one entry that it must leave. */
interface Write {
  /** What must be there before. Gives the id in the path. */
  prepare?(world: World): Promise<string>;
  readonly body?: (world: World) => object;
  readonly leaves: Partial<Entry>;
}

const aClient = ({ gateway, url }: World) => gateway.createClient(httpClient(url));

/** A new route with scope `write` needs a line here, or below. */
const WRITES: Readonly<Record<string, Write>> = {
  'POST /api/mcp/client': {
    body: ({ url }) => httpClient(url),
    leaves: { action: 'create', entity: 'mcp_client', entity_name: 'c1' },
  },
  'PUT /api/mcp/client/{id}': {
    prepare: aClient,
    body: () => ({ name: 'renamed' }),
    leaves: { action: 'update', entity: 'mcp_client', entity_name: 'renamed' },
  },
  'DELETE /api/mcp/client/{id}': { prepare: aClient, leaves: { action: 'delete', entity: 'mcp_client' } },
  'POST /api/mcp/client/{id}/reconnect': { prepare: aClient, leaves: { action: 'reconnect', entity: 'mcp_client' } },
  'POST /api/mcp/client/{id}/refresh-tools': { prepare: aClient, leaves: { action: 'refresh', entity: 'mcp_client' } },
  'POST /api/api-keys': {
    body: () => ({ name: 'ci' }),
    leaves: { action: 'create', entity: 'api_key', entity_name: 'ci' },
  },
  'DELETE /api/api-keys/{id}': {
    async prepare({ gateway }) {
      const { body } = await gateway.api('POST', '/api/api-keys', { name: 'ci' });
      return String((body['api_key'] as { id: number }).id);
    },
    leaves: { action: 'delete', entity: 'api_key', entity_name: 'ci' },
  },
  'DELETE /api/oauth2/sessions/{id}': {
    async prepare({ gateway }) {
      await gateway.api('PUT', '/api/config', { client_config: { mcp_server_auth_mode: 'both' } });
      await (await registerClient(gateway.address)).signIn((await createKey(gateway, 'signs in')).value);
      const { body } = await gateway.api('GET', '/api/oauth2/sessions');
      return String((body['sessions'] as { id: string }[])[0]?.id);
    },
    leaves: { action: 'delete', entity: 'oauth_session', entity_name: 'Test client' },
  },
  'PUT /api/config': {
    body: () => ({ client_config: { mcp_agent_depth: 3 } }),
    leaves: { action: 'update', entity: 'settings', entity_id: 'client' },
  },
};

/** Routes that demand the scope `write` and change nothing. */
const CHANGES_NOTHING: readonly string[] = [];

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
      .filter(([, { security }]) => security[0]?.apiKey.includes('write'))
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
}

describe.each(DATABASES)('on %s', (type) => {
  test('every route that writes leaves exactly one entry, with who, what and by which request', async () => {
    const url = type === 'postgres' ? await newPostgresUrl() : undefined;
    const config = url === undefined ? {} : { config_store: { enabled: true, type, config: { url } } };
    await using folder = await temporaryFolder();
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ config, appDir: folder.path });
    const world = { gateway, url: upstream.url };
    const routes = await writeRoutes(gateway);
    expect(routes.toSorted()).toEqual([...Object.keys(WRITES), ...CHANGES_NOTHING].toSorted());

    for (const [route, write] of Object.entries(WRITES)) {
      const [method = '', template = ''] = route.split(' ');
      const id = await write.prepare?.(world);
      const before = await entries(gateway);
      const path = template.replace('{id}', id ?? '');
      const answer = await gateway.api(method, path, write.body?.(world), { 'x-request-id': route });
      expect(answer.status, `${route}: ${JSON.stringify(answer.body)}`).toBe(200);
      const [entry, ...rest] = await entries(gateway);
      expect(rest, route).toEqual(before);
      expect(entry, route).toMatchObject({
        ...write.leaves,
        ...(id === undefined ? {} : { entity_id: id }),
        actor: 'api-key:1',
        actor_name: 'admin',
        request: { method, path, request_id: route, ip: '127.0.0.1' },
      });
      for (const { config } of await gateway.listClients())
        await gateway.api('DELETE', `/api/mcp/client/${config.client_id}`);
      for (const { id } of await listKeys(gateway)) if (id !== 1) await gateway.api('DELETE', `/api/api-keys/${id}`);
    }
    const verdict = (await gateway.api('GET', '/api/audit-logs/verify')).body;
    expect(verdict).toMatchObject({ is_intact: true, entries: (await entries(gateway)).length });
  });
});

async function listKeys(gateway: GatewayAccess): Promise<{ id: number }[]> {
  return (await gateway.api('GET', '/api/api-keys')).body['api_keys'] as { id: number }[];
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

test('a refused write leaves no entry', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
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
    await gateway.api('PUT', `/api/mcp/client/${id}`, { name: 'x' }, { authorization: 'Bearer wrong' }),
  ];
  for (const { status } of refused) expect(status).toBeGreaterThanOrEqual(400);
  expect(await entries(gateway)).toEqual(before);
});

test('no secret ever comes into the table', async () => {
  await using folder = await temporaryFolder();
  await using upstream = await startUpstream();
  const { client } = await certificates();
  const canaries = ['canary-of-the-header', 'canary-of-the-address', 'canary-of-the-program'];
  let apiKey = '';
  let made = '';
  {
    await using gateway = await startGateway({ appDir: folder.path });
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
    for (const each of [id, stdioId]) await gateway.api('DELETE', `/api/mcp/client/${each}`);
    made = String((await gateway.api('POST', '/api/api-keys?k=canary-of-the-header', { name: 'ci' })).body['key']);
    const entities = (await entries(gateway)).map(({ action, entity }) => `${action} ${entity}`);
    expect(entities.toReversed()).toEqual([
      ...['create', 'update', 'create', 'delete', 'delete'].map((action) => `${action} mcp_client`),
      'create api_key',
    ]);
  }
  using database = new DatabaseSync(join(folder.path, 'asbru.db'));
  const text = JSON.stringify(database.prepare('select * from audit_logs').all());
  expect(text).toContain('renamed');
  expect(text).toContain('TOKEN=');
  const pemLine = client.key.split('\n')[3] ?? '';
  expect(pemLine.length).toBeGreaterThan(40);
  for (const secret of [...canaries, apiKey, made, pemLine]) expect(text).not.toContain(secret);
});

test('what config.json changes is recorded in its name, and what it leaves is not', async () => {
  await using folder = await temporaryFolder();
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
      client: { mcp_agent_depth: depth },
    };
    const apiKey = 'bfst-of-this-test';
    await using gateway = await startGateway({ appDir: folder.path, config, apiKey });
    const found = await entries(gateway, 'actor=config.json');
    for (const { request, actor_name } of found) expect([request, actor_name]).toEqual([null, 'config.json']);
    return found.toReversed().map(({ action, entity_name }) => `${action} ${entity_name}`);
  };
  const first = ['update client_config', 'create a', 'create b'];
  expect(await start([server('a'), server('b')], 3)).toEqual(first);
  expect(await start([server('a'), server('b')], 3)).toEqual(first);
  const second = [...first, 'update client_config', 'update a', 'delete b'];
  expect(await start([server('a', { tool_pricing: { x: 1 } })], 4)).toEqual(second);
});
