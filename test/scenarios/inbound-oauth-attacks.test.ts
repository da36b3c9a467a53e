import { createHmac, generateKeyPairSync } from 'node:crypto';
import { SignJWT, UnsecuredJWT, decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway } from '../kit/gateway.ts';
import { createKey, updateKey, type TestKey } from '../kit/keys.ts';
import { allow, createBrowser, newPkce, registerClient, type HandClient } from '../kit/oauth-client.ts';
import { startScene, type Scene } from '../kit/scene.ts';
import { postMcp } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const both = { config: { client: { mcp_server_auth_mode: 'both' } } };
const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

let scene: Scene;
let key: TestKey;
let address: string;
let client: HandClient;

beforeAll(async () => {
  scene = await startScene({ gateway: both });
  address = scene.gateway.address;
  key = await createKey(scene.gateway, 'of the user');
  client = await registerClient(address);
});
afterAll(async () => scene[Symbol.asyncDispose]());

async function newCode(): Promise<string> {
  const back = await allow(createBrowser(), client.authorizeUrl(), key.value);
  return back.searchParams.get('code') ?? '';
}

async function knock(token: string, headers: Record<string, string> = {}): Promise<number> {
  return (await postMcp({ address, apiKey: token }, list, { headers })).status;
}

const refused = (error: string) => ({ status: 400, body: { error } });

describe('codes', () => {
  test('a code that comes twice ends everything that came of it', async () => {
    const code = await newCode();
    const first = await client.token(client.codeFields(code));
    const token = String(first.body['access_token']);
    expect(await knock(token)).toBe(200);
    expect(await client.token(client.codeFields(code))).toMatchObject(refused('invalid_grant'));
    expect(await knock(token)).toBe(401);
    expect(await client.refresh(String(first.body['refresh_token']))).toMatchObject(refused('invalid_grant'));
  });

  test('of many who redeem a code at the same time at most one gets a token', async () => {
    const code = await newCode();
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.token(client.codeFields(code))));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
  });

  test.each([
    ['another verifier', { code_verifier: newPkce().verifier }],
    ['no verifier', { code_verifier: '' }],
    ['another redirect address', { redirect_uri: 'http://127.0.0.1:7777/other' }],
    ['another resource', { resource: 'https://other.example.com/mcp' }],
  ])('a code does not work with %s', async (_name, changes) => {
    const { status, body } = await client.token({ ...client.codeFields(await newCode()), ...changes });
    expect(status).toBe(400);
    expect(body).not.toHaveProperty('access_token');
  });

  test('a code does not work for another client', async () => {
    const other = await registerClient(address);
    expect(await other.token(client.codeFields(await newCode()))).toMatchObject(refused('invalid_grant'));
  });
});

