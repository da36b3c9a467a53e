import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import {
  httpClient,
  messageIn,
  randomApiKey,
  startGateway,
  type ApiAnswer,
  type GatewayAccess,
} from '../kit/gateway.ts';
import { createKey, freshDatabase, updateKey, type TestKey } from '../kit/keys.ts';
import {
  allowLinks,
  listSessions,
  personalClient,
  requiredIn,
  SAMPLE,
  startPersonalScene,
  submit,
  type PersonalScene,
} from '../kit/personal.ts';
import { startScene } from '../kit/scene.ts';
import { fastTiming } from '../kit/timing.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

function whoami(gateway: GatewayAccess, headers: Record<string, string>): Promise<ApiAnswer> {
  return gateway.execute('c1-whoami', {}, headers);
}

function as(key: TestKey, more: Record<string, string> = {}): Record<string, string> {
  return { authorization: `Bearer ${key.value}`, ...more };
}

function seen({ status, body }: ApiAnswer): Record<string, string> {
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return JSON.parse(String(body['content'])) as Record<string, string>;
}

/** Enters a token for a key through the link of a refused call. */
async function enter({ gateway, known }: PersonalScene, key: TestKey, token: string, label = ''): Promise<void> {
  known.add(token);
  const required = requiredIn(await whoami(gateway, as(key, label === '' ? {} : { 'x-asbru-account': label })));
  const answer = await submit(gateway, required, { 'x-user-token': token });
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200, body: { status: 'authorized' } });
}

