import { request } from 'node:http';
import { beforeAll, afterAll, describe, expect, test } from 'vitest';
import { createKey, updateKey, type TestKey } from '../kit/keys.ts';
import { allow, createBrowser, registerClient, submit } from '../kit/oauth-client.ts';
import { callText, listedTools, seenHeaders, startScene, type Scene } from '../kit/scene.ts';
import { postMcp } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const DISCOVERY = [
  '/.well-known/oauth-protected-resource',
  '/.well-known/oauth-protected-resource/mcp',
  '/.well-known/oauth-authorization-server',
  '/.well-known/jwks.json',
];
const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const mcp_configs = [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }];

let scene: Scene;
let key: TestKey;
let address: string;

beforeAll(async () => {
  scene = await startScene();
  address = scene.gateway.address;
  key = await createKey(scene.gateway, 'of the user', { mcp_configs });
});
afterAll(async () => scene[Symbol.asyncDispose]());

async function set(client_config: JsonObject): Promise<void> {
  const { status, body } = await scene.gateway.api('PUT', '/api/config', { client_config });
  expect(status, JSON.stringify(body)).toBe(200);
}

async function get(path: string): Promise<{ status: number; body: JsonObject }> {
  const response = await fetch(address + path);
  return { status: response.status, body: (await response.json()) as JsonObject };
}

async function signIn() {
  const client = await registerClient(address);
  const tokens = await client.signIn(key.value);
  return { client, ...tokens, endpoint: { address, apiKey: tokens.accessToken } };
}

