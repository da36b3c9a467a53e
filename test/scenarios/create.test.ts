import { expect, test } from 'vitest';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { callText, expectDone, expectRefused, listedTools } from '../kit/scene.ts';
import { startUpstream } from '../kit/upstream.ts';

test('a created client is connected when the answer arrives, with defaults filled in', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway();
  const answer = await gateway.api('POST', '/api/mcp/client', httpClient(upstream.url));
  expectDone(answer, 'connected');
  const [client] = await gateway.listClients();
  expect(client).toMatchObject({
    state: 'connected',
    vk_configs: [],
    config: {
      name: 'c1',
      connection_type: 'http',
      auth_type: 'none',
      headers: {},
      tools_to_execute: ['*'],
      tools_to_auto_execute: [],
      tool_pricing: {},
      is_code_mode_client: false,
      allow_on_all_virtual_keys: false,
      disabled: false,
      is_ping_available: true,
      tool_sync_interval: 0,
      tool_execution_timeout: 0,
      allowed_extra_headers: [],
    },
  });
  expect(client?.config.client_id).toMatch(/^[0-9a-f-]{36}$/);
  const names = client?.tools.map(({ name }) => name);
  expect(names).toEqual(['add', 'echo', 'fail', 'greet', 'rich', 'slow', 'whoami']);
  for (const tool of client?.tools ?? []) expect(tool.parameters).toHaveProperty('properties');
  expect(await callText(gateway, 'c1-greet', { name: 'Ada' })).toBe('Hello, Ada!');
});

test('a client without a list of tools offers none', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway();
  const client = { name: 'c1', connection_type: 'http', connection_string: upstream.url };
  const id = await gateway.createClient(client);
  expect((await gateway.getClient(id)).config.tools_to_execute).toEqual([]);
  expect(await listedTools(gateway)).toEqual([]);
});

test('a client may choose its id, once', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway();
  expect(await gateway.createClient(httpClient(upstream.url, { client_id: 'mine' }))).toBe('mine');
  const again = httpClient(upstream.url, { client_id: 'mine', name: 'c2' });
  await expectRefused(gateway, 409, () => gateway.api('POST', '/api/mcp/client', again));
});

test('headers given on create authenticate from the first request on', async () => {
  await using upstream = await startUpstream({ requiredHeader: ['X-Key', 'k-123456789'] });
  await using gateway = await startGateway();
  const id = await gateway.createClient(httpClient(upstream.url, { headers: { 'X-Key': 'k-123456789' } }));
  const { config, state } = await gateway.getClient(id);
  expect(state).toBe('connected');
  expect(config.auth_type).toBe('headers');
  const statuses = upstream.requests.map(({ headers }) => headers['x-key']);
  expect(new Set(statuses)).toEqual(new Set(['k-123456789']));
});

test('a server that refuses or does not answer is not stored', async () => {
  await using upstream = await startUpstream({ requiredHeader: ['X-Key', 'k-123456789'] });
  await using gateway = await startGateway();
  const gone = await startUpstream();
  await gone.stop();
  const attempts = [
    httpClient(gone.url),
    httpClient(upstream.url),
    httpClient(upstream.url, { headers: { 'X-Key': 'wrong' } }),
    httpClient(upstream.url, { connection_type: 'sse', headers: { 'X-Key': 'k-123456789' } }),
    { name: 'c1', connection_type: 'stdio', stdio_config: { command: '/no/such/program' } },
    {
      name: 'c1',
      connection_type: 'stdio',
      stdio_config: { command: process.execPath, args: ['-e', 'process.exit(3)'] },
    },
  ];
  for (const attempt of attempts)
    await expectRefused(gateway, 422, () => gateway.api('POST', '/api/mcp/client', attempt));
  expect(await gateway.listClients()).toEqual([]);
  expect(await gateway.createClient(httpClient(upstream.url, { headers: { 'X-Key': 'k-123456789' } }))).not.toBe('');
});

test('a taken name is a conflict and the server is not even contacted', async () => {
  await using first = await startUpstream();
  await using second = await startUpstream();
  await using gateway = await startGateway();
  await gateway.createClient(httpClient(first.url));
  await expectRefused(gateway, 409, () => gateway.api('POST', '/api/mcp/client', httpClient(second.url)));
  expect(second.requests).toHaveLength(0);
  // Names are compared with their case.
  await gateway.createClient(httpClient(second.url, { name: 'C1' }));
});

test('of ten creates of one name at once, one wins', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway();
  const creates = Array.from({ length: 10 }, () => gateway.api('POST', '/api/mcp/client', httpClient(upstream.url)));
  const statuses = (await Promise.all(creates)).map(({ status }) => status);
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
  expect(await gateway.listClients()).toHaveLength(1);
});

test.for([
  ['no name', { name: undefined }],
  ['a hyphen in the name', { name: 'a-b' }],
  ['no connection type', { connection_type: undefined }],
  ['no connection string', { connection_string: undefined }],
  ['an empty connection string', { connection_string: '' }],
  ['a connection string that is no URL', { connection_string: 'nowhere' }],
  ['a connection string of another scheme', { connection_string: 'file:///etc/passwd' }],
  ['stdio without a command', { connection_type: 'stdio' }],
  ['an auto-executed tool that may not be called', { tools_to_execute: ['add'], tools_to_auto_execute: ['echo'] }],
  ['a negative time-out', { tool_execution_timeout: -1 }],
  ['an id with a slash', { client_id: 'a/b' }],
  ['per-user headers without their names', { auth_type: 'per_user_headers' }],
] as const)('a create with %s is refused', async ([, part]) => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway();
  await expectRefused(gateway, 400, () => gateway.api('POST', '/api/mcp/client', httpClient(upstream.url, part)));
  expect(upstream.requests).toHaveLength(0);
});

test.for(['[]', '"x"', '{', '', 'null'])('the create body %s is refused', async (body) => {
  await using gateway = await startGateway();
  await expectRefused(gateway, 400, () => gateway.api('POST', '/api/mcp/client', body));
});
