import { expect, test } from 'vitest';
import {
  exchangeSettings,
  startExchangeProvider,
  strangeKey,
  type ExchangeProvider,
} from '../kit/exchange-provider.ts';
import { httpClient, messageIn, startGateway, type ApiAnswer, type TestGateway } from '../kit/gateway.ts';
import { createKey, type TestKey } from '../kit/keys.ts';
import { startProtectedUpstream, type ProtectedUpstream } from '../kit/oauth-upstream.ts';
import { requiredIn } from '../kit/personal.ts';
import { expectRefused, listedTools } from '../kit/scene.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { openSession, postModern } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

interface Scene extends AsyncDisposable {
  readonly idp: ExchangeProvider;
  readonly upstream: ProtectedUpstream;
  readonly gateway: TestGateway;
  readonly id: string;
  readonly key: TestKey;
}

/** A gateway with the server "c1", for which the tokens of callers are exchanged. */
async function startExchange(settings: JsonObject = {}): Promise<Scene> {
  await using cleanup = new AsyncDisposableStack();
  const idp = cleanup.use(await startExchangeProvider());
  const upstream = cleanup.use(await startProtectedUpstream(idp));
  const gateway = cleanup.use(await startGateway());
  const record = { auth_type: 'token_exchange', allow_on_all_virtual_keys: true };
  const token_exchange = { ...exchangeSettings(idp), ...settings };
  const subject_token = await idp.tokenOf('the admin');
  const id = await gateway.createClient(httpClient(upstream.url, { ...record, token_exchange, subject_token }));
  const key = await createKey(gateway, 'one');
  const ending = cleanup.move();
  return { idp, upstream, gateway, id, key, [Symbol.asyncDispose]: () => ending.disposeAsync() };
}

/** A call with a virtual key, and the token of a person beside it. */
function call({ gateway, key }: Scene, token: string, headers: Record<string, string> = {}): Promise<ApiAnswer> {
  const sent = { 'x-bf-vk': key.value, authorization: token === '' ? '' : `Bearer ${token}`, ...headers };
  return gateway.execute('c1-echo', { text: 'hi' }, sent);
}

/** As whom the server was called. */
async function subjectOf(scene: Scene, token: string, headers: Record<string, string> = {}): Promise<unknown> {
  const answer = await call(scene, token, headers);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return scene.upstream.subjects.at(-1);
}

