import { expect, test } from 'vitest';
import { Secret } from '../../lib/secret.ts';
import { readKey } from './client-authentication.ts';
import type { Fetch } from './fetch.ts';
import { chooseScopes, unionScopes } from './scopes.ts';
import { exchangeToken, requestTokens } from './token-endpoint.ts';
import { createTrace } from './trace.ts';

const SERVER = {
  issuer: 'https://as.example',
  isVerified: true,
  authorization_endpoint: undefined,
  token_endpoint: 'https://as.example/token',
  registration_endpoint: undefined,
  scopes_supported: [],
  token_endpoint_auth_methods_supported: undefined,
  client_id_metadata_document_supported: false,
  authorization_response_iss_parameter_supported: false,
};
const CLIENT = {
  client_id: 'id',
  client_secret: Secret.empty,
  private_key: Secret.empty,
  token_endpoint_auth_method: undefined,
};

/** A token endpoint that answers this. */
function ask(body: object | string, status = 200, type = 'application/json') {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const trace = createTrace(async () => new Response(text, { status, headers: { 'content-type': type } }));
  const request = { config: CLIENT, server: SERVER, parameters: { grant_type: 'x' }, about: { step: 'token' }, trace };
  return requestTokens(request);
}

test('an end that is not said is not known, and never now', async () => {
  for (const expires_in of [undefined, null, '', 0, -5, 'soon', {}]) {
    expect(await ask({ access_token: 'a', token_type: 'Bearer', expires_in })).toMatchObject({ expires_at: undefined });
  }
  const before = Date.now();
  const { expires_at } = await ask({ access_token: 'a', expires_in: '3600' });
  expect(expires_at).toBeGreaterThanOrEqual(before + 3_600_000);
});

test('a form is read as well as JSON', async () => {
  const granted = await ask('access_token=a%2Bb&scope=x+y&expires_in=60', 200, 'application/x-www-form-urlencoded');
  expect(granted.access.resolve()).toBe('a+b');
  expect(granted.scopes).toEqual(['x', 'y']);
});

test('only a refusal that would come again is final', async () => {
  const isFinal = { code: 'upstream_refused' };
  await expect(ask({ error: 'invalid_grant' }, 400)).rejects.toMatchObject({
    ...isFinal,
    details: { oauth_error: 'invalid_grant' },
  });
  await expect(ask({ error: 'invalid_client' }, 401)).rejects.toMatchObject(isFinal);
  await expect(ask({ error: 'bad_refresh_token' }, 200)).rejects.toMatchObject(isFinal);
  const mayPass = { code: 'upstream_unreachable' };
  await expect(ask({ error: 'server_error' }, 400)).rejects.toMatchObject(mayPass);
  await expect(ask({ error: 'invalid_grant' }, 503)).rejects.toMatchObject(mayPass);
  await expect(ask({ error: 'invalid_grant' }, 429)).rejects.toMatchObject(mayPass);
  await expect(ask('<html>', 400, 'text/html')).rejects.toMatchObject(mayPass);
});

test('a token that cannot be sent as a Bearer header is refused', async () => {
  for (const answer of [
    {},
    { access_token: '' },
    { access_token: 'a\r\nx-admin: 1' },
    { access_token: 'ä' },
    { access_token: 7 },
    { access_token: 'a', token_type: 'DPoP' },
    [],
  ]) {
    await expect(ask(answer)).rejects.toMatchObject({ code: 'upstream_refused' });
  }
});

test('a token that looks like a reference to the environment stays a text', async () => {
  const { access, refresh } = await ask({ access_token: 'env.PATH', refresh_token: 'env.HOME' });
  expect([access.resolve(), refresh?.resolve()]).toEqual(['env.PATH', 'env.HOME']);
});

test('an answer without end is cut off', async () => {
  await expect(ask(`"${'x'.repeat(600_000)}"`)).rejects.toMatchObject({ code: 'upstream_unreachable' });
});

test('a trace hides what was sent and what came back, also where a server repeats it', async () => {
  const trace = createTrace(async (_url, init) => {
    const said = `no: ${String(init?.body instanceof URLSearchParams ? init.body.get('refresh_token') : '')}`;
    return new Response(JSON.stringify({ error: 'invalid_grant', error_description: said }), { status: 400 });
  });
  const config = { ...CLIENT, client_secret: Secret.literal('canary-of-the-client') };
  const parameters = { grant_type: 'refresh_token', refresh_token: 'canary-of-the-refresh-token' };
  const error: unknown = await requestTokens({
    ...{ config, server: SERVER, parameters, trace },
    about: { step: 'refresh' },
  }).catch((error: unknown) => error);
  expect(String(error)).toMatch(/invalid_grant: no: cana\*+oken/);
  expect(trace.steps).toHaveLength(1);
  const basic = Buffer.from('id:canary-of-the-client').toString('base64');
  for (const secret of [...Object.values(parameters).slice(1), 'canary-of-the-client', basic]) {
    expect(JSON.stringify(trace.steps)).not.toContain(secret);
  }
  expect(trace.steps[0]).toMatchObject({ outcome: 'failed', response: { status: 400 } });
});

test('RFC 8693: the token of a caller for one of the server', async () => {
  let form = new URLSearchParams();
  let authorization = '';
  const fetch: Fetch = async (_url, init) => {
    if (init?.body instanceof URLSearchParams) form = init.body;
    authorization = new Headers(init?.headers).get('authorization') ?? '';
    return Response.json({
      access_token: 'for-the-server',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 60,
    });
  };
  const exchanged = await exchangeToken(
    {
      server: SERVER,
      config: { client_id: 'gateway', client_secret: Secret.literal('s'), token_endpoint_auth_method: undefined },
      subject_token: 'of-the-caller',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'wiki',
      resource: undefined,
      scopes: ['a', 'b'],
    },
    createTrace(fetch),
  );
  expect(exchanged.access.resolve()).toBe('for-the-server');
  expect(Object.fromEntries(form)).toEqual({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: 'of-the-caller',
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'wiki',
    scope: 'a b',
  });
  expect(authorization).toBe(`Basic ${Buffer.from('gateway:s').toString('base64')}`);
});

test('scopes: the operator, else the challenge, else the metadata, else none; offline_access only where it is listed', () => {
  const none = {
    given: [],
    challenge: undefined,
    resource: undefined,
    server: [],
    grant: 'authorization_code',
  } as const;
  const server = ['openid', 'offline_access', 'everything'];
  expect(chooseScopes({ ...none, given: ['g'], challenge: 'c', resource: ['r'], server })).toEqual(['g']);
  expect(chooseScopes({ ...none, challenge: 'c d', resource: ['r'], server })).toEqual(['c', 'd', 'offline_access']);
  expect(chooseScopes({ ...none, resource: ['r'] })).toEqual(['r']);
  expect(chooseScopes({ ...none, resource: ['r'], server, grant: 'client_credentials' })).toEqual(['r']);
  expect(chooseScopes(none)).toEqual([]);
  expect(unionScopes(['a', 'b'], ['b', 'c', 'not a scope', 'no"'])).toEqual(['a', 'b', 'c']);
});

test('a key that cannot be read is not repeated in the error', () => {
  expect(() => readKey('-----BEGIN PRIVATE KEY-----canary')).toThrow(/no private key in PEM or JWK form$/);
});
