import { describe, expect, test } from 'vitest';
import type { GatewayError } from '../../src/lib/errors.ts';
import { DATABASES } from '../kit/databases.ts';
import { callWith, REDIRECT, startOAuthScene, type OAuthScene } from '../kit/oauth.ts';

/** The error of something that must fail. */
async function failure(run: Promise<unknown>): Promise<GatewayError> {
  return run.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as GatewayError,
  );
}

function finish(scene: OAuthScene, query: URLSearchParams, changes: Record<string, string | undefined> = {}) {
  const changed = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) changed.delete(name);
    else changed.set(name, value);
  }
  return scene.oauth.finish({ query: changed });
}

describe.each(DATABASES)('on %s', (type) => {
  test('an administrator signs in, and the server lets the gateway in', async () => {
    await using scene = await startOAuthScene({ type });
    const { oauth, upstream, server } = scene;
    const finished = await scene.signIn();
    expect(finished).toMatchObject({ purpose: 'admin', client_id: 'wiki-id', identity: undefined });
    const status = await oauth.statusOf(finished.config.id);
    expect(status).toMatchObject({ status: 'authorized', token_scopes: ['tools'] });
    expect(await callWith(scene.shared(), upstream.url)).toBe(200);
    expect(upstream.subjects).toEqual(['alice']);
    expect(server.tokenRequests[0]?.get('resource')).toBe(upstream.url);
    expect(oauth.obstacle(scene.client)).toBeUndefined();
  });

  test('an answer is good once', async () => {
    await using scene = await startOAuthScene({ type });
    const { begun, query } = await scene.begin();
    const [first, second] = await Promise.allSettled([finish(scene, query), finish(scene, query)]);
    expect([first.status, second.status].toSorted()).toEqual(['fulfilled', 'rejected']);
    await expect(finish(scene, query)).rejects.toMatchObject({ code: 'wrong_state' });
    expect(await scene.oauth.statusOf(begun.oauth_config_id)).toMatchObject({ status: 'authorized' });
    expect(scene.server.count('POST /token authorization_code')).toBe(1);
  });

  test('an answer that comes too late is refused', async () => {
    await using scene = await startOAuthScene({ type });
    const { begun, query } = await scene.begin();
    await scene.database.db
      .updateTable('oauth_flows')
      .set({ expires_at: Date.now() - 1 })
      .execute();
    await expect(finish(scene, query)).rejects.toMatchObject({
      code: 'wrong_state',
      message: expect.stringMatching(/time .* over/) as string,
    });
    expect(await scene.oauth.statusOf(begun.oauth_config_id)).toMatchObject({ status: 'expired' });
    expect(scene.server.count('POST /token authorization_code')).toBe(0);
  });

  test('what is stored and traced shows no token, code, verifier or secret', async () => {
    await using scene = await startOAuthScene({ type });
    const { query } = await scene.begin();
    const { config } = await finish(scene, query);
    await scene.oauth.finish({ query }).catch(() => undefined);
    const { authorization = '' } = await scene.oauth
      .tokenFor({ ...scene.client, oauth_config_id: config.id }, 'shared')
      .headers();
    const rows = await Promise.all(
      (['oauth_configs', 'oauth_flows', 'oauth_tokens'] as const).map((table) =>
        scene.database.db.selectFrom(table).selectAll().execute(),
      ),
    );
    const [request] = scene.server.tokenRequests;
    const secrets = [authorization.slice(7), query.get('state'), query.get('code'), request?.get('code_verifier')];
    const text = JSON.stringify([rows, await scene.oauth.traceOf(config.id), scene.oauth.tokens()]);
    for (const secret of secrets) {
      expect(secret?.length).toBeGreaterThan(20);
      expect(text).not.toContain(secret);
    }
    expect((await scene.oauth.traceOf(config.id)).map(({ step }) => step)).toEqual([
      'probe',
      'protected_resource_metadata',
      'authorization_server_metadata',
      'registration',
      'authorization_request',
      'authorization_response',
      'token',
    ]);
  });
});

