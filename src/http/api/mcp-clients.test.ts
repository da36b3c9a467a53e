import { describe, expect, test } from 'vitest';
import { allRoutes, emptyRegistry } from '../../../test/kit/all-routes.ts';
import type { McpClientList } from '../../contract/mcp-client.ts';
import { createLogger } from '../../lib/logger.ts';
import { Secret } from '../../lib/secret.ts';
import type { ClientRegistry, RegisteredClient } from '../../mcp/registry.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import { createApi } from '../api.ts';

function registered(
  id: string,
  change: Partial<McpClient> = {},
  state: RegisteredClient['state'] = 'connected',
): RegisteredClient {
  const client: McpClient = {
    client_id: id,
    name: id,
    connection_type: 'http',
    connection_string: Secret.parse('http://127.0.0.1:1/mcp'),
    stdio_config: undefined,
    auth_type: 'none',
    oauth_config_id: undefined,
    token_exchange: undefined,
    headers: {},
    tools_to_execute: ['*'],
    tools_to_auto_execute: [],
    tools_to_approve: [],
    approval_by: 'manager',
    tool_pricing: {},
    is_code_mode_client: false,
    allow_on_all_virtual_keys: false,
    per_user_header_keys: [],
    disabled: false,
    tls_config: undefined,
    protocol_era: 'auto',
    is_ping_available: true,
    tool_sync_interval: 0,
    tool_execution_timeout: 0,
    allowed_extra_headers: [],
    config_hash: undefined,
    created_at: 0,
    updated_at: 0,
    ...change,
  };
  return { client, state, tools: [], lastFailure: undefined, grants: new Map() };
}

const clients = [
  registered('github'),
  registered('GitLab', { connection_type: 'sse', auth_type: 'headers', is_code_mode_client: true }, 'disconnected'),
  registered('files', { connection_type: 'stdio', allow_on_all_virtual_keys: true }, 'error'),
  registered('memory', { connection_type: 'inprocess', disabled: true }, 'disabled'),
];
const calls: string[] = [];
const registry: ClientRegistry = {
  ...emptyRegistry,
  list: () => clients,
  get: (id) => clients.find(({ client }) => client.client_id === id) ?? emptyRegistry.get(id),
  create: async ({ name, disabled }) => ({ client: registered(name, { disabled: disabled ?? false }), warnings: [] }),
  update: async (id, body) => {
    calls.push(`update ${id} ${JSON.stringify(body)}`);
    return { warnings: [] };
  },
  remove: async (id) => void calls.push(`remove ${id}`),
  reconnect: async (id) => void calls.push(`reconnect ${id}`),
  refreshTools: async () => 3,
};

function apiOver(registry: ClientRegistry) {
  const operator = { kind: 'operator', principal: 'api-key:1', name: 'a', scopes: ['read', 'write'] } as const;
  const logger = createLogger({ level: 'silent', style: 'json' });
  return createApi({ routes: allRoutes({ registry }), identify: () => operator, version: '1', logger });
}
const app = apiOver(registry);

async function list(query: string) {
  const response = await app.request(`/api/mcp/clients?${query}`);
  expect(response.status).toBe(200);
  const { clients, ...page } = (await response.json()) as McpClientList;
  return { names: clients.map(({ config }) => config.name).join(' '), page };
}