describe.each(DATABASES)('on %s', (type) => {
  let scene: PersonalScene;
  let number = 0;
  beforeAll(async () => {
    scene = await startPersonalScene({
      gateway: await freshDatabase(type),
      client: { headers: { 'x-static': 'of the admin', 'x-user-token': 'of nobody' }, allowed_extra_headers: ['*'] },
    });
  });
  afterAll(() => scene[Symbol.asyncDispose]());
  const newKey = () => createKey(scene.gateway, `k${(number += 1)}`);

  test('a caller without a credential is told where to enter one, and nothing runs', async () => {
    const { gateway, upstream, id } = scene;
    const key = await newKey();
    const calls = upstream.countCalls();
    const answer = await whoami(gateway, as(key));
    const required = requiredIn(answer);
    const { session_id, submit_url } = required;
    expect(required).toEqual({
      kind: 'headers',
      mcp_client_id: id,
      mcp_client_name: 'c1',
      message: `Authentication required for c1. Open this URL to submit the required headers: ${submit_url}`,
      authorize_url: submit_url,
      submit_url,
      session_id,
      required_header_keys: ['x-user-token'],
      admin_header_keys: ['x-static'],
    });
    expect(submit_url).toMatch(
      new RegExp(`^${gateway.address}/workspace/mcp-sessions/auth\\?flow=${session_id}&kind=headers#t=[\\w-]{43}$`),
    );
    expect(messageIn(answer)).toBe(required.message);
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expect(requiredIn(await whoami(gateway, as(key)))).toEqual(required);
    expect(upstream.countCalls()).toBe(calls);
  });

  test('what a caller entered goes with its calls, in the place of static and forwarded headers of the same name', async () => {
    const { gateway } = scene;
    const [one, two] = [await newKey(), await newKey()];
    await enter(scene, one, 'token-one');
    await enter(scene, two, 'token-two');
    for (const [key, token] of [
      [one, 'token-one'],
      [two, 'token-two'],
      [one, 'token-one'],
    ] as const) {
      const headers = seen(
        await whoami(gateway, as(key, { 'x-user-token': 'token-two', 'x-asbru-account': '', 'x-extra': 'yes' })),
      );
      expect(headers).toMatchObject({ 'x-user-token': token, 'x-static': 'of the admin', 'x-extra': 'yes' });
    }
  });

  test('one virtual key and one API key are two identities', async () => {
    const { gateway } = scene;
    await enter(scene, await newKey(), 'token-of-a-key');
    const required = requiredIn(await whoami(gateway, {}));
    scene.known.add('token-of-the-operator');
    expect(
      (await submit(gateway, required, { 'X-User-Token': 'token-of-the-operator', other: 'dropped' })).status,
    ).toBe(200);
    expect(seen(await whoami(gateway, {}))['x-user-token']).toBe('token-of-the-operator');
    const [session] = await listSessions(gateway, 'auth_mode=user');
    expect(session).toMatchObject({ user_id: 'api-key:1', user: { id: 'api-key:1', name: 'admin' }, can_reauth: true });
  });

  test('a form can be used once, and refuses what the server refuses or what is missing', async () => {
    const { gateway, known } = scene;
    const key = await newKey();
    const required = requiredIn(await whoami(gateway, as(key)));
    const missing = await submit(gateway, required, { 'x-user-token': '  ' });
    expect(missing.status).toBe(400);
    expect(messageIn(missing)).toContain('missing required headers: x-user-token');
    const wrong = await submit(gateway, required, { 'x-user-token': 'a-wrong-token' });
    expect(wrong.status).toBe(422);
    expect(messageIn(wrong)).toMatch(/^Verification failed: .*\*\*\*/);
    expect(JSON.stringify(wrong.body)).not.toContain('a-wrong-token');
    expect((await submit(gateway, required, { 'x-user-token': 'two\nlines' })).status).toBe(400);
    requiredIn(await whoami(gateway, as(key)));

    known.add('a-right-token');
    const both = await Promise.all([1, 2].map(() => submit(gateway, required, { 'x-user-token': 'a-right-token' })));
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 410]);
    expect((await submit(gateway, required, { 'x-user-token': 'a-right-token' })).status).toBe(410);
    expect(seen(await whoami(gateway, as(key)))['x-user-token']).toBe('a-right-token');
  });

  test('the token of a link opens its own form and nothing else', async () => {
    const { gateway } = scene;
    const [one, two] = [await newKey(), await newKey()];
    const first = requiredIn(await whoami(gateway, as(one)));
    const second = requiredIn(await whoami(gateway, as(two)));
    const crossed = { session_id: second.session_id ?? '', submit_url: first.submit_url ?? '' };
    expect((await submit(gateway, crossed, { 'x-user-token': 'token-one' })).status).toBe(401);
    const path = `/api/mcp/per-user-headers/flows/${first.session_id}`;
    const token = new URL(first.submit_url ?? '').hash.slice(3);
    const shown = await gateway.api('GET', path, undefined, { authorization: '', 'x-bifrost-temp-token': token });
    expect(shown.body).toMatchObject({
      id: first.session_id,
      flow_mode: 'vk',
      status: 'pending',
      virtual_key: { id: one.id, name: one.name },
      required_header_keys: ['x-user-token'],
      admin_header_keys: ['x-static'],
      submitted_keys: [],
      has_active_credential: false,
    });
    for (const [method, other] of [
      ['GET', '/api/mcp/sessions'],
      ['DELETE', `/api/mcp/sessions/${first.session_id}`],
      ['GET', '/api/mcp/clients'],
    ] as const) {
      const answer = await gateway.api(method, other, undefined, { authorization: '', 'x-bifrost-temp-token': token });
      expect(answer.status, other).toBe(401);
    }
    expect((await gateway.api('GET', path, undefined, { authorization: '' })).status).toBe(401);
    expect((await gateway.api('GET', path, undefined, as(one))).status).toBe(401);
  });

  test('vector 34: another key in per_user_header_keys asks every holder anew, the same in another order does not', async () => {
    const { gateway, id } = scene;
    const key = await newKey();
    await enter(scene, key, 'token-of-34');
    const set = (keys: string[]) => gateway.update(id, { per_user_header_keys: keys });
    expect((await set(['X-User-Token'])).status).toBe(200);
    expect(seen(await whoami(gateway, as(key)))['x-user-token']).toBe('token-of-34');
    expect((await set(['x-user-token', 'x-tenant'])).status).toBe(200);
    const [session] = await listSessions(gateway, `identity=${key.id}`);
    expect(session?.status).toBe('needs_update');
    const required = requiredIn(await whoami(gateway, as(key)));
    expect(required).toMatchObject({ kind: 'headers', required_header_keys: ['x-user-token', 'x-tenant'] });
    const flow = await gateway.api('GET', `/api/mcp/per-user-headers/flows/${required.session_id}`);
    expect(flow.body).toMatchObject({ submitted_keys: ['x-user-token'], has_active_credential: false });
    expect((await submit(gateway, required, { 'x-tenant': 'acme' })).status).toBe(200);
    expect(seen(await whoami(gateway, as(key)))).toMatchObject({ 'x-user-token': 'token-of-34', 'x-tenant': 'acme' });
    expect((await set(['x-tenant', 'x-user-token'])).status).toBe(200);
    expect((await listSessions(gateway, `identity=${key.id}`))[0]?.status).toBe('active');
    expect((await set(['x-user-token'])).status).toBe(200);
    expect((await listSessions(gateway, `identity=${key.id}`))[0]?.status).toBe('needs_update');
  });

  test('vector 35: no keys at all are refused, and change nothing', async () => {
    const { gateway, id } = scene;
    const before = await gateway.getClient(id);
    const answer = await gateway.update(id, { per_user_header_keys: [] });
    expect(answer.status).toBe(400);
    expect(messageIn(answer)).toContain('non-empty list');
    expect((await gateway.update(id, { per_user_header_keys: ['content-length'] })).status).toBe(400);
    expect(await gateway.getClient(id)).toEqual(before);
  });

  test('a server that refuses a credential has its holder asked anew; other holders go on', async () => {
    const { gateway, known } = scene;
    const [one, two] = [await newKey(), await newKey()];
    await enter(scene, one, 'token-to-revoke');
    await enter(scene, two, 'token-to-stay');
    seen(await whoami(gateway, as(one)));
    known.delete('token-to-revoke');
    const required = requiredIn(await whoami(gateway, as(one)));
    expect((await listSessions(gateway, `identity=${one.id}&kind=header`))[0]?.status).toBe('needs_update');
    expect(seen(await whoami(gateway, as(two)))['x-user-token']).toBe('token-to-stay');
    known.add('token-renewed');
    expect((await submit(gateway, required, { 'x-user-token': 'token-renewed' })).status).toBe(200);
    expect(seen(await whoami(gateway, as(one)))['x-user-token']).toBe('token-renewed');
  });

  test('two accounts of one identity: a label picks one, and the only one is taken without', async () => {
    const { gateway, known } = scene;
    const key = await newKey();
    known.add('token-at-work').add('token-at-home');
    const first = requiredIn(await whoami(gateway, as(key)));
    expect((await submit(gateway, first, { 'x-user-token': 'token-at-work' }, 'work')).body).toMatchObject({
      label: 'work',
    });
    expect(seen(await whoami(gateway, as(key)))['x-user-token']).toBe('token-at-work');
    await enter(scene, key, 'token-at-home', 'home');
    for (const label of ['work', 'home']) {
      const headers = seen(await whoami(gateway, as(key, { 'x-asbru-account': label })));
      expect(headers['x-user-token']).toBe(`token-at-${label}`);
      expect(headers).not.toHaveProperty('x-asbru-account');
    }
    requiredIn(await whoami(gateway, as(key)));
    const labels = (await listSessions(gateway, `identity=${key.id}&kind=header`)).map(({ label }) => label);
    expect(labels.toSorted()).toEqual(['home', 'work']);
    expect((await whoami(gateway, as(key, { 'x-asbru-account': 'no/such' }))).status).toBe(400);
  });

  test('a revoked credential is used no more, and a form from before cannot bring it back', async () => {
    const { gateway } = scene;
    const key = await newKey();
    await enter(scene, key, 'token-of-the-past');
    const [session] = await listSessions(gateway, `identity=${key.id}`);
    const path = `/api/mcp/sessions/${session?.id}`;
    const again = await gateway.api('POST', `${path}/reauth`);
    expect(again.body).toMatchObject({ kind: 'headers', submit_url: again.body['authorize_url'] });
    const late = { session_id: String(again.body['session_id']), submit_url: String(again.body['submit_url']) };
    expect((await gateway.api('DELETE', path)).status).toBe(204);
    const tried = await submit(gateway, late, { 'x-user-token': 'token-of-the-past' });
    expect(tried.status).toBe(404);
    requiredIn(await whoami(gateway, as(key)));
    expect((await gateway.api('DELETE', path)).status).toBe(404);
  });

  test('reconciliation: losing and regaining a server, deleting keys and the server', async () => {
    const { gateway, id } = scene;
    const [one, two, gone] = [await newKey(), await newKey(), await newKey()];
    for (const key of [one, two, gone]) await enter(scene, key, `token-${key.name}`);
    const statuses = async () =>
      Object.fromEntries(
        (await listSessions(gateway, 'kind=header&limit=500')).map((row) => [row.virtual_key?.id, row.status]),
      );
    const all = { virtual_key_id: one.id, tools_to_execute: ['*'] };

    await gateway.update(id, { allow_on_all_virtual_keys: false, vk_configs: [all] });
    expect(await statuses()).toMatchObject({ [one.id]: 'active', [two.id]: 'orphaned', [gone.id]: 'orphaned' });
    const [orphan] = await listSessions(gateway, `identity=${two.id}&status=orphaned`);
    expect(orphan?.can_reauth).toBe(false);
    expect((await gateway.api('POST', `/api/mcp/sessions/${orphan?.id}/reauth`)).status).toBe(403);
    expect((await whoami(gateway, as(two))).status).toBe(403);
    expect(seen(await whoami(gateway, as(one)))['x-user-token']).toBe(`token-${one.name}`);

    await gateway.update(id, { vk_configs: [all, { virtual_key_id: two.id, tools_to_execute: ['*'] }] });
    expect(await statuses()).toMatchObject({ [two.id]: 'active', [gone.id]: 'orphaned' });
    expect(seen(await whoami(gateway, as(two)))['x-user-token']).toBe(`token-${two.name}`);
    await gateway.update(id, { vk_configs: [] });
    expect(await statuses()).toMatchObject({ [one.id]: 'orphaned', [two.id]: 'orphaned' });
    await updateKey(gateway, one, { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['whoami'] }] });
    expect(await statuses()).toMatchObject({ [one.id]: 'active', [two.id]: 'orphaned' });
    await gateway.update(id, { allow_on_all_virtual_keys: true });
    expect(await statuses()).toMatchObject({ [one.id]: 'active', [two.id]: 'active', [gone.id]: 'active' });

    await gateway.api('DELETE', `/api/governance/virtual-keys/${gone.id}`);
    expect(await statuses()).not.toHaveProperty(gone.id);
    expect((await gateway.api('DELETE', `/api/mcp/client/${id}`)).status).toBe(200);
    expect(await listSessions(gateway)).toEqual([]);
  });
});