test('the URL asks for S256, this resource, the scopes of the challenge and a state of its own', async () => {
  await using scene = await startOAuthScene();
  const begin = async () => {
    const begun = await scene.oauth.beginAdmin({ client: scene.client, input: {}, redirectUri: REDIRECT });
    if (begun.status !== 'pending') throw new Error('not pending');
    return new URL(begun.authorize_url).searchParams;
  };
  const [one, two] = [await begin(), await begin()];
  expect(Object.fromEntries(one)).toMatchObject({
    response_type: 'code',
    code_challenge_method: 'S256',
    redirect_uri: REDIRECT,
    resource: scene.upstream.url,
    scope: 'tools offline_access',
  });
  expect(one.get('state')).toMatch(/^[\w-]{43}$/);
  expect(one.get('state')).not.toBe(two.get('state'));
  expect(one.get('code_challenge')).not.toBe(two.get('code_challenge'));
});

test('an answer in the name of another authorization server is refused, and nothing of it is shown', async () => {
  await using scene = await startOAuthScene();
  for (const changes of [
    { iss: 'https://evil.example' },
    { iss: `${scene.server.issuer}/` },
    { iss: undefined },
    { iss: 'https://evil.example', code: undefined, error: 'click-here', error_description: 'at evil.example' },
  ]) {
    const { begun, query } = await scene.begin();
    const error = await failure(finish(scene, query, changes));
    expect(error).toMatchObject({ code: 'upstream_refused', details: { oauth_config_id: begun.oauth_config_id } });
    const shown = JSON.stringify([error.message, error.details, await scene.oauth.traceOf(begun.oauth_config_id)]);
    expect(shown).not.toMatch(/evil|click-here/);
    expect(await scene.oauth.statusOf(begun.oauth_config_id)).toMatchObject({ status: 'failed' });
  }
  expect(scene.server.count('POST /token authorization_code')).toBe(0);
});

test('a server that does not announce iss may leave it out, but not lie', async () => {
  await using scene = await startOAuthScene({ announcesIss: false });
  scene.server.iss = undefined;
  await scene.signIn();
  const { query } = await scene.begin();
  await expect(finish(scene, query, { iss: 'https://evil.example' })).rejects.toMatchObject({
    code: 'upstream_refused',
  });
});

test('a person who refuses is told so, and the flow has failed', async () => {
  await using scene = await startOAuthScene();
  scene.server.consents = false;
  const { begun, query } = await scene.begin();
  await expect(finish(scene, query)).rejects.toMatchObject({
    code: 'invalid_request',
    details: { oauth_error: 'access_denied', purpose: 'admin' },
  });
  expect(await scene.oauth.statusOf(begun.oauth_config_id)).toMatchObject({ status: 'failed' });
});

test('only the browser that began may finish, and a wrong one does not use the sign-in up', async () => {
  await using scene = await startOAuthScene();
  const { query } = await scene.begin({}, { bind: 'the cookie of alice' });
  await expect(scene.oauth.finish({ query })).rejects.toMatchObject({ code: 'forbidden' });
  await expect(scene.oauth.finish({ query, bind: 'mallory' })).rejects.toMatchObject({ code: 'forbidden' });
  await scene.oauth.finish({ query, bind: 'the cookie of alice' });
});

test('an unknown state, and an answer without state or code, are refused', async () => {
  await using scene = await startOAuthScene();
  const { query } = await scene.begin();
  for (const changes of [{ state: 'x'.repeat(43) }, { state: undefined }, { state: '' }, { code: undefined }]) {
    await expect(finish(scene, query, changes)).rejects.toMatchObject({ code: 'invalid_request' });
  }
});

test('an authorization server that does not announce S256 is refused before anything is sent there', async () => {
  await using scene = await startOAuthScene({ announcesPkce: false });
  const error = await failure(scene.begin());
  expect(error).toMatchObject({ code: 'upstream_refused', message: expect.stringMatching(/PKCE with S256/) as string });
  expect(error.details?.['oauth_trace']).toContainEqual(
    expect.objectContaining({ outcome: 'failed', rule: expect.stringMatching(/S256/) as string }),
  );
  expect(scene.server.requests.filter((line) => line.startsWith('POST'))).toEqual([]);
});

