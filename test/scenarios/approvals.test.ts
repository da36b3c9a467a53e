import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  codeIn,
  decide,
  echo,
  listApprovals,
  noticeIn,
  startApprovalScene,
  statuses,
  type ApprovalScene,
} from '../kit/approvals.ts';
import { DATABASES } from '../kit/databases.ts';
import { httpClient, messageIn, type GatewayAccess } from '../kit/gateway.ts';
import { createKey, updateKey, type TestKey } from '../kit/keys.ts';
import { readLogs } from '../kit/logs.ts';
import { callText } from '../kit/scene.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { postModern } from '../kit/wire.ts';

describe.each(DATABASES)('on %s', (type) => {
  let scene: ApprovalScene;

  beforeAll(async () => {
    scene = await startApprovalScene(type);
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  /** Somebody new, in the one gateway of these tests. */
  async function arrive() {
    const { gateway, upstream } = scene;
    const ran = upstream.countCalls();
    const key = await createKey(gateway, randomUUID());
    return { gateway, key, ran: () => upstream.countCalls() - ran };
  }

  test('a call waits, is approved, and runs exactly once, however often it is sent at the same time', async () => {
    const { gateway, key, ran } = await arrive();
    const refused = await echo(key, 'hi');
    expect(refused.reply.error).toMatchObject({ code: -32003, data: { code: 'approval_required' } });
    const notice = noticeIn(refused);
    expect(notice).toMatchObject({ status: 'pending', mcp_client_name: 'c1', tool: 'echo' });
    expect(noticeIn(await echo(key, 'hi'))).toEqual(notice);
    expect(ran()).toBe(0);

    const { status, body } = await decide(gateway, notice, 'approve', { note: 'go on' });
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({
        id: notice.id,
        status: 'approved',
        decided_by: 'api-key:1',
        decided_via: 'api',
        note: 'go on',
      }),
    ]);
    const codes = (await Promise.all(Array.from({ length: 20 }, () => echo(key, 'hi')))).map(codeIn);
    expect(codes.toSorted()).toEqual([...Array<string>(19).fill('approval_required'), 'ok']);
    expect(ran()).toBe(1);
    // The others wait for one and the same new yes.
    expect(await statuses(gateway, key)).toEqual(['pending', 'used']);
  });

  test('of many calls that stay on the line for one approval, one runs', async () => {
    const { gateway, key, ran } = await arrive();
    const wait = { 'x-asbru-approval-wait': '60' };
    const notice = noticeIn(await echo(key, 'hi'));
    const calls = Array.from({ length: 20 }, () => echo(key, 'hi', {}, wait));
    await waitFor(async () => (await callsOf(gateway, key)) === 21, 'all have come');
    await decide(gateway, notice, 'approve');
    expect((await Promise.all(calls)).map(codeIn).toSorted()).toEqual([
      ...Array<string>(19).fill('approval_required'),
      'ok',
    ]);
    expect(ran()).toBe(1);
  });

  test('many first calls at once wait for one and the same approval', async () => {
    const { gateway, key } = await arrive();
    const ids = (await Promise.all(Array.from({ length: 10 }, () => echo(key, 'hi')))).map((each) => noticeIn(each).id);
    expect(new Set(ids).size).toBe(1);
    expect(await statuses(gateway, key)).toEqual(['pending']);
  });

  test('an approval is good for its arguments, its caller and its account, and for nothing else', async () => {
    const { gateway, key, ran } = await arrive();
    const other = await arrive();
    await decide(gateway, noticeIn(await echo(key, 'hi')), 'approve');
    expect(codeIn(await echo(key, 'ho'))).toBe('approval_required');
    expect(codeIn(await echo(key, 'hi', { more: 1 }))).toBe('approval_required');
    expect(codeIn(await echo(other.key, 'hi'))).toBe('approval_required');
    const beside = await postModern(key, 'tools/call', { name: 'c1-echo', arguments: { text: 'hi' }, beside: 1 });
    expect(codeIn(beside)).toBe('approval_required');
    expect(codeIn(await echo(gateway, 'hi'))).toBe('approval_required');
    expect(codeIn(await echo(key, 'hi', {}, { 'x-asbru-account': 'work' }))).toBe('approval_required');
    expect(ran()).toBe(0);
    expect(codeIn(await echo(key, 'hi'))).toBe('ok');
  });

  test('a denied call is told so, with the reason, until somebody changes their mind', async () => {
    const { gateway, key, ran } = await arrive();
    const notice = noticeIn(await echo(key, 'hi'));
    expect((await decide(gateway, notice, 'deny', { note: 'not today' })).body).toMatchObject({ status: 'denied' });
    const denied = await echo(key, 'hi');
    expect(denied.reply.error?.message).toContain('not today');
    expect(codeIn(denied)).toBe('approval_denied');
    expect(ran()).toBe(0);
    expect((await decide(gateway, notice, 'approve')).status).toBe(200);
    expect((await decide(gateway, notice, 'deny')).status).toBe(200);
    expect(codeIn(await echo(key, 'hi'))).toBe('approval_denied');
    expect((await decide(gateway, notice, 'approve')).status).toBe(200);
    expect(codeIn(await echo(key, 'hi'))).toBe('ok');
    const late = await decide(gateway, notice, 'deny');
    expect([late.status, messageIn(late)]).toEqual([409, expect.stringContaining('used already')]);
    expect((await decide(gateway, { id: 'nothing' }, 'approve')).status).toBe(404);
  });

  test('what nobody decides, and what is not used in time, expires', async () => {
    const { gateway, key, ran } = await arrive();
    await gateway.api('PUT', '/api/config', { client_config: { approval_ttl: 1 } });
    onTestFinished(
      async () => void (await gateway.api('PUT', '/api/config', { client_config: { approval_ttl: 900 } })),
    );
    const first = noticeIn(await echo(key, 'hi'));
    await waitFor(async () => (await statuses(gateway, key)).includes('expired'), 'it expires');
    expect((await decide(gateway, first, 'approve')).status).toBe(409);
    const second = noticeIn(await echo(key, 'hi'));
    expect(second.id).not.toBe(first.id);
    await decide(gateway, second, 'approve');
    await waitFor(async () => (await statuses(gateway, key)).every((status) => status === 'expired'), 'both expire');
    expect(codeIn(await echo(key, 'hi'))).toBe('approval_required');
    expect(ran()).toBe(0);
    expect(await listApprovals(gateway, `status=expired&principal=virtual-key:${key.id}`)).toHaveLength(2);
    expect(await listApprovals(gateway, `status=pending,approved&principal=virtual-key:${key.id}`)).toHaveLength(1);
  });

  test('a call that stays on the line runs as soon as it is approved', async () => {
    const { gateway, key, ran } = await arrive();
    const wait = { 'x-asbru-approval-wait': '60' };
    const calls = [echo(key, 'hi', {}, wait), echo(key, 'ho', {}, wait)];
    await waitFor(async () => (await statuses(gateway, key)).length === 2, 'both wait');
    for (const each of await listApprovals(gateway, `principal=virtual-key:${key.id}`))
      await decide(gateway, each, each.arguments === '{"text":"hi"}' ? 'approve' : 'deny');
    expect((await Promise.all(calls)).map(codeIn)).toEqual(['ok', 'approval_denied']);
    expect(ran()).toBe(1);
  });
});