test('a server waits for sample headers, or is registered with them; they are kept nowhere', async () => {
  await using upstream = await startUpstream();
  upstream.admits = (headers) => headers['x-user-token'] === SAMPLE['x-user-token'];
  await using gateway = await startGateway();
  const create = (more: object) => gateway.api('POST', '/api/mcp/client', personalClient(upstream.url, { ...more }));
  expect((await create({ per_user_header_keys: undefined })).status).toBe(400);
  expect(messageIn(await create({ user_headers: {} }))).toContain('x-user-token');
  expect((await create({ user_headers: { 'x-user-token': 'wrong-token' } })).status).toBe(422);
  expect((await create({ connection_type: 'stdio', stdio_config: { command: 'true' } })).status).toBe(400);
  expect(await gateway.listClients()).toEqual([]);

  expect((await create({})).status).toBe(200);
  const [pending] = await gateway.listClients();
  const id = pending?.config.client_id ?? '';
  expect(pending).toMatchObject({ state: 'pending_verification', tools: [] });
  const verify = (user_headers: object) =>
    gateway.api('POST', `/api/mcp/client/${id}/verify-headers`, { user_headers });
  expect((await verify({})).status).toBe(400);
  const refused = await verify({ 'x-user-token': 'wrong-token' });
  expect(refused.status).toBe(422);
  expect(messageIn(refused)).not.toContain('wrong-token');
  expect((await gateway.getClient(id)).state).toBe('pending_verification');
  expect((await verify(SAMPLE)).body).toMatchObject({ status: 'success', tools_count: 7 });
  expect(await gateway.getClient(id)).toMatchObject({ state: 'connected' });
  for (const action of ['reconnect', 'refresh-tools'])
    expect((await gateway.api('POST', `/api/mcp/client/${id}/${action}`)).status).toBe(400);
  requiredIn(await whoami(gateway, {}));

  const registered = await create({ name: 'c2', user_headers: SAMPLE });
  expect(registered.body['message']).toBe(
    'MCP client registered. 7 tools discovered. Each user will submit their own headers on first tool use.',
  );
  expect(JSON.stringify(await gateway.listClients())).not.toContain(SAMPLE['x-user-token']);
});