/** The status of tools/list with these headers, and the challenge. */
async function knock(headers: Record<string, string>) {
  const answer = await postMcp({ address, apiKey: '' }, list, { headers });
  return { status: answer.status, challenge: answer.headers.get('www-authenticate') };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('modes, which change live', () => {
  test('in the mode headers nothing of it is there, and a token is no credential', async () => {
    await set({ mcp_server_auth_mode: 'both' });
    const { accessToken } = await signIn();
    await set({ mcp_server_auth_mode: 'headers' });
    for (const path of [...DISCOVERY, '/oauth2/authorize', '/oauth2/consent'])
      expect((await get(path)).status, path).toBe(404);
    for (const path of ['/oauth2/token', '/oauth2/register', '/oauth2/revoke']) {
      expect((await fetch(address + path, { method: 'POST', body: '{}' })).status, path).toBe(404);
    }
    expect(await knock(bearer(accessToken))).toEqual({ status: 401, challenge: 'Bearer realm="asbru"' });
    expect((await knock(bearer(key.value))).status).toBe(200);
    await set({ mcp_server_auth_mode: 'both' });
    expect((await knock(bearer(accessToken))).status).toBe(200);
  });

  test('in the mode both keys work as before, and a 401 says where to sign in', async () => {
    await set({ mcp_server_auth_mode: 'both' });
    const metadata = `${address}/.well-known/oauth-protected-resource/mcp`;
    for (const headers of [bearer(key.value), { 'x-bf-vk': key.value }, bearer(scene.gateway.apiKey)])
      expect((await knock(headers)).status).toBe(200);
    expect(await knock({})).toEqual({
      status: 401,
      challenge: `Bearer resource_metadata="${metadata}", scope="mcp"`,
    });
    expect((await knock(bearer('nobody knows this'))).challenge).toContain('error="invalid_token"');
    await set({ enforce_auth_on_inference: false });
    expect((await knock({})).status).toBe(200);
    expect((await knock(bearer('a.b.c'))).status).toBe(200);
    await set({ enforce_auth_on_inference: true });
  });

  test('in the mode oauth only tokens count on /mcp and /sse, and /v1 goes on with keys', async () => {
    await set({ mcp_server_auth_mode: 'both' });
    const { accessToken } = await signIn();
    await set({ mcp_server_auth_mode: 'oauth', enforce_auth_on_inference: false });
    for (const headers of [{}, bearer(key.value), { 'x-bf-vk': key.value }, bearer(scene.gateway.apiKey)]) {
      const { status, challenge } = await knock(headers);
      expect([status, challenge]).toEqual([401, expect.stringContaining('resource_metadata=')]);
    }
    const sse = await fetch(`${address}/sse`, { headers: bearer(key.value) });
    expect([sse.status, sse.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('resource_')]);
    expect((await knock(bearer(accessToken))).status).toBe(200);
    expect((await scene.gateway.execute('c1-echo', { text: 'x' }, bearer(key.value))).status).toBe(200);
    await set({ mcp_server_auth_mode: 'both', enforce_auth_on_inference: true });
  });

  test('a token is for /mcp: the management API and /v1 do not know it', async () => {
    await set({ mcp_server_auth_mode: 'both' });
    const { accessToken } = await signIn();
    expect((await scene.gateway.api('GET', '/api/mcp/clients', undefined, bearer(accessToken))).status).toBe(401);
    expect((await scene.gateway.execute('c1-echo', { text: 'x' }, bearer(accessToken))).status).toBe(401);
  });
});

test('where no key is demanded, a client may sign in without one, for as long as that is so', async () => {
  await set({ mcp_server_auth_mode: 'oauth' });
  const client = await registerClient(address);
  const browser = createBrowser();
  const page = await browser.open(client.authorizeUrl());
  expect((await submit(browser, page.url, { action: 'session' })).status).toBe(403);
  await set({ enforce_auth_on_inference: false });
  const { location } = await submit(browser, page.url, { action: 'session' });
  const code = new URL(location).searchParams.get('code') ?? '';
  const token = String((await client.token(client.codeFields(code))).body['access_token']);
  expect((await knock(bearer(token))).status).toBe(200);
  await set({ enforce_auth_on_inference: true, mcp_server_auth_mode: 'both' });
  expect((await knock(bearer(token))).status).toBe(401);
});

test('the public name that is configured is a name of this gateway', async () => {
  const ask = (): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const headers = { host: 'gateway.example.com' };
      const url = `${address}/.well-known/oauth-protected-resource`;
      request(url, { headers }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
  await set({ mcp_server_auth_mode: 'both' });
  expect(await ask()).toBe(403);
  await set({ oauth2_server_config: { issuer_url: 'https://gateway.example.com' } });
  expect(await ask()).toBe(200);
  await set({ oauth2_server_config: { issuer_url: '' } });
});

test('the discovery documents name every endpoint, and one key', async () => {
  await set({ mcp_server_auth_mode: 'both' });
  const resource = await get('/.well-known/oauth-protected-resource');
  expect(resource.body).toMatchObject({ resource: `${address}/mcp`, authorization_servers: [address] });
  expect((await get('/.well-known/oauth-protected-resource/mcp')).body).toEqual(resource.body);
  expect((await get('/.well-known/oauth-authorization-server')).body).toMatchObject({
    issuer: address,
    authorization_endpoint: `${address}/oauth2/authorize`,
    token_endpoint: `${address}/oauth2/token`,
    registration_endpoint: `${address}/oauth2/register`,
    jwks_uri: `${address}/.well-known/jwks.json`,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
  });
  const { keys } = (await get('/.well-known/jwks.json')).body as { keys: JsonObject[] };
  expect(keys.map((jwk) => Object.keys(jwk).toSorted())).toEqual([['alg', 'e', 'kid', 'kty', 'n', 'use']]);
  expect(keys[0]).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig' });
});

test('a client that knows only the address signs in and calls as the virtual key', async () => {
  await set({ mcp_server_auth_mode: 'both' });
  const client = await registerClient(address);
  const back = await allow(createBrowser(), client.authorizeUrl(), key.value);
  expect(back.href.startsWith(client.redirectUri)).toBe(true);
  expect([back.searchParams.get('state'), back.searchParams.get('iss')]).toEqual(['the state', address]);
  const { status, body } = await client.token(client.codeFields(back.searchParams.get('code') ?? ''));
  expect([status, body]).toEqual([
    200,
    {
      token_type: 'Bearer',
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      expires_in: 600,
      scope: 'mcp',
    },
  ]);
  const [head, claims] = String(body['access_token'])
    .split('.', 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as JsonObject);
  expect(head).toMatchObject({ alg: 'RS256', typ: 'at+jwt' });
  expect(claims).toMatchObject({ iss: address, aud: `${address}/mcp`, sub: `virtual-key:${key.id}`, scope: 'mcp' });

  const endpoint = { address, apiKey: String(body['access_token']) };
  const own = { address, apiKey: key.value };
  expect(await listedTools(endpoint)).toEqual(await listedTools(own));
  await updateKey(scene.gateway, key, {
    mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['echo', 'whoami'] }],
  });
  expect(await listedTools(endpoint)).toEqual(['c1-echo', 'c1-whoami']);
  await updateKey(scene.gateway, key, { mcp_configs });
  expect(await callText(endpoint, 'c1-echo', { text: 'hello' })).toContain('hello');
});

test('the token stays here: no server ever sees it', async () => {
  await set({ mcp_server_auth_mode: 'both' });
  const { endpoint, accessToken } = await signIn();
  await scene.update({ allowed_extra_headers: ['*'] });
  const seen = await seenHeaders(endpoint);
  expect(JSON.stringify(seen)).not.toContain(accessToken.slice(-20));
  expect(seen).not.toHaveProperty('authorization');
  await scene.update({ allowed_extra_headers: [] });
});

