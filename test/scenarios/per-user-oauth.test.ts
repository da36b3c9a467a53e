import { describe, expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { createKey } from '../kit/keys.ts';
import { startProtectedUpstream } from '../kit/oauth-upstream.ts';
import { listSessions, requiredIn, tokenIn } from '../kit/personal.ts';
import { call, follow, post, renew, signIn, startPersonalOAuth, subjectOf } from '../kit/personal-oauth.ts';
import { openSession } from '../kit/wire.ts';

describe.each(DATABASES)('a server to which each caller signs in, on %s', (type) => {
  test('is called with the token of the caller, and of nobody else', async () => {
    await using scene = await startPersonalOAuth(type);
    const { gateway, upstream } = scene;
    const [one, two] = [await createKey(gateway, 'one'), await createKey(gateway, 'two')];
    const before = upstream.upstream.countCalls();
    const first = requiredIn(await call(scene, one));
    expect(first).toMatchObject({ kind: 'oauth', mcp_client_name: 'c1' });
    expect(first).not.toHaveProperty('submit_url');
    expect(requiredIn(await call(scene, one))).toEqual(first);
    expect(upstream.upstream.countCalls()).toBe(before);

    const page = await signIn(scene, one, 'alice');
    expect([page.status, (await page.text()).includes('it will work now')]).toEqual([200, true]);
    expect((await signIn(scene, two, 'bob')).status).toBe(200);
    for (const [key, user] of [
      [one, 'alice'],
      [two, 'bob'],
      [one, 'alice'],
    ] as const)
      expect(await subjectOf(scene, key)).toBe(user);
    const three = await createKey(gateway, 'three');
    requiredIn(await call(scene, three));

    const sessions = await listSessions(gateway, 'kind=token');
    expect(sessions.map((row) => [row.virtual_key?.name, row.status, row.auth_kind])).toEqual([
      ['two', 'active', 'oauth'],
      ['one', 'active', 'oauth'],
    ]);
    expect(await listSessions(gateway, 'kind=flow')).toMatchObject([{ auth_kind: 'oauth', status: 'pending' }]);
    for (const token of upstream.tokens) expect(JSON.stringify(sessions)).not.toContain(token);
  });

  test('asks again after a revocation, and a sign-in from before brings nothing back', async () => {
    await using scene = await startPersonalOAuth(type);
    const { gateway, server } = scene;
    const key = await createKey(gateway, 'one');
    await signIn(scene, key, 'alice');
    expect(await subjectOf(scene, key)).toBe('alice');
    const [session] = await listSessions(gateway, 'kind=token');
    const path = `/api/mcp/sessions/${session?.id}`;
    const late = await follow(scene, await renew(scene, path));
    expect((await gateway.api('DELETE', path)).status).toBe(204);
    const callback = await server.browse(late.authorizeUrl);
    expect((await fetch(callback, { headers: { cookie: late.cookie } })).status).toBe(400);
    requiredIn(await call(scene, key));
    expect((await signIn(scene, key, 'alice again')).status).toBe(200);
    expect(await subjectOf(scene, key)).toBe('alice again');
  });

  test('forgets the tokens of a key that is deleted, and all when the server is', async () => {
    await using scene = await startPersonalOAuth(type);
    const { gateway, server, id } = scene;
    const [one, two] = [await createKey(gateway, 'one'), await createKey(gateway, 'two')];
    await signIn(scene, one, 'alice');
    const late = await follow(scene, await call(scene, two));
    for (const key of [one, two]) await gateway.api('DELETE', `/api/governance/virtual-keys/${key.id}`);
    expect(await listSessions(gateway)).toEqual([]);
    const callback = await server.browse(late.authorizeUrl);
    expect((await fetch(callback, { headers: { cookie: late.cookie } })).status).toBe(400);
    const three = await createKey(gateway, 'three');
    await signIn(scene, three, 'carol');
    expect(await listSessions(gateway)).toHaveLength(1);
    expect((await gateway.api('DELETE', `/api/mcp/client/${id}`)).status).toBe(200);
    expect(await listSessions(gateway)).toEqual([]);
  });

  test('renews a token that ends, and asks when that is refused', async () => {
    await using scene = await startPersonalOAuth(type, { accessTokenTtl: 5 });
    const { gateway, server, upstream } = scene;
    const key = await createKey(gateway, 'one');
    await signIn(scene, key, 'alice');
    // Of five seconds none is left once those for the way are taken off: each call renews.
    expect(await subjectOf(scene, key)).toBe('alice');
    expect(await subjectOf(scene, key)).toBe('alice');
    expect(
      server.tokenRequests.filter((request) => request.get('grant_type') === 'refresh_token').length,
    ).toBeGreaterThan(1);
    await server.revokeAll();
    for (const token of upstream.tokens) upstream.withdrawn.add(token);
    requiredIn(await call(scene, key));
    expect((await listSessions(gateway, 'kind=token'))[0]?.status).toBe('needs_reauth');
    await signIn(scene, key, 'alice');
    expect(await subjectOf(scene, key)).toBe('alice');
  });
});

test('a sign-in ends in the browser that began it, and once', async () => {
  await using scene = await startPersonalOAuth('sqlite');
  const key = await createKey(scene.gateway, 'one');
  const { cookie, authorizeUrl } = await follow(scene, await call(scene, key));
  scene.server.user = 'mallory';
  const callback = await scene.server.browse(authorizeUrl);
  const other = (await follow(scene, await call(scene, key))).cookie;
  for (const headers of [{}, { cookie: other }]) {
    const refused = await fetch(callback, { headers: headers as Record<string, string> });
    expect([refused.status, (await refused.text()).includes('another browser')]).toEqual([403, true]);
    requiredIn(await call(scene, key));
  }
  expect((await fetch(callback, { headers: { cookie } })).status).toBe(200);
  expect((await fetch(callback, { headers: { cookie } })).status).toBe(400);
  expect(await subjectOf(scene, key)).toBe('mallory');
});

test('the API shows and begins a sign-in, with the token of its link or for who manages keys', async () => {
  await using scene = await startPersonalOAuth('sqlite');
  const { gateway, server, id } = scene;
  const key = await createKey(gateway, 'one');
  const { session_id, authorize_url: link = '' } = requiredIn(await call(scene, key));
  const path = `/api/oauth/per-user/flows/${session_id}`;
  expect((await gateway.api('GET', path, undefined, { authorization: '' })).status).toBe(401);
  expect((await gateway.api('GET', `${path}/start`, undefined, { authorization: '' })).status).toBe(401);
  const byLink = { authorization: '', 'x-bifrost-temp-token': tokenIn(link) };
  const expected = {
    ...{ id: session_id, flow_mode: 'vk', status: 'pending', has_active_token: false },
    mcp_client: { client_id: id, name: 'c1' },
    virtual_key: { id: key.id, name: 'one' },
  };
  for (const headers of [byLink, {}])
    expect((await gateway.api('GET', path, undefined, headers)).body).toMatchObject(expected);
  const begun = await gateway.api('GET', `${path}/start`, undefined, byLink);
  expect(begun.status, JSON.stringify(begun.body)).toBe(200);
  const callback = await server.browse(String(begun.body['authorize_url']));
  expect((await fetch(callback)).status).toBe(403);
  const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? '';
  expect((await fetch(callback, { headers: { cookie } })).status).toBe(200);
  expect((await gateway.api('GET', `${path}/start`, undefined, byLink)).status).toBe(410);
  expect((await gateway.api('GET', path)).body).toMatchObject({ status: 'authorized', has_active_token: true });
});

test('a link opens its own sign-in alone, and two accounts of one key are told apart', async () => {
  await using scene = await startPersonalOAuth('sqlite');
  const [one, two] = [await createKey(scene.gateway, 'one'), await createKey(scene.gateway, 'two')];
  const [first, second] = [requiredIn(await call(scene, one)), requiredIn(await call(scene, two))];
  const crossed = await post(scene, { flow: first.session_id ?? '', token: tokenIn(second.authorize_url ?? '') });
  expect(crossed.page.status).toBe(401);
  await signIn(scene, one, 'alice');
  await signIn(scene, one, 'alice at work', 'work');
  expect(await subjectOf(scene, one)).toBe('alice');
  expect(await subjectOf(scene, one, 'work')).toBe('alice at work');
  requiredIn(await call(scene, two));
});

test('a call that lacks scopes leads to a sign-in that asks for them', async () => {
  await using scene = await startPersonalOAuth('sqlite', { scopes: ['tools', 'write'] });
  const key = await createKey(scene.gateway, 'one');
  await signIn(scene, key, 'alice');
  scene.upstream.callScopes = ['write'];
  const { cookie, authorizeUrl } = await follow(scene, await call(scene, key));
  expect(new URL(authorizeUrl).searchParams.get('scope')?.split(' ')).toContain('write');
  scene.server.user = 'alice';
  expect((await fetch(await scene.server.browse(authorizeUrl), { headers: { cookie } })).status).toBe(200);
  expect(await subjectOf(scene, key)).toBe('alice');
});

test('another account takes over at once, and what was given for one address is forgotten with it', async () => {
  await using scene = await startPersonalOAuth('sqlite');
  const { gateway, server, id } = scene;
  const key = await createKey(gateway, 'one');
  await signIn(scene, key, 'alice');
  expect(await subjectOf(scene, key)).toBe('alice');
  const [session] = await listSessions(gateway, 'kind=token');
  const { cookie, authorizeUrl } = await follow(scene, await renew(scene, `/api/mcp/sessions/${session?.id}`));
  server.user = 'bob';
  expect((await fetch(await server.browse(authorizeUrl), { headers: { cookie } })).status).toBe(200);
  expect(await subjectOf(scene, key)).toBe('bob');
  expect((await listSessions(gateway, 'kind=token')).map((row) => row.id)).toEqual([session?.id]);

  await using other = await startProtectedUpstream(server);
  const moved = await gateway.update(id, { connection_string: other.url, disabled: true });
  expect(moved.status, JSON.stringify(moved.body)).toBe(200);
  expect(await listSessions(gateway, 'kind=token')).toEqual([]);
});

test('an API key is an identity of its own, and clients of /mcp see the tools before they sign in', async () => {
  await using scene = await startPersonalOAuth('sqlite');
  const { gateway } = scene;
  const session = await openSession(gateway, {}, { elicitation: { url: {} } });
  const { reply: list } = await session.request('tools/list');
  expect(JSON.stringify(list.result)).toContain('c1-echo');
  const params = { name: 'c1-echo', arguments: { text: 'hi' } };
  const { reply } = await session.request('tools/call', params);
  expect(reply.error).toMatchObject({ code: -32_042, data: { elicitations: [{ mode: 'url' }] } });
  const { cookie, authorizeUrl } = await follow(scene, await gateway.execute('c1-echo', { text: 'hi' }));
  scene.server.user = 'operator';
  expect((await fetch(await scene.server.browse(authorizeUrl), { headers: { cookie } })).status).toBe(200);
  expect((await session.request('tools/call', params)).reply.result).toBeDefined();
  expect(scene.upstream.subjects.at(-1)).toBe('operator');
  const [row] = await listSessions(gateway, 'kind=token');
  expect(row).toMatchObject({ auth_mode: 'user', user: { id: 'api-key:1', name: 'admin' }, can_reauth: true });
});