test('a server that is told its callers apart from now on is no longer looked after as one that all share', async () => {
  await using scene = await startScene({ gateway: { timing: fastTiming }, client: { tool_sync_interval: 1 } });
  const { gateway, upstream, id } = scene;
  await using shared = await startUpstream();
  await gateway.createClient(httpClient(shared.url, { name: 'c2', tool_sync_interval: 1 }));
  const change = { auth_type: 'per_user_headers', per_user_header_keys: ['x-user-token'] };
  expect(await scene.update(change)).toMatchObject({ status: 200 });
  // The other server is asked as often as this one was.
  const untilAsked = (times: number) => {
    const wanted = shared.requests.length + times;
    return waitFor(() => shared.requests.length >= wanted, 'the other server is looked after');
  };
  await untilAsked(5); // what was on the way has arrived
  const asked = upstream.requests.length;
  await untilAsked(20);
  expect(upstream.requests.slice(asked).filter(({ rpcMethod }) => rpcMethod !== undefined)).toEqual([]);
  expect((await gateway.getClient(id)).last_failure).toBeUndefined();
});

test('two gateways on one database know the same credentials, and forget them together', async () => {
  const apiKey = randomApiKey();
  const options = { ...(await freshDatabase('postgres')), apiKey };
  await using scene = await startPersonalScene({ gateway: options });
  await using other = await startGateway(options);
  const { gateway, id, upstream } = scene;
  const key = await createKey(gateway, 'k');
  const there = (): Promise<ApiAnswer> => whoami(other, as(key));
  await expect.poll(async () => (await there()).body).toHaveProperty('extra_fields.mcp_auth_required.session_id');
  const required = requiredIn(await there());
  scene.known.add('token-for-both');
  expect((await submit(gateway, required, { 'x-user-token': 'token-for-both' })).status).toBe(200);
  await expect.poll(async () => (await there()).status).toBe(200);
  expect(seen(await whoami(gateway, as(key)))['x-user-token']).toBe('token-for-both');
  const [session] = await listSessions(other, 'kind=header');
  await other.api('DELETE', `/api/mcp/sessions/${session?.id}`);
  await expect.poll(async () => (await whoami(gateway, as(key))).status).toBe(401);

  const pending = await gateway.createClient(personalClient(upstream.url, { name: 'c2' }));
  await expect.poll(async () => (await other.listClients()).length).toBe(2);
  expect(await other.getClient(pending)).toMatchObject({ state: 'pending_verification' });
  await gateway.api('POST', `/api/mcp/client/${pending}/verify-headers`, { user_headers: SAMPLE });
  await expect.poll(async () => (await other.getClient(pending)).state).toBe('connected');
  expect((await other.getClient(pending)).tools).toHaveLength(7);
  expect((await gateway.api('DELETE', `/api/mcp/client/${id}`)).status).toBe(200);
});