test('a key that is switched off is refused at once, a rotated one goes on, a deleted one must sign in again', async () => {
  await set({ mcp_server_auth_mode: 'both' });
  const own = await createKey(scene.gateway, 'short-lived', { mcp_configs });
  const client = await registerClient(address);
  const { accessToken, refreshToken } = await client.signIn(own.value);
  expect((await knock(bearer(accessToken))).status).toBe(200);
  await updateKey(scene.gateway, own, { is_active: false });
  expect((await knock(bearer(accessToken))).status).toBe(403);
  expect(await client.refresh(refreshToken)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  await updateKey(scene.gateway, own, { is_active: true });
  expect((await knock(bearer(accessToken))).status).toBe(200);
  await scene.gateway.api('POST', `/api/governance/virtual-keys/${own.id}/rotate`);
  expect((await knock(bearer(own.value))).status).toBe(401);
  expect((await knock(bearer(accessToken))).status).toBe(200);
  expect((await client.refresh(refreshToken)).status).toBe(200);
  await scene.gateway.api('DELETE', `/api/governance/virtual-keys/${own.id}`);
  expect((await knock(bearer(accessToken))).status).toBe(401);
});

test('the sessions are listed; one that is ended neither refreshes nor calls, and the others go on', async () => {
  await set({ mcp_server_auth_mode: 'both' });
  const [one, other] = [await signIn(), await signIn()];
  const { body } = await scene.gateway.api('GET', '/api/oauth2/sessions');
  const sessions = body['sessions'] as JsonObject[];
  const found = sessions.find(({ client_id }) => client_id === one.client.clientId);
  expect(found).toMatchObject({
    client_name: 'Test client',
    virtual_key: { id: key.id, name: key.name },
    scopes: ['mcp'],
    created_at: expect.any(String),
    last_used_at: expect.any(String),
    expires_at: expect.any(String),
  });
  expect((await knock(bearer(one.accessToken))).status).toBe(200);
  const ended = await scene.gateway.api('DELETE', `/api/oauth2/sessions/${String(found?.['id'])}`);
  expect(ended.status).toBe(200);
  const { body: trail } = await scene.gateway.api('GET', '/api/audit-logs?limit=1');
  expect(trail['audit_logs']).toMatchObject([
    { action: 'delete', entity: 'oauth_session', entity_id: found?.['id'], before: found, after: null },
  ]);
  expect((await knock(bearer(one.accessToken))).status).toBe(401);
  expect(await one.client.refresh(one.refreshToken)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  expect((await knock(bearer(other.accessToken))).status).toBe(200);
  expect((await other.client.refresh(other.refreshToken)).status).toBe(200);
  expect((await scene.gateway.api('DELETE', `/api/oauth2/sessions/${String(found?.['id'])}`)).status).toBe(404);
});

test('a client may give up what it has (RFC 7009)', async () => {
  await set({ mcp_server_auth_mode: 'both' });
  const { client, accessToken, refreshToken } = await signIn();
  const body = new URLSearchParams({ token: refreshToken, client_id: client.clientId });
  expect((await fetch(`${address}/oauth2/revoke`, { method: 'POST', body })).status).toBe(200);
  expect((await client.refresh(refreshToken)).status).toBe(400);
  expect((await knock(bearer(accessToken))).status).toBe(401);
});

test('the settings of the server are checked, and what is left out of them stays', async () => {
  const config = async (oauth2_server_config: JsonObject) =>
    (await scene.gateway.api('PUT', '/api/config', { client_config: { oauth2_server_config } })).status;
  for (const bad of [{ auth_code_ttl: 901 }, { access_token_ttl: 0 }, { issuer_url: 'http://gateway.example.com' }])
    expect(await config(bad)).toBe(400);
  expect(await config({ issuer_url: 'https://gateway.example.com/path' })).toBe(400);
  await set({ mcp_server_auth_mode: 'both', oauth2_server_config: { access_token_ttl: 60 } });
  await set({ oauth2_server_config: { issuer_url: 'https://gateway.example.com' } });
  const { body } = await scene.gateway.api('GET', '/api/config');
  expect((body['client_config'] as JsonObject)['oauth2_server_config']).toEqual({
    issuer_url: 'https://gateway.example.com',
    auth_code_ttl: 300,
    access_token_ttl: 60,
    disable_vk_identity: false,
  });
  expect((await get('/.well-known/oauth-protected-resource')).body).toMatchObject({
    resource: 'https://gateway.example.com/mcp',
  });
  await set({ oauth2_server_config: { issuer_url: '', access_token_ttl: 600 } });
});
