import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { callWith, expireTokens, REDIRECT, startOAuthScene } from '../kit/oauth.ts';
import { startOAuthServer } from '../kit/oauth-server.ts';

const matching = (pattern: RegExp): string => expect.stringMatching(pattern) as string;
const CREDENTIALS = 'POST /token client_credentials';

test('a call that lacks a scope says so; the token goes on, and the next sign-in asks for both', async () => {
  await using scene = await startOAuthScene();
  const { upstream, oauth } = scene;
  upstream.callScopes = ['admin'];
  const { config } = await scene.signIn();
  const auth = scene.shared();
  for (let round = 0; round < 2; round += 1) {
    await expect(callWith(auth, upstream.url, 'tools/call')).rejects.toMatchObject({
      code: 'upstream_unauthorized',
      message: matching(/scopes tools admin/),
      details: { reason: 'more_scopes', wanted_scopes: ['tools', 'admin'] },
    });
  }
  expect(scene.server.count('POST /token refresh_token')).toBe(0); // which could not widen anything
  expect(await callWith(auth, upstream.url)).toBe(200);
  expect(oauth.obstacle(scene.client)).toBeUndefined();
  expect(await oauth.statusOf(config.id)).toMatchObject({ wanted_scopes: ['tools', 'admin'] });
  await scene.signInAgain();
  expect(oauth.tokens()[0]).toMatchObject({ scopes: ['tools', 'admin'], wanted_scopes: [] });
  // In without a scope missing: what it says to a call outside a session is its own affair.
  expect(await callWith(auth, upstream.url, 'tools/call')).toBe(400);
});

test('a server that asks for scopes which the token has is not believed', async () => {
  await using scene = await startOAuthScene();
  await scene.signIn();
  const auth = scene.shared();
  const sent = await auth.headers();
  const challenge = 'Bearer error="insufficient_scope", scope="tools"';
  await expect(auth.refused({ status: 403, challenge }, sent)).rejects.toMatchObject({
    details: { reason: 'more_scopes' },
  });
  const flood = Array.from({ length: 500 }, (_, index) => `s${index}`).join(' ');
  await auth
    .refused({ status: 403, challenge: `Bearer error="insufficient_scope", scope="${flood}"` }, sent)
    .catch(() => {});
  expect(scene.oauth.tokens()[0]?.wanted_scopes).toHaveLength(100);
  expect(await auth.refused({ status: 403, challenge: undefined }, sent)).toBe(false);
});

test('a server that changes its authorization server gets a new registration there, and nothing old is sent', async () => {
  await using scene = await startOAuthScene();
  await using second = await startOAuthServer();
  const before = await scene.signIn();
  const old = await scene.oauth.configOf(before.config.id);
  const { authorization: oldToken } = await scene.shared().headers();
  scene.upstream.authorizationServers = [second.issuer];
  const begun = await scene.oauth.beginAdmin({ client: scene.client, redirectUri: REDIRECT });
  if (begun.status !== 'pending') throw new Error('not pending');
  // Until somebody finishes, the old token serves; it is renewed nowhere.
  expect(await scene.shared().headers()).toEqual({ authorization: oldToken });
  const answer = await second.browse(begun.authorize_url);
  await scene.oauth.finish({ query: answer.searchParams });
  const now = await scene.oauth.configOf(before.config.id);
  expect(now).toMatchObject({ issuer: second.issuer, registration: 'dynamic' });
  expect(now?.client_id).not.toBe(old?.client_id);
  expect(second.tokenRequests.map((form) => form.get('client_id'))).toEqual([now?.client_id]);
  expect((await scene.shared().headers())['authorization']).not.toBe(oldToken);
});

test('a token of the authorization server before is not renewed at the one after', async () => {
  await using scene = await startOAuthScene();
  await using second = await startOAuthServer();
  await scene.signIn();
  scene.upstream.authorizationServers = [second.issuer];
  await scene.oauth.beginAdmin({ client: scene.client, redirectUri: REDIRECT });
  await expireTokens(scene);
  await expect(callWith(scene.shared(), scene.upstream.url)).rejects.toMatchObject({
    code: 'upstream_unauthorized',
    message: matching(/authorization server changed/),
  });
  expect([...scene.server.tokenRequests, ...second.tokenRequests].map((form) => form.get('grant_type'))).toEqual([
    'authorization_code',
  ]);
});