test('a call whose credential is replaced while it is on its way goes on with the new one', async () => {
  let replace: (() => Promise<unknown>) | undefined;
  await using upstream = await startUpstream({
    async guard(request, response) {
      if (request.headers['x-user-token'] !== 'token-from-before') return true;
      if (replace === undefined) return true;
      await replace();
      response.writeHead(401).end();
      return false;
    },
  });
  await using gateway = await startGateway();
  await allowLinks(gateway);
  const id = await gateway.createClient(personalClient(upstream.url, { user_headers: SAMPLE }));
  const key = await createKey(gateway, 'k');
  const required = requiredIn(await whoami(gateway, as(key)));
  await submit(gateway, required, { 'x-user-token': 'token-from-before' });
  seen(await whoami(gateway, as(key)));
  const [session] = await listSessions(gateway, `identity=${key.id}`);
  const { body } = await gateway.api('POST', `/api/mcp/sessions/${session?.id}/reauth`);
  const form = { session_id: String(body['session_id']), submit_url: String(body['submit_url']) };
  replace = async () => {
    replace = undefined;
    expect((await submit(gateway, form, { 'x-user-token': 'token-from-now' })).status).toBe(200);
  };
  expect(seen(await whoami(gateway, as(key)))['x-user-token']).toBe('token-from-now');
  expect((await gateway.getClient(id)).state).toBe('connected');
  expect(upstream.countCalls('whoami')).toBe(2);
});

