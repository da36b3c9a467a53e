import { expect, test } from 'vitest';
import { startGateway } from '../kit/gateway.ts';
import { startScene } from '../kit/scene.ts';
import { modernRequest, openSession, postMcp, postModern, statusForHost } from '../kit/wire.ts';

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

test('a caller without a valid credential gets 401, whatever it asks', async () => {
  await using gateway = await startGateway();
  for (const apiKey of ['', 'nonsense', 'sk-bf-unknown']) {
    const caller = { address: gateway.address, apiKey };
    expect((await postModern(caller, 'tools/list')).status).toBe(401);
    expect((await postMcp(caller, ping)).status).toBe(401);
    const initialize = { jsonrpc: '2.0', id: 0, method: 'initialize', params: {} };
    expect((await postMcp(caller, initialize)).status).toBe(401);
    expect((await gateway.execute('c1-echo', {}, { authorization: apiKey && `Bearer ${apiKey}` })).status).toBe(401);
  }
});

test('a foreign origin is refused, an own or allowed one is not', async () => {
  await using gateway = await startGateway();
  const { message, headers } = modernRequest('tools/list');
  const statusFor = (origin: string): Promise<number> =>
    postMcp(gateway, message, { headers: { ...headers, origin } }).then(({ status }) => status);
  expect(await statusFor('https://evil.example')).toBe(403);
  expect(await statusFor('null')).toBe(403);
  expect(await statusFor('http://localhost.evil.example')).toBe(403);
  expect(await statusFor('http://localhost:3000')).toBe(200);
  expect(await statusFor(gateway.address)).toBe(200);
  const allow = { client_config: { allowed_origins: ['https://good.example'] } };
  expect((await gateway.api('PUT', '/api/config', allow)).status).toBe(200);
  expect(await statusFor('https://good.example')).toBe(200);
  expect(await statusFor('https://evil.example')).toBe(403);
});

test('a foreign host name is refused on a gateway of this machine, so that no web page can rebind to it', async () => {
  await using gateway = await startGateway();
  const { port } = new URL(gateway.address);
  for (const host of ['evil.example', `evil.example:${port}`, 'localhost.evil.example']) {
    expect(await statusForHost(gateway, '/mcp', host, ping), host).toBe(403);
    expect(await statusForHost(gateway, '/api/mcp/client', host, {}), host).toBe(403);
  }
  expect(await statusForHost(gateway, '/mcp', `localhost:${port}`, ping)).not.toBe(403);
});

test('a ping is answered with and without a session', async () => {
  await using gateway = await startGateway();
  const session = await openSession(gateway);
  expect((await session.request('ping')).reply).toMatchObject({ result: {} });
  expect((await postMcp(gateway, { ...ping, id: 'p' })).reply).toMatchObject({ id: 'p', result: {} });
});

test('notifications and answers nobody waits for get 202', async () => {
  await using gateway = await startGateway();
  const session = await openSession(gateway);
  expect((await session.notify('notifications/whatever')).status).toBe(202);
  const stray = { jsonrpc: '2.0', id: 99, result: {} };
  expect((await postMcp(gateway, stray, { headers: session.headers })).status).toBe(202);
});

test('the older revisions are negotiated, unknown ones end at the newest of them', async () => {
  await using gateway = await startGateway();
  const initialize = async (protocolVersion: string): Promise<unknown> => {
    const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'x', version: '1' } };
    const { reply } = await postMcp(gateway, { jsonrpc: '2.0', id: 0, method: 'initialize', params });
    return reply.result?.['protocolVersion'];
  };
  for (const version of ['2025-11-25', '2025-06-18', '2025-03-26']) expect(await initialize(version)).toBe(version);
  expect(await initialize('2099-01-01')).toBe('2025-11-25');
});

test('server/discover names the revisions and what is offered', async () => {
  await using gateway = await startGateway();
  const { reply } = await postModern(gateway, 'server/discover');
  expect(reply.result).toMatchObject({ resultType: 'complete', capabilities: { tools: {} } });
  expect(reply.result?.['supportedVersions']).toContain('2026-07-28');
});

test('a header that disagrees with the body is refused before anything is called', async () => {
  await using scene = await startScene();
  const { message, headers } = modernRequest('tools/call', { name: 'c1-echo', arguments: { text: 'x' } });
  const wrong: Record<string, string>[] = [
    { 'mcp-name': 'c1-add' },
    { 'mcp-method': 'tools/list' },
    { 'mcp-protocol-version': '2025-11-25' },
    { 'mcp-name': '' },
    { 'mcp-method': '' },
  ];
  for (const change of wrong) {
    const answer = await postMcp(scene.gateway, message, { headers: { ...headers, ...change } });
    expect([answer.status, answer.reply.error?.code], JSON.stringify(change)).toEqual([400, -32_020]);
  }
  const encoded = `=?base64?${btoa('c1-echo')}?=`;
  expect((await postMcp(scene.gateway, message, { headers: { ...headers, 'mcp-name': encoded } })).status).toBe(200);
  expect(scene.upstream.countCalls()).toBe(1);
});

test('an unknown revision is refused and the known ones are named', async () => {
  await using gateway = await startGateway();
  const { message, headers } = modernRequest('tools/list');
  const text = JSON.stringify(message).replaceAll('2026-07-28', '2099-01-01');
  const answer = await postMcp(gateway, text, { headers: { ...headers, 'mcp-protocol-version': '2099-01-01' } });
  expect([answer.status, answer.reply.error?.code]).toEqual([400, -32_022]);
  expect(JSON.stringify(answer.reply.error?.data)).toContain('2026-07-28');
});

test('an unknown method is -32601 in both eras', async () => {
  await using gateway = await startGateway();
  const modern = await postModern(gateway, 'no/such');
  expect([modern.status, modern.reply.error?.code]).toEqual([404, -32_601]);
  const session = await openSession(gateway);
  expect((await session.request('no/such')).reply.error?.code).toBe(-32_601);
});

test.for([
  '',
  '{',
  '[]',
  '"x"',
  '1',
  'null',
  '{}',
  '{"jsonrpc":"1.0","id":1,"method":"ping"}',
  '{"jsonrpc":"2.0","id":{},"method":"ping"}',
])('the body %s gets a JSON-RPC error', async (body) => {
  await using gateway = await startGateway();
  const { status, reply } = await postMcp(gateway, body);
  expect(status).toBe(400);
  expect([-32_700, -32_600, -32_602]).toContain(reply.error?.code);
});

test('request ids come back as they were sent, strings and numbers alike', async () => {
  await using scene = await startScene();
  const { message, headers } = modernRequest('tools/call', { name: 'c1-echo', arguments: { text: 'x' } });
  for (const id of ['a "quoted" id', 0, -1, 2 ** 53 - 1, '1']) {
    expect((await postMcp(scene.gateway, { ...message, id }, { headers })).reply.id).toBe(id);
  }
});