test('each caller reaches the server as themselves, with a token that was exchanged once', async () => {
  await using scene = await startExchange();
  const { idp, upstream, gateway, id } = scene;
  expect((await gateway.getClient(id)).state).toBe('connected');
  expect(await listedTools(scene.key)).toContain('c1-echo');
  const [alice, bob] = [await idp.tokenOf('alice'), await idp.tokenOf('bob')];
  const before = idp.exchanges.length;
  const together = await Promise.all([alice, bob, alice, bob, alice].map((token) => call(scene, token)));
  expect(together.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  for (const [token, sub] of [
    [alice, 'alice'],
    [bob, 'bob'],
    [alice, 'alice'],
  ] as const)
    expect(await subjectOf(scene, token)).toBe(sub);
  expect(idp.exchanges.length - before).toBe(2);
  expect(idp.exchanges.at(-1)).toMatchObject({
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource: upstream.url,
    scope: 'tools',
  });
  // What came in never went out.
  for (const token of [alice, bob]) expect(upstream.tokens).not.toContain(token);
});

test('another key with the same token is another caller', async () => {
  await using scene = await startExchange();
  const alice = await scene.idp.tokenOf('alice');
  await subjectOf(scene, alice);
  const before = scene.idp.exchanges.length;
  const other = await createKey(scene.gateway, 'two');
  expect(await subjectOf({ ...scene, key: other }, alice)).toBe('alice');
  expect(scene.idp.exchanges.length).toBe(before + 1);
});

test('a call without a token is told what to send, and none but a good one is sent on', async () => {
  await using scene = await startExchange();
  const { idp, upstream } = scene;
  const [asked, called] = [idp.exchanges.length, upstream.upstream.countCalls()];
  const operator = await scene.gateway.execute('c1-echo', { text: 'hi' });
  expect(requiredIn(operator)).toMatchObject({ kind: 'exchange', subject_token_missing: true });
  expect(requiredIn(await call(scene, ''))).toMatchObject({
    kind: 'exchange',
    mcp_client_name: 'c1',
    subject_token_missing: true,
  });
  const over = { exp: Math.floor(Date.now() / 1000) - 60 };
  for (const [token, reason] of [
    ['not-a-token', 'no JWT'],
    [await idp.tokenOf('alice', over), 'expired'],
    [await idp.tokenOf('alice', { aud: 'some other application' }), 'not for this gateway'],
    [await idp.tokenOf('alice', { iss: 'https://other.example' }), 'not of'],
    [await idp.tokenOf('alice', {}, strangeKey()), 'not signed'],
    [await idp.tokenOf('alice', { cnf: { jkt: 'x' } }), 'bound to a key'],
  ] as const) {
    const refused = requiredIn(await call(scene, token));
    expect(refused).toMatchObject({ kind: 'exchange', exchange_error: expect.stringContaining(reason) as string });
    expect(JSON.stringify(refused)).not.toContain(token);
  }
  expect([idp.exchanges.length, upstream.upstream.countCalls()]).toEqual([asked, called]);
});

test('a token that ends is exchanged anew, and so is one that the server refuses, once', async () => {
  await using scene = await startExchange();
  const { idp, upstream } = scene;
  const alice = await idp.tokenOf('alice');
  // Of five seconds none is left once those for the way are taken off.
  idp.ttl = 5;
  expect(await subjectOf(scene, alice)).toBe('alice');
  let before = idp.exchanges.length;
  idp.ttl = 600;
  expect(await subjectOf(scene, alice)).toBe('alice');
  expect(idp.exchanges.length).toBe(before + 1);

  for (const token of upstream.tokens) upstream.withdrawn.add(token);
  expect(await subjectOf(scene, alice)).toBe('alice');
  expect(idp.exchanges.length).toBe(before + 2);
  await subjectOf(scene, alice);
  expect(idp.exchanges.length).toBe(before + 2);

  const bob = await idp.tokenOf('bob');
  before = idp.exchanges.length;
  upstream.refusesUntil = Number.POSITIVE_INFINITY;
  const refused = await call(scene, bob);
  expect([refused.status, refused.body['type']]).toEqual([400, 'upstream_unauthorized']);
  expect(messageIn(refused)).toContain('a new one as well');
  expect(idp.exchanges.length).toBe(before + 2);
  upstream.refusesUntil = 0;
  expect(await subjectOf(scene, bob)).toBe('bob');
});

test('a refused exchange says who refused what, without a token', async () => {
  await using scene = await startExchange();
  const { idp, gateway, id } = scene;
  idp.barred.add('mallory');
  const token = await idp.tokenOf('mallory');
  const answer = await call(scene, token);
  expect(requiredIn(answer)).toMatchObject({
    kind: 'exchange',
    exchange_error: expect.stringMatching(/refused to give a token \(invalid_target/) as string,
  });
  const diagnosed = await gateway.api('POST', `/api/mcp/client/${id}/diagnose`);
  expect(diagnosed.body).toMatchObject({ is_ok: false, verdict: expect.stringContaining('token_exchange') as string });
  for (const shown of [answer, diagnosed]) expect(JSON.stringify(shown.body)).not.toContain(token);
  idp.barred.clear();
  expect(await subjectOf(scene, token)).toBe('mallory');
  expect((await gateway.api('POST', `/api/mcp/client/${id}/diagnose`)).body).toMatchObject({ is_ok: true });

  expect((await gateway.update(id, { token_exchange: { client_secret: 'wrong' } })).status).toBe(200);
  const wrong = await call(scene, token);
  expect([wrong.status, wrong.body['type']]).toEqual([400, 'upstream_unauthorized']);
  expect(messageIn(wrong)).toMatch(/token exchange for c1: .*invalid_client/);
});

test('the settings are read without secrets, echo to no change, and a change counts from the next call', async () => {
  await using scene = await startExchange();
  const { idp, gateway, id } = scene;
  const alice = await idp.tokenOf('alice');
  await subjectOf(scene, alice);
  const { config } = await gateway.getClient(id);
  expect(config.token_exchange).toMatchObject({ authorization_server_url: idp.issuer, scopes: ['tools'] });
  const before = idp.exchanges.length;
  expect((await gateway.update(id, config)).status).toBe(200);
  expect((await gateway.getClient(id)).config).toEqual(config);
  await subjectOf(scene, alice);
  expect(idp.exchanges.length).toBe(before);

  expect((await gateway.update(id, { token_exchange: { scopes: ['tools', 'admin'] } })).status).toBe(200);
  expect(await subjectOf(scene, alice)).toBe('alice');
  expect(idp.exchanges.at(-1)).toMatchObject({ scope: 'tools admin' });
  const header = { token_exchange: { subject_token_header: 'X-User-Token' } };
  expect((await gateway.update(id, header)).status).toBe(200);
  requiredIn(await call(scene, alice));
  expect(await subjectOf(scene, '', { 'x-user-token': alice, authorization: '' })).toBe('alice');

  const audit = await gateway.api('GET', '/api/audit-logs?limit=100');
  const list = await gateway.api('GET', '/api/mcp/clients');
  for (const { status, body } of [audit, list]) {
    expect(status, JSON.stringify(body)).toBe(200);
    for (const secret of [idp.clientSecret, alice]) expect(JSON.stringify(body)).not.toContain(secret);
  }
});

test('settings that break a rule or lead to no provider are refused, and change nothing', async () => {
  await using scene = await startExchange();
  const { idp, gateway, id } = scene;
  const put = (token_exchange: JsonObject) => () => gateway.update(id, { token_exchange });
  expect(await expectRefused(gateway, 400, put({ client_id: '' }))).toContain('token_exchange.client_id');
  expect(await expectRefused(gateway, 400, put({ token_url: 'http://idp.example/token' }))).toContain('token_url');
  expect(await expectRefused(gateway, 400, put({ subject_token_header: 'cookie' }))).toContain('subject_token_header');
  expect(await expectRefused(gateway, 400, put({ use_idp_credentials: true }))).toContain('use_idp_credentials');
  const lost = put({ authorization_server_url: `${idp.issuer}/nowhere` });
  expect(await expectRefused(gateway, 422, lost)).toContain('has no metadata');
  const metadata = put({ authorization_server_url: 'https://169.254.169.254/' });
  expect(await expectRefused(gateway, 403, metadata)).toContain('169.254.169.254');
  expect(await subjectOf(scene, await idp.tokenOf('alice'))).toBe('alice');
});

test('a server is registered without a token, and its tools are listed when somebody shows one', async () => {
  await using scene = await startExchange();
  const { idp, upstream, gateway } = scene;
  const record = { name: 'c2', auth_type: 'token_exchange', token_exchange: exchangeSettings(idp) };
  const id = await gateway.createClient(httpClient(upstream.url, record));
  expect((await gateway.getClient(id)).state).toBe('pending_verification');
  const path = `/api/mcp/client/${id}/verify-exchange`;
  expect(messageIn(await gateway.api('POST', path))).toContain('subject_token: is missing');
  idp.barred.add('mallory');
  const refused = await gateway.api('POST', path, { subject_token: await idp.tokenOf('mallory') });
  expect([refused.status, messageIn(refused).includes('invalid_target')]).toEqual([422, true]);
  const done = await gateway.api('POST', path, { subject_token: await idp.tokenOf('ann') });
  expect(done.status, JSON.stringify(done.body)).toBe(200);
  expect(done.body['tools_count']).toBeGreaterThan(0);
  expect((await gateway.getClient(id)).state).toBe('connected');
});

test('clients of /mcp send both in headers, and no other server hears of the token', async () => {
  await using scene = await startExchange();
  const { idp, gateway, key, upstream } = scene;
  await using other = await startUpstream();
  const open = { name: 'other', allow_on_all_virtual_keys: true, allowed_extra_headers: ['*'] };
  await gateway.createClient(httpClient(other.url, open));
  const settings = { token_exchange: { subject_token_header: 'x-user-token' } };
  expect((await gateway.update(scene.id, settings)).status).toBe(200);
  const token = await idp.tokenOf('alice');
  const headers = { 'x-bf-vk': key.value, authorization: '', 'x-user-token': token, 'x-plain': 'plain' };
  for (const mode of ['headers', 'both']) {
    const client_config = { mcp_server_auth_mode: mode };
    expect((await gateway.api('PUT', '/api/config', { client_config })).status).toBe(200);
    const params = { name: 'c1-echo', arguments: { text: 'hi' } };
    const { reply, text } = await postModern(gateway, 'tools/call', params, { headers });
    expect(reply.result, text).toMatchObject({ content: [{ text: 'hi' }] });
    expect(upstream.subjects.at(-1)).toBe('alice');
    const session = await openSession(gateway, { ...headers, 'x-user-token': await idp.tokenOf('bob') });
    expect((await session.request('tools/call', params)).reply.result).toMatchObject({ content: [{ text: 'hi' }] });
    expect(upstream.subjects.at(-1)).toBe('bob');
    const { 'x-user-token': _, ...without } = headers;
    const told = await postModern(gateway, 'tools/call', params, { headers: without });
    expect(told.reply.result).toMatchObject({ isError: true });
    expect(told.text).toContain('send your token of the identity provider as x-user-token');
  }
  const seen = await postModern(gateway, 'tools/call', { name: 'other-whoami', arguments: {} }, { headers });
  expect(seen.text).toContain('x-plain');
  expect(seen.text).not.toContain(token);
});

test('an open server is moved behind an exchange and back while it is in use', async () => {
  await using scene = await startExchange();
  const { idp, gateway } = scene;
  await using open = await startUpstream();
  const id = await gateway.createClient(httpClient(open.url, { name: 'c2', allow_on_all_virtual_keys: true }));
  const alice = await idp.tokenOf('alice');
  const execute = (headers: Record<string, string>) => gateway.execute('c2-whoami', {}, headers);
  const byKey = { 'x-bf-vk': scene.key.value, authorization: '' };
  expect((await execute(byKey)).status).toBe(200);
  const put = await gateway.update(id, { auth_type: 'token_exchange', token_exchange: exchangeSettings(idp) });
  expect(put.status, JSON.stringify(put.body)).toBe(200);
  expect((await gateway.getClient(id)).state).toBe('connected');
  requiredIn(await execute(byKey));
  const called = await execute({ ...byKey, authorization: `Bearer ${alice}` });
  expect(called.status, JSON.stringify(called.body)).toBe(200);
  expect(JSON.stringify(called.body)).toContain('Bearer ');
  expect(JSON.stringify(called.body)).not.toContain(alice);
  const back = await gateway.update(id, { auth_type: 'none' });
  expect(back.status, JSON.stringify(back.body)).toBe(200);
  const without = await execute(byKey);
  expect(without.status, JSON.stringify(without.body)).toBe(200);
  expect(JSON.stringify(without.body)).not.toContain('Bearer ');
  const { config } = await gateway.getClient(id);
  expect((await gateway.update(id, config)).status).toBe(200);
  expect((await gateway.getClient(id)).config).toEqual(config);
});

test('a token that is being exchanged while the server is moved does not go to the new place', async () => {
  await using scene = await startExchange({ audience: '' });
  const { idp, gateway, id } = scene;
  await using elsewhere = await startProtectedUpstream(idp);
  const presented: string[] = [];
  elsewhere.trusted = {
    verify(token, audience) {
      presented.push(token);
      return idp.verify(token, audience);
    },
  };
  const { promise, resolve: release } = Promise.withResolvers<void>();
  idp.gate = promise;
  const before = idp.exchanges.length;
  const answering = call(scene, await idp.tokenOf('alice'));
  await waitFor(() => idp.exchanges.length > before, 'the token is being exchanged');
  const moved = await gateway.update(id, { connection_string: elsewhere.url });
  expect(moved.status, JSON.stringify(moved.body)).toBe(200);
  release();
  const answer = await answering;
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  expect(elsewhere.subjects).toContain('alice');
  for (const token of presented) expect(await idp.verify(token, elsewhere.url)).toMatchObject({ sub: 'alice' });
});

test('config.json declares such a server, with the provider of single sign-on', async () => {
  await using idp = await startExchangeProvider();
  await using upstream = await startProtectedUpstream(idp);
  const { issuer, clientId: client_id, clientSecret: client_secret } = idp;
  const token_exchange = { use_idp_credentials: true, audience: upstream.url };
  const record = httpClient(upstream.url, { client_id: 'c1', auth_type: 'token_exchange', token_exchange });
  const config = { auth: { oidc: { issuer, client_id, client_secret } }, mcp: { client_configs: [record] } };
  await using gateway = await startGateway({ config });
  expect((await gateway.getClient('c1')).state).toBe('pending_verification');
  const verified = await gateway.api('POST', '/api/mcp/client/c1/verify-exchange', {
    subject_token: await idp.tokenOf('ann'),
  });
  expect(verified.status, JSON.stringify(verified.body)).toBe(200);
  expect(idp.exchanges.at(-1)).toMatchObject({ audience: upstream.url });
  expect(idp.exchanges.at(-1)?.['resource']).toBeUndefined();
  expect(upstream.subjects.at(-1)).toBe('ann');
  const other = { token_exchange: { token_url: `${issuer}/token` } };
  expect(await expectRefused(gateway, 400, () => gateway.update('c1', other))).toContain('must be empty');
});
