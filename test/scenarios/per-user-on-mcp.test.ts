import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey, type TestKey } from '../kit/keys.ts';
import { readLogs } from '../kit/logs.ts';
import { listSessions, requiredIn, startPersonalScene, submit, tokenIn, type PersonalScene } from '../kit/personal.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { openSession, postMcp, postModern, type RpcAnswer } from '../kit/wire.ts';

const CAN_OPEN = { elicitation: { url: {} } };
const CALL = { name: 'c1-whoami', arguments: {} };
const LINK = /http:\S+flow=\S+&kind=headers#t=[\w-]+/;

let scene: PersonalScene;
let number = 0;
beforeAll(async () => {
  scene = await startPersonalScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const newKey = (): Promise<TestKey> => createKey(scene.gateway, `k${(number += 1)}`);

/** Enters a token with the link of a refused call. */
async function enter(url: string, token: string): Promise<void> {
  scene.known.add(token);
  const session_id = new URL(url).searchParams.get('flow') ?? '';
  const answer = await submit(scene.gateway, { session_id, submit_url: url }, { 'x-user-token': token });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
}

function textOf({ reply, text }: RpcAnswer): string {
  const [part] = (reply.result?.['content'] ?? []) as { text: string }[];
  if (part === undefined) throw new Error(text);
  return part.text;
}

function tokenSeen(answer: RpcAnswer): unknown {
  return (JSON.parse(textOf(answer)) as Record<string, unknown>)['x-user-token'];
}

test('a client that can open no links gets a result that it can read to its model', async () => {
  const key = await newKey();
  const session = await openSession(key);
  for (const answer of [
    await postModern(key, 'tools/call', CALL),
    await postModern(key, 'tools/call', CALL, { capabilities: { elicitation: { form: {} } } }),
    await session.request('tools/call', CALL),
    await postMcp(key, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: CALL }),
  ]) {
    expect(answer.status).toBe(200);
    expect(answer.reply.result).toMatchObject({ isError: true });
    expect(textOf(answer)).toMatch(
      /^Authentication required for c1\. Open this URL to submit the required headers: http/,
    );
  }
});

test('a legacy client that can open links is told to with -32042', async () => {
  const key = await newKey();
  const session = await openSession(key, {}, CAN_OPEN);
  const { reply } = await session.request('tools/call', CALL);
  expect(reply.error).toMatchObject({ code: -32_042 });
  const { elicitations } = (reply.error?.data ?? {}) as { elicitations: Record<string, string>[] };
  const [{ url = '', ...rest } = {}] = elicitations;
  expect(rest).toEqual({
    mode: 'url',
    elicitationId: new URL(url).searchParams.get('flow'),
    message: expect.stringContaining(url) as unknown,
  });
  await enter(url, 'token-of-a-legacy-client');
  expect(tokenSeen(await session.request('tools/call', CALL))).toBe('token-of-a-legacy-client');
});

test('a modern client that can open links is asked once, and then told', async () => {
  const key = await newKey();
  const call = (params = {}) => postModern(key, 'tools/call', { ...CALL, ...params }, { capabilities: CAN_OPEN });
  const { reply } = await call();
  expect(reply.result).toMatchObject({ resultType: 'input_required' });
  const [name = '', question] = Object.entries(reply.result?.['inputRequests'] as object)[0] ?? [];
  expect(question).toMatchObject({ method: 'elicitation/create', params: { mode: 'url' } });
  const { url } = (question as { params: { url: string } }).params;
  const answered = { inputResponses: { [name]: { action: 'accept' } } };
  const early = await call(answered);
  expect(early.reply.result).toMatchObject({ isError: true, resultType: 'complete' });
  expect(textOf(early)).toContain(url);
  await enter(url, 'token-of-a-modern-client');
  expect(tokenSeen(await call(answered))).toBe('token-of-a-modern-client');
  expect(tokenSeen(await call())).toBe('token-of-a-modern-client');
});

test('an account is picked in _meta, which the server does not see', async () => {
  const key = await newKey();
  const call = (account: string) =>
    postModern(key, 'tools/call', { ...CALL, _meta: { 'asbru/account': account, 'other/key': 1 } });
  for (const account of ['work', 'home']) {
    const [url = ''] = LINK.exec(textOf(await call(account))) ?? [];
    await enter(url, `token-at-${account}`);
  }
  for (const account of ['work', 'home']) expect(tokenSeen(await call(account))).toBe(`token-at-${account}`);
  expect(textOf(await postModern(key, 'tools/call', CALL))).toMatch(LINK);
});

test('without anybody to be, the answer says how to be somebody', async () => {
  await scene.gateway.api('PUT', '/api/config', { client_config: { enforce_auth_on_inference: false } });
  const nobody = { address: scene.gateway.address, apiKey: '' };
  const answer = await postModern(nobody, 'tools/call', CALL, { capabilities: CAN_OPEN });
  expect(textOf(answer)).toContain('x-bf-mcp-session-id');
  await scene.gateway.api('PUT', '/api/config', { client_config: { enforce_auth_on_inference: true } });
});

test('a refused call is in the logs, costs nothing, and the log does not open the form', async () => {
  const { gateway, id } = scene;
  await gateway.update(id, { tool_pricing: { whoami: 1 } });
  const key = await newKey();
  const { submit_url = '' } = requiredIn(
    await gateway.execute('c1-whoami', {}, { authorization: `Bearer ${key.value}` }),
  );
  const { logs } = await readLogs(gateway, { virtual_key_ids: key.id });
  expect(logs).toMatchObject([{ status: 'error', cost: 0, error_details: { error: { code: 'mcp_auth_required' } } }]);
  expect(JSON.stringify(logs)).not.toContain(tokenIn(submit_url));
});

test('a session that was open with a credential is not used after it is revoked', async () => {
  const { gateway, upstream } = scene;
  const key = await newKey();
  const session = await openSession(key);
  const [url = ''] = LINK.exec(textOf(await session.request('tools/call', CALL))) ?? [];
  await enter(url, 'token-that-ends');
  expect(tokenSeen(await session.request('tools/call', CALL))).toBe('token-that-ends');
  const [row] = await listSessions(gateway, `identity=${key.id}`);
  await gateway.api('DELETE', `/api/mcp/sessions/${row?.id}`);
  const calls = upstream.countCalls();
  expect(textOf(await session.request('tools/call', CALL))).toMatch(LINK);
  expect(upstream.countCalls()).toBe(calls);
  await expect
    .poll(() => upstream.requests.filter(({ httpMethod }) => httpMethod === 'DELETE').at(-1)?.headers['x-user-token'])
    .toBe('token-that-ends');
});

test('what a caller enters is in no log, answer, record or file, and what opens a form is in no log', async () => {
  await using folder = await temporaryFolder();
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const canaries = ['canary-0f6d2b91-header', 'canary-8c1e77a3-refused'] as const;
  const [good, bad] = canaries;
  let shown = '';
  let opener = '';
  {
    await using own = await startPersonalScene({
      gateway: { appDir: folder.path, logger: pino({ level: 'trace' }, sink) },
    });
    const { gateway, known } = own;
    known.add(good);
    const required = requiredIn(await gateway.execute('c1-greet', { name: 'x' }));
    opener = tokenIn(required.submit_url ?? '');
    shown += JSON.stringify((await submit(gateway, required, { 'x-user-token': bad })).body);
    shown += JSON.stringify((await submit(gateway, required, { 'x-user-token': good })).body);
    shown += JSON.stringify((await gateway.execute('c1-greet', { name: 'x' })).body);
    known.delete(good);
    shown += JSON.stringify((await gateway.execute('c1-greet', { name: 'x' })).body);
    for (const path of ['sessions', 'clients', `per-user-headers/flows/${required.session_id}`])
      shown += JSON.stringify((await gateway.api('GET', `/api/mcp/${path}`)).body);
    for (const path of ['/api/audit-logs', '/api/mcp-logs', '/metrics'])
      shown += JSON.stringify((await gateway.api('GET', path)).body);
    expect(shown).toContain('mcp_session');
  }
  const files = await Promise.all(
    (await readdir(folder.path)).map((name) => readFile(join(folder.path, name), 'latin1')),
  );
  const log = lines.join('');
  expect(files.length).toBeGreaterThan(0);
  expect(log).not.toBe('');
  for (const canary of canaries) for (const place of [shown, log, ...files]) expect(place).not.toContain(canary);
  expect(opener).not.toBe('');
  for (const place of [log, ...files]) expect(place).not.toContain(opener);
});