test('a server that claims to be another resource is refused', async () => {
  await using scene = await startOAuthScene();
  for (const resource of ['https://bank.example/mcp', `${scene.upstream.url}/deeper`, 'nonsense']) {
    scene.upstream.resource = resource;
    await expect(scene.begin()).rejects.toMatchObject({
      code: 'upstream_refused',
      message: expect.stringMatching(/says that it is/) as string,
    });
  }
});

test('metadata in the name of another issuer is refused', async () => {
  await using scene = await startOAuthScene();
  scene.upstream.authorizationServers = [scene.server.issuer.replace('127.0.0.1', 'localhost')];
  await expect(scene.begin()).rejects.toMatchObject({
    code: 'upstream_refused',
    message: expect.stringMatching(/says that it is/) as string,
  });
});

test('where nobody can register, the error asks for a client id', async () => {
  await using scene = await startOAuthScene({ allowsRegistration: false });
  await expect(scene.begin()).rejects.toMatchObject({
    code: 'upstream_refused',
    message: expect.stringMatching(/give oauth_config.client_id/) as string,
  });
});

test.each(['client_secret_basic', 'client_secret_post'] as const)(
  'a registered client uses its secret: %s',
  async (method) => {
    const client_secret = 'a:b%c+d/e=f&g h';
    await using scene = await startOAuthScene({
      allowsRegistration: false,
      clients: [
        {
          client_id: 'given',
          client_secret,
          redirect_uris: [REDIRECT],
          application_type: 'native',
          grant_types: ['authorization_code', 'refresh_token'],
          token_endpoint_auth_method: method,
        },
      ],
    });
    await scene.signIn({ client_id: 'given', client_secret, token_endpoint_auth_method: method });
    expect(await callWith(scene.shared(), scene.upstream.url)).toBe(200);
    expect(scene.server.tokenRequests[0]?.has('client_secret')).toBe(method === 'client_secret_post');
  },
);

test('with a public https address the gateway is known by its own document', async () => {
  const publicUrl = 'https://gateway.example';
  const redirectUri = `${publicUrl}/api/oauth/callback`;
  const documents: Record<string, object> = {};
  await using scene = await startOAuthScene({ allowsCimd: true, publicUrl, redirectUri, documents });
  const document = scene.oauth.clientDocument() as { client_id: string };
  documents[document.client_id] = document;
  const { config } = await scene.signIn();
  const stored = await scene.oauth.configOf(config.id);
  expect(stored).toMatchObject({
    registration: 'cimd',
    client_id: 'https://gateway.example/api/oauth/client-metadata.json',
  });
  expect(await callWith(scene.shared(), scene.upstream.url)).toBe(200);
  expect(scene.server.count('POST /reg')).toBe(0);
});

test('a server without metadata is taken for its own authorization server, as in 2025-03-26', async () => {
  await using scene = await startOAuthScene();
  scene.upstream.hidesMetadata = true;
  const begun = await failure(scene.begin());
  // There is none at its origin: the defaults of that revision are tried, and lead nowhere here.
  expect(begun.message).toContain(`${new URL(scene.upstream.url).origin}/register did not register`);
});

test('given endpoints are used without asking the server', async () => {
  await using scene = await startOAuthScene();
  const { issuer } = scene.server;
  scene.upstream.authorizationServers = [];
  await scene.signIn({
    authorize_url: `${issuer}/auth`,
    token_url: `${issuer}/token`,
    registration_url: `${issuer}/reg`,
    resource: scene.upstream.url,
    scopes: ['tools'],
  });
  expect(await callWith(scene.shared(), scene.upstream.url)).toBe(200);
  expect(scene.server.requests.filter((line) => line.includes('well-known'))).toEqual([]);
});
