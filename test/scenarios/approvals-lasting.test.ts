import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codeIn, decide, echo, listApprovals, noticeIn, startApprovalScene, statuses } from '../kit/approvals.ts';
import { DATABASES } from '../kit/databases.ts';
import { httpClient, randomApiKey, startGateway } from '../kit/gateway.ts';
import { createKey, freshDatabase } from '../kit/keys.ts';
import { expectDone, expectRefused, startScene } from '../kit/scene.ts';
import { temporaryDirectory } from '../kit/temporary-directory.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

const guarded = { tools_to_approve: ['echo'], allow_on_all_virtual_keys: true };

describe.each(DATABASES)('on %s', (type) => {
  test('what waits and what is approved outlives a restart, and is still good for one run', async () => {
    await using folder = await temporaryDirectory();
    await using upstream = await startUpstream();
    const options = { appDir: folder.path, ...(await freshDatabase(type)), apiKey: randomApiKey() };
    let gateway = await startGateway(options);
    const restart = async () => {
      await gateway.close();
      gateway = await startGateway(options);
      await gateway.ready;
    };
    await gateway.createClient(httpClient(upstream.url, guarded));
    const key = await createKey(gateway, 'ada');
    const call = (text: string) => echo({ ...key, address: gateway.address }, text);
    const [first, second] = [noticeIn(await call('one')), noticeIn(await call('two'))];
    await decide(gateway, first, 'approve');
    await restart();
    expect(noticeIn(await call('two')).id).toBe(second.id);
    expect([codeIn(await call('one')), codeIn(await call('one'))]).toEqual(['ok', 'approval_required']);
    await decide(gateway, second, 'approve');
    await restart();
    expect([codeIn(await call('two')), upstream.countCalls('echo')]).toEqual(['ok', 2]);
    await gateway.close();
  });
});

test('two nodes together run an approved call once, and either hears what the other decides', async () => {
  await using upstream = await startUpstream();
  const options = { ...(await freshDatabase('postgres')), apiKey: randomApiKey() };
  await using one = await startGateway(options);
  await one.createClient(httpClient(upstream.url, guarded));
  const key = await createKey(one, 'ada');
  await using two = await startGateway(options);
  await two.ready;
  const at = (node: { address: string }) => ({ ...key, address: node.address });
  await decide(two, noticeIn(await echo(at(one), 'hi')), 'approve');
  const nodes = [one, two];
  const calls = Array.from({ length: 10 }, (_, number) => echo(at(nodes[number % 2] ?? one), 'hi'));
  const codes = (await Promise.all(calls)).map(codeIn);
  expect(codes.toSorted()).toEqual([...Array<string>(9).fill('approval_required'), 'ok']);
  expect(upstream.countCalls('echo')).toBe(1);

  const waits = echo(at(one), 'on the line', {}, { 'x-asbru-approval-wait': '60' });
  const waiting = await waitFor(
    async () => (await listApprovals(two)).find((each) => each.arguments?.includes('on the line')),
    'it waits',
  );
  await decide(two, waiting, 'approve');
  expect(codeIn(await waits)).toBe('ok');
});

test('arguments are encrypted in the database', async () => {
  await using folder = await temporaryDirectory();
  await using upstream = await startUpstream();
  const gateway = await startGateway({ appDir: folder.path });
  await gateway.createClient(httpClient(upstream.url, guarded));
  await gateway.api('PUT', '/api/config', { client_config: { disable_content_logging: true } });
  noticeIn(await echo(await createKey(gateway, 'ada'), 'a-text-that-nobody-reads'));
  expect(await statuses(gateway)).toEqual(['pending']);
  await gateway.close();
  expect(await readFile(join(folder.path, 'asbru.db'), 'latin1')).not.toContain('a-text-that-nobody-reads');
});