/** How many calls of a key there were, whether or not they have ended. */
async function callsOf(gateway: GatewayAccess, key: TestKey): Promise<number> {
  return (await readLogs(gateway, { virtual_key_ids: key.id })).logs.length;
}

test('every way to a tool waits, other tools do not, and the rows say why', async () => {
  await using scene = await startApprovalScene();
  const { gateway, upstream, ada } = scene;
  const answer = await gateway.execute('c1-echo', { text: 'hi' }, { authorization: `Bearer ${ada.value}` });
  expect([answer.status, answer.body['type']]).toEqual([403, 'approval_required']);
  const { approval } = answer.body['extra_fields'] as { approval: { id: string } };
  expect((await gateway.execute('c1-add', { a: 1, b: 1 }, { authorization: `Bearer ${ada.value}` })).status).toBe(200);
  await decide(gateway, approval, 'approve');
  // The caller is the same, whichever way it comes.
  expect(codeIn(await echo(ada, 'hi'))).toBe('ok');
  expect(upstream.countCalls('echo')).toBe(1);
  await decide(gateway, noticeIn(await echo(ada, 'no')), 'deny');
  await echo(ada, 'no');
  const rows = (await readLogs(gateway)).logs.filter(({ tool_name }) => tool_name === 'echo');
  expect(rows.map(({ error_details, cost }) => [error_details?.error?.code, cost])).toEqual([
    ['approval_denied', 0],
    ['approval_required', 0],
    [undefined, 0],
    ['approval_required', 0],
  ]);
});

