import { expect, test } from 'vitest';
import { setUp, signedIn } from '../kit/browser-session.ts';
import { httpClient } from '../kit/gateway.ts';
import { signInPerson } from '../kit/isolation-holders.ts';
import { createKey } from '../kit/keys.ts';
import { startOAuthServer } from '../kit/oauth-server.ts';
import { listSessions, requiredIn } from '../kit/personal.ts';
import { call, signIn, startPersonalOAuth, subjectOf } from '../kit/personal-oauth.ts';
import { callText } from '../kit/scene.ts';
import { openSession } from '../kit/wire.ts';

const CODE = 'POST /token authorization_code';
const REFRESH = 'POST /token refresh_token';

test('an answer in the name of another authorization server signs nobody in, and is not repeated to the browser', async () => {
  await using scene = await startPersonalOAuth('sqlite');
  const { server, gateway } = scene;
  const key = await createKey(gateway, 'one');
  const before = server.count(CODE);
  for (const iss of ['https://evil.example', `${server.issuer}/`, undefined]) {
    server.iss = iss;
    const page = await signIn(scene, key, 'mallory');
    expect(page.status).toBeGreaterThanOrEqual(400);
    expect(await page.text()).not.toContain('evil');
    requiredIn(await call(scene, key));
  }
  expect(server.count(CODE)).toBe(before);
  expect(await listSessions(gateway, 'kind=token')).toEqual([]);
  server.iss = server.issuer;
  expect((await signIn(scene, key, 'alice')).status).toBe(200);
  expect(await subjectOf(scene, key)).toBe('alice');
});

test('a server that changes its authorization server asks each caller anew, and nothing old is sent to the new one', async () => {
  await using scene = await startPersonalOAuth('sqlite');
  await using second = await startOAuthServer();
  const { gateway, server, upstream, id } = scene;
  const key = await createKey(gateway, 'one');
  await signIn(scene, key, 'alice');
  const old = new Set([...upstream.tokens, ...server.tokenRequests.flatMap((form) => [...form.values()])]);
  upstream.authorizationServers = [second.issuer];
  const again = await gateway.api('POST', `/api/mcp/client/${id}/reauthorize`);
  expect(again.status, JSON.stringify(again.body)).toBe(200);
  expect((await fetch(await second.browse(String(again.body['authorize_url'])))).status).toBe(200);
  upstream.trusted = second;
  const renewals = server.count(REFRESH);

  const moved = { ...scene, server: second };
  requiredIn(await call(moved, key));
  expect((await signIn(moved, key, 'alice of the second')).status).toBe(200);
  expect(await subjectOf(moved, key)).toBe('alice of the second');
  expect([server.count(REFRESH), second.count(REFRESH)]).toEqual([renewals, 0]);
  const resources = new Set([upstream.url, 'authorization_code', `${gateway.address}/api/oauth/callback`]);
  const sent = second.tokenRequests.flatMap((form) => [...form.values()]).filter((text) => !resources.has(text));
  expect(sent.filter((text) => old.has(text))).toEqual([]);
});

test('a call that lacks scopes names them, and works once an administrator has signed in with them', async () => {
  await using scene = await startPersonalOAuth('sqlite');
  const { gateway, server, upstream } = scene;
  const record = { name: 'c2', auth_type: 'oauth', oauth_config: {} };
  const { body } = await gateway.api('POST', '/api/mcp/client', httpClient(upstream.url, record));
  await fetch(await server.browse(String(body['authorize_url'])));
  expect((await gateway.api('POST', String(body['complete_url']))).status).toBe(200);
  expect(await callText(gateway, 'c2-echo', { text: 'before' })).toBe('before');

  upstream.callScopes = ['admin'];
  const refused = await gateway.execute('c2-echo', { text: 'hi' });
  expect(JSON.stringify(refused.body)).toMatch(/scopes tools admin/);
  const again = await gateway.api('POST', `/api/mcp/client/${String(body['mcp_client_id'])}/reauthorize`);
  const authorizeUrl = new URL(String(again.body['authorize_url']));
  expect(authorizeUrl.searchParams.get('scope')?.split(' ')).toContain('admin');
  expect((await fetch(await server.browse(authorizeUrl.href))).status).toBe(200);
  expect(await callText(gateway, 'c2-echo', { text: 'after' })).toBe('after');
});

test('a person is an identity of their own, whose link works in the browser where they are signed in, and nowhere else', async () => {
  await using scene = await startPersonalOAuth('sqlite');
  const { gateway, server, upstream } = scene;
  await gateway.api('PUT', '/api/config', { client_config: { mcp_server_auth_mode: 'both' } });
  await setUp(gateway);
  const [ann, ben] = [await signInPerson(gateway, 'ann'), await signInPerson(gateway, 'ben')];
  const open = (token: string) =>
    openSession({ address: gateway.address, apiKey: token }, {}, { elicitation: { url: {} } });
  const [ofAnn, ofBen] = [await open(ann.token), await open(ben.token)];
  const params = { name: 'c1-echo', arguments: { text: 'hi' } };
  const { reply } = await ofAnn.request('tools/call', params);
  const asked = reply.error?.data as { elicitations: { url: string; elicitationId: string }[] } | undefined;
  const [link] = asked?.elicitations ?? [];
  // Whoever comes by it gets no token with it.
  expect(new URL(link?.url ?? '').hash).toBe('');

  const path = `/api/oauth/per-user/flows/${link?.elicitationId}/start`;
  expect((await fetch(gateway.address + path)).status).toBe(401);
  for (const other of [ben.browser, await signedIn(gateway)]) expect((await other.send('GET', path)).status).toBe(403);
  expect((await gateway.api('GET', path)).status).toBe(403);
  const begun = await ann.browser.send('GET', path);
  expect(begun.status, begun.text).toBe(200);
  server.user = 'ann at the server';
  const callback = await server.browse(String(begun.body['authorize_url']));
  const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? '';
  expect((await fetch(callback, { headers: { cookie } })).status).toBe(200);

  expect((await ofAnn.request('tools/call', params)).reply.result).toBeDefined();
  expect(upstream.subjects.at(-1)).toBe('ann at the server');
  expect((await ofBen.request('tools/call', params)).reply.error?.code).toBe(-32_042);
  expect((await gateway.api('DELETE', `/api/users/${ann.id}`)).status).toBe(200);
  expect(await listSessions(gateway, 'kind=token')).toEqual([]);
});