describe('tools_to_approve and approval_by', () => {
  test('are off by default, are changed live, and come back as they were sent', async () => {
    await using scene = await startScene();
    const { gateway, id, upstream } = scene;
    const read = async () => (await gateway.getClient(id)).config;
    expect(await read()).toMatchObject({ tools_to_approve: [], approval_by: 'manager' });
    expect(codeIn(await echo(gateway, 'hi'))).toBe('ok');
    const set = { tools_to_approve: ['echo'], approval_by: 'caller' };
    expectDone(await scene.update(set), 'edited');
    const config = await read();
    expect(config).toMatchObject(set);
    expect(codeIn(await echo(gateway, 'hi'))).toBe('approval_required');
    expectDone(await scene.update(config), 'edited');
    expect(await read()).toEqual(config);
    expectDone(await scene.update({ tools_to_approve: [] }), 'edited');
    expect(codeIn(await echo(gateway, 'hi'))).toBe('ok');
    expect(upstream.countCalls('echo')).toBe(2);
  });

  test('refuse what would guard nothing, and stay while no tool may run', async () => {
    await using scene = await startScene({ client: { tools_to_execute: ['echo', 'add'] } });
    const { gateway, id } = scene;
    const refuse = (body: object) => expectRefused(gateway, 400, () => scene.update(body));
    expect(await refuse({ tools_to_approve: ['ecco'] })).toContain("'ecco'");
    expect(await refuse({ tools_to_approve: ['*', 'echo'] })).toContain('tools_to_approve');
    expect(await refuse({ approval_by: 'nobody' })).toContain('approval_by');
    expectDone(await scene.update({ tools_to_approve: ['*'] }), 'edited');
    expect(codeIn(await echo(gateway, 'hi'))).toBe('approval_required');
    expectDone(await scene.update({ tools_to_execute: [] }), 'edited');
    expect((await gateway.getClient(id)).config.tools_to_approve).toEqual(['*']);
  });

  test('win over tools_to_auto_execute, and the answer says so', async () => {
    await using scene = await startScene({ client: { tools_to_approve: ['echo'] } });
    const { body } = await scene.update({ tools_to_auto_execute: ['echo', 'add'] });
    expect(body['warnings']).toEqual([expect.stringContaining('calls of echo wait')]);
    expect(codeIn(await echo(scene.gateway, 'hi'))).toBe('approval_required');
  });

  test('can be set in config.json, and are explained', async () => {
    await using upstream = await startUpstream();
    const config = { mcp: { client_configs: [httpClient(upstream.url, { ...guarded, approval_by: 'caller' })] } };
    await using gateway = await startGateway({ config });
    await gateway.ready;
    expect(codeIn(await echo(gateway, 'hi'))).toBe('approval_required');
    const { body } = await gateway.api('GET', '/api/mcp/explain?tool=c1-echo');
    expect(body).toMatchObject({ is_callable: true });
    expect(body['verdicts']).toContainEqual({
      rule: 'tools_to_approve',
      effect: 'waits',
      message: expect.stringContaining('"echo"') as string,
    });
  });
});

test('a list of approvals is read in pages and by server, caller and status', async () => {
  await using scene = await startApprovalScene();
  const { gateway, ada, bob, id } = scene;
  for (const text of ['1', '2', '3']) await echo(ada, text);
  await decide(gateway, noticeIn(await echo(bob, '1')), 'deny');
  const page = async (query: string) => (await gateway.api('GET', `/api/mcp/approvals?${query}`)).body;
  expect(await page('limit=2&offset=1')).toMatchObject({ count: 2, total_count: 4, limit: 2, offset: 1 });
  expect(await page(`principal=virtual-key:${bob.id}`)).toMatchObject({ total_count: 1 });
  expect(await page(`mcp_client_id=${id}&status=pending`)).toMatchObject({ total_count: 3 });
  expect(await page('mcp_client_id=other')).toMatchObject({ total_count: 0, approvals: [] });
  expect((await gateway.api('GET', '/api/mcp/approvals?status=maybe')).status).toBe(400);
});