test('who made a call does not approve it, nor does a virtual key, a reader or nobody', async () => {
  await using scene = await startApprovalScene();
  const { gateway, upstream, ada, id } = scene;
  const notice = noticeIn(await echo(ada, 'hi'));
  const path = `/api/mcp/approvals/${notice.id}/approve`;
  const { body } = await gateway.api('POST', '/api/api-keys', { name: 'reads', scopes: ['read'] });
  const as = async (key: string) =>
    (await gateway.api('POST', path, undefined, { authorization: key && `Bearer ${key}` })).status;
  expect([await as(''), await as(ada.value), await as(String(body['key']))]).toEqual([401, 401, 403]);
  expect(await statuses(gateway)).toEqual(['pending']);

  const own = noticeIn(await echo(gateway, 'mine'));
  const refused = await decide(gateway, own, 'approve');
  expect([refused.status, messageIn(refused)]).toEqual([403, expect.stringContaining('approval_by')]);
  expect(codeIn(await echo(gateway, 'mine'))).toBe('approval_required');
  await gateway.update(id, { approval_by: 'caller' });
  expect((await decide(gateway, own, 'approve')).status).toBe(200);
  // What was allowed to the caller ends with the permission.
  await gateway.update(id, { approval_by: 'manager' });
  expect(codeIn(await echo(gateway, 'mine'))).toBe('approval_required');
  expect(upstream.countCalls()).toBe(0);
});

test('a server that was put in the place of another is asked about anew', async () => {
  await using scene = await startApprovalScene();
  await using other = await startApprovalScene();
  const { gateway, ada, id, upstream } = scene;
  await decide(gateway, noticeIn(await echo(ada, 'hi')), 'approve');
  await gateway.update(id, { connection_string: other.upstream.url });
  expect(codeIn(await echo(ada, 'hi'))).toBe('approval_required');
  await gateway.update(id, { connection_string: upstream.url });
  expect(codeIn(await echo(ada, 'hi'))).toBe('ok');
  expect([upstream.countCalls(), other.upstream.countCalls()]).toEqual([1, 0]);
});

test('a server that took over the name while the call waited gets nothing of it', async () => {
  await using scene = await startApprovalScene();
  await using other = await startUpstream();
  const { gateway, ada, id, upstream } = scene;
  const open = { name: 'c2', allow_on_all_virtual_keys: true };
  const otherId = await gateway.createClient(httpClient(other.url, open));
  const call = echo(ada, 'hi', {}, { 'x-asbru-approval-wait': '60' });
  const waiting = await waitFor(async () => (await listApprovals(gateway))[0], 'it waits');
  await gateway.update(id, { name: 'former' });
  await gateway.update(otherId, { name: 'c1' });
  await decide(gateway, waiting, 'approve');
  expect(codeIn(await call)).toBe('conflict');
  expect([upstream.countCalls(), other.countCalls()]).toEqual([0, 0]);
});

