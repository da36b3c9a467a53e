import { expect, test } from 'vitest';
import { messageIn, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { postModern } from '../kit/wire.ts';

interface CreatedKey {
  readonly key: string;
  readonly id: number;
  readonly headers: { readonly authorization: string };
}

async function createKey(gateway: GatewayAccess, body: object): Promise<CreatedKey> {
  const answer = await gateway.api('POST', '/api/api-keys', body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  const { key, api_key } = answer.body as { key: string; api_key: { id: number } };
  return { key, id: api_key.id, headers: { authorization: `Bearer ${key}` } };
}

test('a key is shown once, listed by its prefix, and works at once', async () => {
  await using gateway = await startGateway();
  const { key, headers, id } = await createKey(gateway, { name: 'ci', description: 'for CI' });
  expect(key).toMatch(/^[\w-]{20,}$/);
  expect((await gateway.api('GET', '/api/mcp/clients', undefined, headers)).status).toBe(200);
  const list = await gateway.api('GET', '/api/api-keys');
  expect(JSON.stringify(list.body)).not.toContain(key);
  const keys = list.body['api_keys'] as { id: number; name: string; key_prefix: string; description: string }[];
  const shown = keys.find((entry) => entry.id === id);
  expect(shown).toMatchObject({ name: 'ci', description: 'for CI' });
  expect(key.startsWith(shown?.key_prefix.replaceAll('.', '') ?? 'x')).toBe(true);
});

test('a revoked key gets 401 from the next request on', async () => {
  await using gateway = await startGateway();
  const { headers, id } = await createKey(gateway, { name: 'ci' });
  expect((await gateway.api('GET', '/api/config', undefined, headers)).status).toBe(200);
  expect((await gateway.api('DELETE', `/api/api-keys/${id}`)).status).toBe(200);
  expect((await gateway.api('GET', '/api/config', undefined, headers)).status).toBe(401);
  expect((await gateway.api('DELETE', `/api/api-keys/${id}`)).status).toBe(404);
});

test('scopes: reading, writing and using the gateway are separate rights', async () => {
  await using gateway = await startGateway();
  const read = await createKey(gateway, { name: 'r', scopes: ['read'] });
  const write = await createKey(gateway, { name: 'w', scopes: ['read', 'write'] });
  const use = await createKey(gateway, { name: 'm', scopes: ['mcp'] });
  const settings = { client_config: { mcp_agent_depth: 5 } };
  const get = (headers: CreatedKey['headers']): Promise<number> =>
    gateway.api('GET', '/api/config', undefined, headers).then(({ status }) => status);
  const put = (headers: CreatedKey['headers']): Promise<number> =>
    gateway.api('PUT', '/api/config', settings, headers).then(({ status }) => status);
  const list = ({ key }: CreatedKey): Promise<number> =>
    postModern({ address: gateway.address, apiKey: key }, 'tools/list').then(({ status }) => status);
  expect([await get(read.headers), await put(read.headers)]).toEqual([200, 403]);
  expect([await get(write.headers), await put(write.headers)]).toEqual([200, 200]);
  expect([await get(use.headers), await put(use.headers)]).toEqual([403, 403]);
  expect(await list(use)).toBe(200);
  for (const key of [read, write]) expect([401, 403]).toContain(await list(key));
});

test('a key cannot make a key with more rights than it has', async () => {
  await using gateway = await startGateway();
  const { headers } = await createKey(gateway, { name: 'w', scopes: ['read', 'write'] });
  const { status } = await gateway.api('POST', '/api/api-keys', { name: 'more', scopes: ['mcp'] }, headers);
  expect(status).toBe(403);
});

test('an expired key gets 401; one that expires later works', async () => {
  await using gateway = await startGateway();
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  const { headers } = await createKey(gateway, { name: 'later', expires_at: soon });
  expect((await gateway.api('GET', '/api/config', undefined, headers)).status).toBe(200);
  const past = await gateway.api('POST', '/api/api-keys', { name: 'past', expires_at: '2020-01-01T00:00:00Z' });
  if (past.status === 200) {
    const stale = { authorization: `Bearer ${String(past.body['key'])}` };
    expect((await gateway.api('GET', '/api/config', undefined, stale)).status).toBe(401);
  } else {
    expect(past.status).toBe(400);
  }
});

test.for([
  [{ name: '' }, 400],
  [{}, 400],
  [{ name: 'x', scopes: [] }, 400],
  [{ name: 'x', scopes: ['root'] }, 400],
  [{ name: 'x', expires_at: 'tomorrow' }, 400],
  [{ name: 'taken' }, 409],
] as const)('a key with %j is refused with %i', async ([body, expected]) => {
  await using gateway = await startGateway();
  await createKey(gateway, { name: 'taken' });
  const before = (await gateway.api('GET', '/api/api-keys')).body['api_keys'] as unknown[];
  const answer = await gateway.api('POST', '/api/api-keys', body);
  expect(answer.status).toBe(expected);
  messageIn(answer);
  expect((await gateway.api('GET', '/api/api-keys')).body['api_keys']).toHaveLength(before.length);
});
