import { expect, test, vi } from 'vitest';
import { httpClient, messageIn, startGateway } from '../kit/gateway.ts';
import { startProxy } from '../kit/proxy.ts';
import { stdioServer } from '../kit/stdio.ts';
import { startUpstream } from '../kit/upstream.ts';

const settings = (client_config: object) => ['PUT', '/api/config', { client_config }] as const;

test('a server at a metadata address is refused with the rule, and nothing is stored', async () => {
  await using gateway = await startGateway();
  for (const url of [
    'http://169.254.169.254/mcp',
    'http://[fe80::1]/mcp',
    'http://[::ffff:169.254.169.254]/mcp',
    'http://0.0.0.0:1/',
  ]) {
    for (const connection_type of ['http', 'sse']) {
      const answer = await gateway.api('POST', '/api/mcp/client', httpClient(url, { connection_type }));
      expect(answer.status, url).toBe(403);
      expect(answer.body['type']).toBe('egress_blocked');
      expect(messageIn(answer)).toMatch(/no setting allows/);
    }
  }
  expect(await gateway.listClients()).toEqual([]);
});

test('private servers can be forbidden and allowed again while the gateway runs', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ config: { client: { allow_private_servers: false } } });
  const create = () => gateway.api('POST', '/api/mcp/client', httpClient(upstream.url));
  const refused = await create();
  expect(refused.status).toBe(403);
  expect(refused.body['extra_fields']).toMatchObject({
    host: '127.0.0.1',
    address_class: 'loopback',
    setting: 'allow_private_servers',
  });
  expect(upstream.requests).toEqual([]);
  await gateway.api(...settings({ egress_allowlist: ['127.0.0.0/8'] }));
  expect((await create()).status).toBe(200);
  expect((await gateway.execute('c1-echo', { text: 'a' })).status).toBe(200);
  await gateway.api(...settings({ egress_allowlist: [] }));
  const blocked = await gateway.execute('c1-echo', { text: 'a' });
  expect(messageIn(blocked)).toMatch(/allow_private_servers/);
  await gateway.api(...settings({ allow_private_servers: true }));
  expect((await gateway.execute('c1-echo', { text: 'a' })).status).toBe(200);
});

test('the list takes hosts and ranges, nothing else', async () => {
  await using gateway = await startGateway();
  const good = ['a.example', '*.a.example', 'localhost', '10.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', 'fd00::/128'];
  expect((await gateway.api(...settings({ egress_allowlist: good }))).status).toBe(200);
  for (const bad of [
    '',
    'https://a.example',
    'a b',
    '10.0.0.0/33',
    'fd00::/129',
    '*',
    'a/8',
    'a.example:443',
    '[::1]',
  ]) {
    expect((await gateway.api(...settings({ egress_allowlist: [bad] }))).status, bad).toBe(400);
  }
});

test('stdio servers have nothing to do with it', async () => {
  await using gateway = await startGateway({ config: { client: { allow_private_servers: false } } });
  vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:1');
  const stdio_config = stdioServer();
  await gateway.createClient({ name: 'c1', connection_type: 'stdio', stdio_config, tools_to_execute: ['*'] });
  expect((await gateway.execute('c1-echo', { text: 'a' })).status).toBe(200);
});

test('a server is reached through the proxy of the environment', async () => {
  await using proxy = await startProxy();
  await using upstream = await startUpstream();
  vi.stubEnv('http_proxy', proxy.url);
  await using gateway = await startGateway();
  const url = upstream.url.replace('127.0.0.1', 'tools.example');
  await gateway.createClient(httpClient(url));
  expect((await gateway.execute('c1-echo', { text: 'a' })).status).toBe(200);
  expect(proxy.asked).toContain(`POST ${url}`);
});