describe('refresh tokens', () => {
  test('one that comes again after it was rotated ends the whole family', async () => {
    const { accessToken, refreshToken } = await client.signIn(key.value);
    const second = await client.refresh(refreshToken);
    expect(second.status).toBe(200);
    expect(await client.refresh(refreshToken)).toMatchObject(refused('invalid_grant'));
    expect(await client.refresh(String(second.body['refresh_token']))).toMatchObject(refused('invalid_grant'));
    for (const token of [accessToken, String(second.body['access_token'])]) expect(await knock(token)).toBe(401);
  });

  test('those who send the same one at the same time share one successor', async () => {
    const { refreshToken } = await client.signIn(key.value);
    const answers = await Promise.all([1, 2, 3, 4].map(() => client.refresh(refreshToken)));
    expect(new Set(answers.map(({ body }) => body['refresh_token'])).size).toBe(1);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  test('one does not work for another client, nor for another resource', async () => {
    const { refreshToken } = await client.signIn(key.value);
    const other = await registerClient(address);
    expect(await other.refresh(refreshToken)).toMatchObject(refused('invalid_grant'));
    const fields = { grant_type: 'refresh_token', refresh_token: refreshToken, resource: 'https://other.example.com/' };
    expect(await client.token(fields)).toMatchObject(refused('invalid_target'));
    expect((await client.refresh(refreshToken)).status).toBe(200);
  });
});

describe('authorization requests', () => {
  const location = async (changes: Record<string, string>) => {
    const { status, location, html } = await createBrowser().open(client.authorizeUrl(changes));
    return { status, html, url: location === '' ? undefined : new URL(location) };
  };

  test.each([
    ['without PKCE', { code_challenge: '', code_challenge_method: '' }, 'invalid_request'],
    ['with plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['for a token', { response_type: 'token' }, 'unsupported_response_type'],
    ['for another resource', { resource: 'https://other.example.com/mcp' }, 'invalid_target'],
    ['that must not ask anybody', { prompt: 'none' }, 'consent_required'],
  ])('one %s goes back to the client as an error', async (_name, changes, error) => {
    const { url } = await location(changes);
    expect(url?.href.startsWith(client.redirectUri)).toBe(true);
    // Where no code was asked for, it goes into the fragment.
    const back = new URLSearchParams((url?.search || url?.hash)?.slice(1));
    expect(Object.fromEntries(back)).toMatchObject({ error, state: 'the state', iss: address });
  });

  test.each([
    ['https://evil.example.com/callback'],
    ['http://127.0.0.1:7777/callback/more'],
    ['http://127.0.0.1:7777/callback?more=1'],
    ['http://127.0.0.2:7777/callback'],
    ['http://localhost:7777/callback'],
    ['http://127.0.0.1:7777/callback#fragment'],
  ])('one that wants the code at %s goes nowhere', async (redirect_uri) => {
    const { status, url, html } = await location({ redirect_uri });
    expect([status, url]).toEqual([400, undefined]);
    expect(html).toContain('redirect_uri');
  });

  test('on this machine any port will do (RFC 8252)', async () => {
    const { status, url } = await location({ redirect_uri: 'http://127.0.0.1:9999/callback' });
    expect([status, url]).toEqual([200, undefined]);
  });

  test('an unknown client gets a page that says so', async () => {
    expect(await location({ client_id: '<script>alert(1)</script>' })).toMatchObject({ status: 400, url: undefined });
    expect((await location({ client_id: '<script>' })).html).not.toContain('<script>');
  });
});

describe('access tokens', () => {
  const claimsOf = (token: string, changes: JsonObject = {}) => ({ ...decodeJwt(token), ...changes });
  const header = (token: string) => ({ ...decodeProtectedHeader(token), alg: 'RS256' });

  test('one with a claim changed, without a signature, or signed by another key is refused', async () => {
    const { accessToken } = await client.signIn(key.value);
    const [head = '', , signature = ''] = accessToken.split('.');
    const other = await createKey(scene.gateway, `other ${Math.random()}`);
    const claims = claimsOf(accessToken, { sub: `virtual-key:${other.id}` });
    const changed = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const forged = await new SignJWT(claims).setProtectedHeader(header(accessToken)).sign(privateKey);
    for (const token of [changed, new UnsecuredJWT(claims).encode(), forged, `${accessToken.slice(0, -2)}AA`])
      expect(await knock(token)).toBe(401);
    expect(await knock(accessToken)).toBe(200);
  });

  test('one that is signed with the public key as a secret is refused (key confusion)', async () => {
    const { accessToken } = await client.signIn(key.value);
    const { keys } = (await (await fetch(`${address}/.well-known/jwks.json`)).json()) as { keys: JsonObject[] };
    const head = Buffer.from(JSON.stringify({ ...header(accessToken), alg: 'HS256' })).toString('base64url');
    const body = accessToken.split('.')[1] ?? '';
    for (const secret of [JSON.stringify(keys[0]), String(keys[0]?.['n'])]) {
      const signature = createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url');
      expect(await knock(`${head}.${body}.${signature}`)).toBe(401);
    }
  });

  test('one of another gateway is refused, and so is what that gateway would say in our name', async () => {
    await using other = await startGateway(both);
    const foreign = await createKey(other, 'elsewhere');
    const { accessToken } = await (await registerClient(other.address)).signIn(foreign.value);
    expect((await postMcp({ address: other.address, apiKey: accessToken }, list)).status).toBe(200);
    expect(await knock(accessToken)).toBe(401);
  });

  test('one that has ended is refused, whether it was known or not', async () => {
    const set = (access_token_ttl: number) =>
      scene.gateway.api('PUT', '/api/config', { client_config: { oauth2_server_config: { access_token_ttl } } });
    await set(1);
    const [known, fresh] = [await client.signIn(key.value), await client.signIn(key.value)];
    await knock(known.accessToken);
    const end = Math.max(...[known, fresh].map(({ accessToken }) => decodeJwt(accessToken).exp ?? 0)) * 1000;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, end - Date.now()) + 5));
    await set(600);
    for (const { accessToken } of [known, fresh]) expect(await knock(accessToken)).toBe(401);
    expect((await client.refresh(known.refreshToken)).status).toBe(200);
  });

  test('a token beside another key is refused, unless the settings say which counts', async () => {
    const set = (dual_credential_conflict_behavior: string) =>
      scene.gateway.api('PUT', '/api/config', { client_config: { dual_credential_conflict_behavior } });
    const { accessToken } = await client.signIn(key.value);
    const inactive = await createKey(scene.gateway, `inactive ${Math.random()}`);
    await updateKey(scene.gateway, inactive, { is_active: false });
    const beside = { 'x-bf-vk': inactive.value };
    expect(await knock(accessToken, beside)).toBe(401);
    await set('prefer_header');
    expect(await knock(accessToken, beside)).toBe(403);
    await set('prefer_token');
    expect(await knock(accessToken, beside)).toBe(200);
    await set('error');
  });
});