describe('the list of clients', () => {
  test.each([
    ['', 'github GitLab files memory'],
    ['search=GIT', 'github GitLab'],
    ['server=files', 'files'],
    ['server=file', ''],
    ['connection_type=http,sse', 'github GitLab'],
    ['connection_type=http&connection_type=stdio', 'github files'],
    ['auth_type=headers', 'GitLab'],
    ['state=healthy', 'github'],
    ['state=connected', 'github'],
    ['state=unstable', 'GitLab files memory'],
    ['state=disconnected', 'GitLab files memory'],
    ['state=healthy,unstable', 'github GitLab files memory'],
    ['code_mode=true', 'GitLab'],
    ['code_mode=0', 'github files memory'],
    ['disabled=true', 'memory'],
    ['disabled=false&connection_type=stdio,inprocess', 'files'],
    ['virtual_keys=k1', ''],
    ['virtual_keys=k1&all_virtual_keys=true', 'files'],
    ['all_virtual_keys=true', 'files'],
    ['all_virtual_keys=true&allowed_by_default=false', 'github GitLab memory'],
    ['code_mode=&search=&state=', 'github GitLab files memory'],
  ])('with %j shows %j', async (query, names) => {
    expect((await list(query)).names).toBe(names);
  });

  test('is whole without paging parameters, and in clamped pages with them', async () => {
    expect((await list('')).page).toEqual({ count: 4, total_count: 4, limit: 4, offset: 0 });
    expect(await list('limit=2&offset=1')).toEqual({
      names: 'GitLab files',
      page: { count: 2, total_count: 4, limit: 2, offset: 1 },
    });
    expect((await list('offset=3')).page).toEqual({ count: 1, total_count: 4, limit: 25, offset: 3 });
    expect((await list('limit=1000')).page.limit).toBe(100);
    expect((await list('limit=0')).page).toMatchObject({ limit: 1, count: 1 });
    expect((await list('search=git')).page).toEqual({ count: 2, total_count: 2, limit: 25, offset: 0 });
    expect((await list('offset=99999999999999999999')).page.count).toBe(0);
  });

  test.each([
    ['limit=x', 'Invalid limit parameter: must be a number'],
    ['limit=1.5', 'Invalid limit parameter: must be a number'],
    ['offset=-1', 'Invalid offset parameter: must be non-negative'],
    ['code_mode=maybe', 'Invalid code_mode parameter: must be a boolean'],
    ['disabled=2', 'Invalid disabled parameter: must be a boolean'],
    ['state=sick', 'Invalid state parameter: "sick" is not one of healthy, unstable, connected, disconnected'],
    ['connection_type=websocket', 'Invalid connection_type parameter: "websocket" is not one of'],
  ])('refuses %j', async (query, message) => {
    const response = await app.request(`/api/mcp/clients?${query}`);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(JSON.stringify(message).slice(1, -1));
  });

  test('shows tools under their own names, sorted, always with type and properties', async () => {
    const tools = [
      {
        name: 'b',
        json: '{"name":"b","description":"B","inputSchema":{"type":"object","required":["x"],"properties":{"x":{}}}}',
      },
      { name: 'a', json: '{"name":"a","inputSchema":{}}' },
      { name: 'c', json: '{"name":"c"}' },
    ];
    const failure = {
      stage: 'ping',
      message: 'gone',
      at: '2026-01-01T00:00:00Z',
      since: '2026-01-01T00:00:00Z',
    } as const;
    const one: RegisteredClient = { ...registered('one'), tools, lastFailure: failure };
    const response = await apiOver({ ...registry, get: () => one }).request('/api/mcp/client/one');
    expect(await response.json()).toMatchObject({
      config: { name: 'one' },
      state: 'connected',
      vk_configs: [],
      last_failure: failure,
      tools: [
        { name: 'a', parameters: { type: 'object', properties: {} } },
        { name: 'b', description: 'B', parameters: { type: 'object', required: ['x'], properties: { x: {} } } },
        { name: 'c', parameters: { type: 'object', properties: {} } },
      ],
    });
  });
});

describe('a change of a client', () => {
  const permissive = apiOver({ ...registry, get: (id) => registered(id) });
  const send = async (method: string, path: string, body?: object) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await permissive.request(path, init);
    return { status: response.status, body: (await response.json()) as { message?: string } };
  };

  test('is answered in the words that existing clients look for', async () => {
    const server = { name: 'x', connection_type: 'http' };
    expect((await send('POST', '/api/mcp/client', server)).body.message).toBe('MCP client connected successfully');
    expect((await send('POST', '/api/mcp/client', { ...server, disabled: true })).body.message).toMatch(
      /registered \(disabled\).*connected/,
    );
    expect((await send('PUT', '/api/mcp/client/a', {})).body.message).toContain('edited');
    expect((await send('POST', '/api/mcp/client/a/reconnect')).body.message).toContain('reconnected');
    expect((await send('POST', '/api/mcp/client/a/refresh-tools')).body).toMatchObject({
      status: 'success',
      tool_count: 3,
    });
    expect((await send('DELETE', '/api/mcp/client/a')).body.message).toContain('removed');
    expect(calls).toEqual(['update a {}', 'reconnect a', 'remove a']);
  });

  test('reaches the registry under the decoded id, with the fields that were sent and no others', async () => {
    calls.length = 0;
    const { body } = await send('PUT', '/api/mcp/client/my%20id', { disabled: true, colour: 'red' });
    expect(calls).toEqual(['update my id {"disabled":true,"colour":"red"}']);
    expect(body).toMatchObject({ warnings: ['unknown field "colour" was ignored'] });
  });

  test('of an unknown id is 404', async () => {
    expect((await app.request('/api/mcp/client/nobody')).status).toBe(404);
    expect((await apiOver(emptyRegistry).request('/api/mcp/client/x', { method: 'PUT', body: '{}' })).status).toBe(404);
  });
});