test('a client id that was given for one authorization server is never used at another', async () => {
  const given = {
    client_id: 'given',
    client_secret: 'the secret of the first server',
    redirect_uris: [REDIRECT],
    application_type: 'native',
  } as const;
  await using scene = await startOAuthScene({ clients: [{ ...given, redirect_uris: [REDIRECT] }] });
  await using second = await startOAuthServer();
  await scene.signIn({ client_id: given.client_id, client_secret: given.client_secret });
  scene.upstream.authorizationServers = [second.issuer];
  await expect(scene.signInAgain()).rejects.toMatchObject({
    code: 'upstream_refused',
    message: matching(/client_id belongs to/),
  });
  expect(second.requests.filter((line) => !line.includes('well-known'))).toEqual([]);
  expect(await callWith(scene.shared(), scene.upstream.url)).toBe(200);
});

const machine = (more: object) => ({
  client_id: 'machine',
  redirect_uris: [],
  response_types: [],
  grant_types: ['client_credentials'],
  scope: 'tools admin',
  ...more,
});

test('with client credentials nobody signs in, and more scopes are fetched at once', async () => {
  const client_secret = 'the secret of the machine';
  await using scene = await startOAuthScene({ clients: [machine({ client_secret })] });
  const input = { client_id: 'machine', client_secret, grant_type: 'client_credentials' } as const;
  const begun = await scene.oauth.beginAdmin({ client: scene.client, input, redirectUri: REDIRECT });
  expect(begun).toMatchObject({ status: 'authorized' });
  scene.client = { ...scene.client, oauth_config_id: begun.oauth_config_id };
  const auth = scene.shared();
  expect(await callWith(auth, scene.upstream.url)).toBe(200);
  await expireTokens(scene);
  expect(await callWith(auth, scene.upstream.url)).toBe(200);
  expect(scene.server.count(CREDENTIALS)).toBe(2);
  scene.upstream.callScopes = ['admin'];
  expect(await callWith(auth, scene.upstream.url, 'tools/call')).toBe(400); // in, but outside a session
  expect(scene.server.count(CREDENTIALS)).toBe(3);
  expect(scene.oauth.tokens()[0]?.scopes).toEqual(['tools', 'admin']);
});

test.each(['pem', 'jwk'] as const)('with private_key_jwt the key never leaves the gateway (%s)', async (form) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' };
  await using scene = await startOAuthScene({
    clients: [
      machine({
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: { keys: [jwk] },
      }),
    ],
  });
  const private_key =
    form === 'pem'
      ? privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      : JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: 'k1' });
  const input = { client_id: 'machine', private_key, grant_type: 'client_credentials' } as const;
  const begun = await scene.oauth.beginAdmin({ client: scene.client, input, redirectUri: REDIRECT });
  scene.client = { ...scene.client, oauth_config_id: begun.oauth_config_id };
  expect(await callWith(scene.shared(), scene.upstream.url)).toBe(200);
  const [request] = scene.server.tokenRequests;
  expect(request?.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
  expect(JSON.stringify(await scene.oauth.traceOf(begun.oauth_config_id))).not.toContain(
    request?.get('client_assertion'),
  );
});

test('what cannot work is refused before anything is asked', async () => {
  await using scene = await startOAuthScene();
  for (const input of [
    { grant_type: 'client_credentials' },
    { grant_type: 'client_credentials', client_id: 'machine' },
    { client_secret: 'without an id' },
    { client_id: 'x', private_key: 'no key' },
    { client_id: 'x', client_secret: '********' },
    { client_id: 'x', client_secret: 'env.ASBRU_TEST_UNSET_SECRET' },
    { authorize_url: 'http://example.com/auth', token_url: 'https://example.com/token' },
    { authorize_url: 'javascript:alert(1)' },
  ] as const) {
    const begun = scene.oauth.beginAdmin({ client: scene.client, input, redirectUri: REDIRECT });
    await expect(begun).rejects.toMatchObject({ code: 'invalid_request' });
  }
  expect(scene.server.requests).toEqual([]);
  expect(scene.upstream.upstream.requests).toEqual([]);
});
