import { describe, expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { freshDatabase } from '../kit/keys.ts';
import { startOAuthServer, type OAuthServer } from '../kit/oauth-server.ts';
import { startProtectedUpstream, type ProtectedUpstream } from '../kit/oauth-upstream.ts';
import { callText } from '../kit/scene.ts';
import { waitFor } from '../kit/wait.ts';

interface SignInScene extends AsyncDisposable {
  readonly server: OAuthServer;
  readonly upstream: ProtectedUpstream;
  readonly gateway: TestGateway;
}

async function startSignInScene(database: (typeof DATABASES)[number]): Promise<SignInScene> {
  const server = await startOAuthServer({ allowsRegistration: true });
  const upstream = await startProtectedUpstream(server);
  const gateway = await startGateway(await freshDatabase(database));
  return {
    server,
    upstream,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await upstream[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Plays the administrator's browser up to the page that the gateway shows in the end; gives its status. */
async function signIn({ server, gateway }: SignInScene, authorizeUrl: unknown): Promise<number> {
  const callback = await server.browse(String(authorizeUrl));
  expect(callback.href.startsWith(`${gateway.address}/api/oauth/callback?`)).toBe(true);
  return (await fetch(callback)).status;
}

async function register(scene: SignInScene, more: Record<string, unknown> = {}) {
  const body = httpClient(scene.upstream.url, { auth_type: 'oauth', oauth_config: {}, ...more });
  const { status, body: answer } = await scene.gateway.api('POST', '/api/mcp/client', body);
  expect(status, JSON.stringify(answer)).toBe(200);
  return answer;
}

async function lastEntry({ gateway }: SignInScene) {
  const { body } = await gateway.api('GET', '/api/audit-logs?limit=1');
  return (body['audit_logs'] as Record<string, unknown>[])[0];
}

describe.each(DATABASES)('a server that somebody signs in to, on %s', (database) => {
  test('exists when the sign-in is completed, and is called with what it gave', async () => {
    await using scene = await startSignInScene(database);
    const { gateway, upstream } = scene;
    const pending = await register(scene);
    expect(pending).toMatchObject({
      status: 'pending_oauth',
      complete_url: `/api/mcp/client/${String(pending['oauth_config_id'])}/complete-oauth`,
      status_url: `/api/oauth/config/${String(pending['oauth_config_id'])}/status`,
    });
    expect(await gateway.listClients()).toEqual([]);
    const early = await gateway.api('POST', String(pending['complete_url']));
    expect(early.status).toBe(400);
    expect(await signIn(scene, pending['authorize_url'])).toBe(200);
    const status = await gateway.api('GET', String(pending['status_url']));
    expect(status.body).toMatchObject({ status: 'authorized' });
    const completed = await gateway.api('POST', String(pending['complete_url']));
    expect(completed, JSON.stringify(completed.body)).toMatchObject({ status: 200 });
    expect(String(completed.body['message'])).toContain('connected successfully with OAuth');
    expect(await lastEntry(scene)).toMatchObject({ action: 'create', entity: 'mcp_client', actor: 'api-key:1' });
    const [client] = await gateway.listClients();
    expect(client).toMatchObject({ state: 'connected', config: { client_id: pending['mcp_client_id'] } });
    expect(await callText(gateway, 'c1-echo', { text: 'hi' })).toBe('hi');
    expect(new Set(upstream.subjects)).toEqual(new Set([scene.server.user]));
    expect(JSON.stringify(await gateway.listClients())).not.toContain(upstream.tokens[0]);
    expect((await gateway.api('POST', String(pending['complete_url']))).status).toBeGreaterThanOrEqual(400);
  });

  test('shows that the sign-in was withdrawn, and works again after another one', async () => {
    await using scene = await startSignInScene(database);
    const { gateway, upstream, server } = scene;
    const pending = await register(scene);
    await signIn(scene, pending['authorize_url']);
    await gateway.api('POST', String(pending['complete_url']));
    const id = String(pending['mcp_client_id']);
    await server.revokeAll();
    for (const token of upstream.tokens) upstream.withdrawn.add(token);
    const refused = await gateway.execute('c1-echo', { text: 'hi' });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    await waitFor(async () => (await gateway.getClient(id)).state === 'needs_reauth', 'the server to need a sign-in');
    const again = await gateway.api('POST', `/api/mcp/client/${id}/reauthorize`);
    expect(again.status, JSON.stringify(again.body)).toBe(200);
    expect(await lastEntry(scene)).toMatchObject({ action: 'reauthorize', entity: 'mcp_client', entity_id: id });
    expect(await signIn(scene, again.body['authorize_url'])).toBe(200);
    await waitFor(async () => (await gateway.getClient(id)).state === 'connected', 'the server to be connected');
    expect(await callText(gateway, 'c1-echo', { text: 'back' })).toBe('back');
  });

  test('takes over another configuration by PUT, once it was signed in to', async () => {
    await using scene = await startSignInScene(database);
    const { gateway } = scene;
    const pending = await register(scene);
    await signIn(scene, pending['authorize_url']);
    await gateway.api('POST', String(pending['complete_url']));
    const id = String(pending['mcp_client_id']);
    const before = await gateway.getClient(id);
    expect((await gateway.update(id, { oauth_config_id: 'nobody', name: 'y' })).status).toBe(400);
    expect(await gateway.getClient(id)).toEqual(before);
    const next = await gateway.update(id, { oauth_config: { scopes: ['tools'] } });
    expect(next.body).toMatchObject({ status: 'success', authorize_url: expect.any(String) as string });
    expect(await callText(gateway, 'c1-echo', { text: 'meanwhile' })).toBe('meanwhile');
    scene.server.user = 'another admin';
    await signIn(scene, next.body['authorize_url']);
    const completed = await gateway.api('POST', String(next.body['complete_url']));
    expect(completed.status, JSON.stringify(completed.body)).toBe(200);
    expect((await gateway.getClient(id)).config.oauth_config_id).toBe(next.body['oauth_config_id']);
    expect(await callText(gateway, 'c1-echo', { text: 'new' })).toBe('new');
    expect(scene.upstream.subjects.at(-1)).toBe('another admin');
  });
});

test('a server that config.json declares waits for its first sign-in', async () => {
  const server = await startOAuthServer({ allowsRegistration: true });
  await using _server = server;
  await using upstream = await startProtectedUpstream(server);
  const entry = { ...httpClient(upstream.url), client_id: 'c1', auth_type: 'oauth' };
  await using gateway = await startGateway({ config: { mcp: { client_configs: [entry] } } });
  const scene = { server, upstream, gateway, [Symbol.asyncDispose]: () => Promise.resolve() };
  expect((await gateway.getClient('c1')).state).toBe('pending_verification');
  const begun = await gateway.api('POST', '/api/mcp/client/c1/initiate-verification');
  expect(begun.status, JSON.stringify(begun.body)).toBe(200);
  await signIn(scene, begun.body['authorize_url']);
  expect((await gateway.api('POST', String(begun.body['complete_url']))).status).toBe(200);
  expect((await gateway.getClient('c1')).state).toBe('connected');
  expect(await callText(gateway, 'c1-echo', { text: 'hi' })).toBe('hi');
});