test('what was entered for one address is forgotten when the server moves to another', async () => {
  await using scene = await startPersonalScene();
  const { gateway, id, upstream } = scene;
  const key = await createKey(gateway, 'k');
  await enter(scene, key, 'token-for-the-old-place');
  seen(await whoami(gateway, as(key)));
  await using other = await startUpstream();
  expect((await gateway.update(id, { connection_string: other.url })).status).toBe(200);
  expect((await gateway.getClient(id)).state).toBe('pending_verification');
  expect((await gateway.api('POST', `/api/mcp/client/${id}/verify-headers`, { user_headers: SAMPLE })).status).toBe(
    200,
  );
  const required = requiredIn(await whoami(gateway, as(key)));
  const flow = await gateway.api('GET', `/api/mcp/per-user-headers/flows/${required.session_id}`);
  expect(flow.body['submitted_keys']).toEqual([]);
  expect(JSON.stringify(other.requests)).not.toContain('token-for-the-old-place');
  expect(upstream.countCalls('whoami')).toBe(1);
});

test('sessions: whoever has no key is known by the random id it sends, and by nothing else', async () => {
  await using scene = await startPersonalScene();
  const { gateway, known } = scene;
  await gateway.api('PUT', '/api/config', { client_config: { enforce_auth_on_inference: false } });
  const session = (id: string) => ({ authorization: '', 'x-bf-mcp-session-id': id });
  const nobody = await whoami(gateway, { authorization: '' });
  expect(messageIn(nobody)).toContain('x-bf-mcp-session-id');
  expect(requiredIn(nobody)).not.toHaveProperty('authorize_url');
  expect((await whoami(gateway, session('short'))).status).toBe(400);
  const mine = 'a-session-id-that-is-random';
  known.add('token-of-a-session');
  const required = requiredIn(await whoami(gateway, session(mine)));
  expect((await submit(gateway, required, { 'x-user-token': 'token-of-a-session' })).status).toBe(200);
  expect(seen(await whoami(gateway, session(mine)))['x-user-token']).toBe('token-of-a-session');
  requiredIn(await whoami(gateway, session('another-session-id-of-some')));
  const sessions = await listSessions(gateway, 'auth_mode=session&kind=header');
  expect(sessions).toMatchObject([{ session_id: expect.stringMatching(/^a-se\*+ndom$/) as unknown, status: 'active' }]);
  expect(JSON.stringify(await listSessions(gateway))).not.toContain(mine);
});