test('rights that were taken away while the call waited are gone when it is approved', async () => {
  await using scene = await startApprovalScene();
  const { gateway, upstream, ada, id } = scene;
  const call = echo(ada, 'hi', {}, { 'x-asbru-approval-wait': '60' });
  await waitFor(async () => (await statuses(gateway)).length === 1, 'it waits');
  await gateway.update(id, { vk_configs: [{ virtual_key_id: ada.id, tools_to_execute: [] }] });
  await decide(gateway, (await listApprovals(gateway))[0] ?? { id: '' }, 'approve');
  expect(codeIn(await call)).toBe('mcp_tool_blocked');
  expect(upstream.countCalls()).toBe(0);
});

test('a call that never reached the server keeps its approval, one that may have run does not', async () => {
  await using scene = await startApprovalScene();
  const { gateway, upstream, ada } = scene;
  await decide(gateway, noticeIn(await echo(ada, 'hi')), 'approve');
  await upstream.stop();
  expect(codeIn(await echo(ada, 'hi'))).toMatch(/^upstream_/);
  expect(await statuses(gateway)).toEqual(['approved']);
  await upstream.restart();
  await gateway.api('POST', `/api/mcp/client/${scene.id}/reconnect`);
  expect(codeIn(await echo(ada, 'hi'))).toBe('ok');
  expect(upstream.countCalls('echo')).toBe(1);
});

test('a limit that is reached does not use up an approval', async () => {
  await using scene = await startApprovalScene();
  const { gateway, ada } = scene;
  await updateKey(gateway, ada, { rate_limit: { request_max_limit: 1, request_reset_duration: '1d' } });
  await decide(gateway, noticeIn(await echo(ada, 'hi')), 'approve');
  expect(await callText(ada, 'c1-add', { a: 1, b: 2 })).toBe('3');
  expect(codeIn(await echo(ada, 'hi'))).toBe('request_limited');
  expect(await statuses(gateway)).toEqual(['approved']);
});

test('one caller has no room for endless calls that wait', async () => {
  await using scene = await startApprovalScene();
  const codes = [];
  for (let number = 0; number < 101; number += 1) codes.push(codeIn(await echo(scene.ada, String(number))));
  expect(codes.slice(99)).toEqual(['approval_required', 'too_many_attempts']);
  expect(codeIn(await echo(scene.bob, 'hi'))).toBe('approval_required');
});

test('each decision is in the audit trail, without the arguments', async () => {
  await using scene = await startApprovalScene();
  const { gateway, ada } = scene;
  const notice = noticeIn(await echo(ada, 'a-secret-text'));
  await decide(gateway, notice, 'approve', { note: 'fine' });
  await decide(gateway, notice, 'deny');
  const { body } = await gateway.api('GET', '/api/audit-logs?entity=mcp_approval');
  expect(body['audit_logs']).toMatchObject([
    { action: 'deny', entity_id: notice.id, before: { status: 'approved' }, after: { status: 'denied' } },
    {
      action: 'approve',
      actor: 'api-key:1',
      entity_name: 'c1 / echo',
      before: { status: 'pending' },
      after: { status: 'approved', principal: `virtual-key:${ada.id}`, note: 'fine' },
    },
  ]);
  expect(JSON.stringify(body)).not.toContain('a-secret-text');
});

test('arguments are shown as they were written while somebody must decide, and kept only where content is', async () => {
  await using scene = await startApprovalScene();
  const { gateway, ada } = scene;
  await gateway.api('PUT', '/api/config', { client_config: { disable_content_logging: true } });
  const notice = noticeIn(await echo(ada, 'hi', { n: 1 }));
  const read = async () => (await gateway.api('GET', `/api/mcp/approvals/${notice.id}`)).body;
  expect(await read()).toMatchObject({ arguments: '{"text":"hi","n":1}', app: 'wire', source: 'mcp' });
  await decide(gateway, notice, 'approve');
  expect((await read())['arguments']).not.toBeNull();
  await echo(ada, 'hi', { n: 1 });
  expect(await read()).toMatchObject({ status: 'used', arguments: null });
});
