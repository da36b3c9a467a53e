import { describe, expect, test } from 'vitest';
import {
  codeIn,
  decide,
  echo,
  listApprovals,
  startApprovalScene,
  statuses,
  type ApprovalScene,
} from '../kit/approvals.ts';
import { returned, runCode, sendRun, setCodeMode, waitingIn } from '../kit/code.ts';
import { DATABASES } from '../kit/databases.ts';
import { httpClient, randomApiKey, startGateway } from '../kit/gateway.ts';
import { createKey, freshDatabase } from '../kit/keys.ts';
import { readLogs } from '../kit/logs.ts';
import { temporaryDirectory } from '../kit/temporary-directory.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

/** Of "c1", `echo` wants approval, and `add` nothing. */
const CODE = { is_code_mode_client: true, tools_to_auto_execute: ['add', 'echo', 'fail'] };
const start = (client = {}): Promise<ApprovalScene> => startApprovalScene('sqlite', { ...CODE, ...client });

const MIXED = `
  const three = await c1.add({ a: 1, b: 2 });
  console.log('three is', three);
  const said = await c1.echo({ text: 'on ' + three });
  return [said, await c1.add({ a: three, b: 1 })];`;

describe('a run in which a call wants approval', () => {
  test('stops there, says what it waits for, and goes on when it is approved, with no call made twice', async () => {
    await using scene = await start();
    const { gateway, ada, upstream } = scene;
    const first = await runCode(ada, MIXED);
    const { continuation, approval } = waitingIn(first);
    expect(first.isError).toBe(false);
    for (const part of [
      approval.id,
      approval.expires_at,
      approval.decide_at,
      continuation,
      '"echo" of c1',
      'three is 3',
    ])
      expect(first.text).toContain(part);
    expect(await listApprovals(gateway)).toMatchObject([
      { id: approval.id, status: 'pending', arguments: '{"text":"on 3"}', source: 'code' },
    ]);
    // Nobody has decided yet: it waits on, for the same.
    expect(waitingIn(await sendRun(ada, { continuation }))).toMatchObject({ continuation, approval });
    expect([upstream.countCalls('add'), upstream.countCalls('echo')]).toEqual([1, 0]);

    await decide(gateway, approval, 'approve');
    const done = await sendRun(ada, { continuation });
    expect(returned(done.text)).toEqual(['on 3', 4]);
    expect(done.text).toMatch(/^Print output:\nthree is 3\n\nExecution completed/);
    expect([upstream.countCalls('add'), upstream.countCalls('echo')]).toEqual([2, 1]);
    expect(await statuses(gateway)).toEqual(['used']);
    // It is over.
    await expect(sendRun(ada, { continuation })).rejects.toThrow('continuation: unknown');
  });

  test('hears of a denial as of an error, with what was said', async () => {
    await using scene = await start();
    const { gateway, ada, upstream } = scene;
    const code = `try { await c1.echo({ text: 'x' }) } catch ({ name, code, tool, message }) { return [name, code, tool, message] }`;
    const { continuation, approval } = waitingIn(await runCode(ada, code));
    await decide(gateway, approval, 'deny', { note: 'not today' });
    expect(returned((await sendRun(ada, { continuation })).text)).toEqual([
      ...['ToolError', 'approval_denied', 'echo'],
      expect.stringContaining('not today'),
    ]);
    expect(upstream.countCalls('echo')).toBe(0);
  });

  test('waits for all that it has begun, and goes on with those that are decided', async () => {
    await using scene = await start();
    const { gateway, ada, upstream } = scene;
    const code = `return await Promise.all(['a', 'b'].map((text) => c1.echo({ text })).concat(c1.add({ a: 1, b: 1 })))`;
    const { continuation, approvals } = waitingIn(await runCode(ada, code));
    expect(approvals).toHaveLength(2);
    const [one, two] = approvals;
    await decide(gateway, one ?? { id: '' }, 'approve');
    expect(waitingIn(await sendRun(ada, { continuation })).approvals).toEqual([two]);
    expect([upstream.countCalls('add'), upstream.countCalls('echo')]).toEqual([1, 1]);
    await decide(gateway, two ?? { id: '' }, 'approve');
    expect(returned((await sendRun(ada, { continuation })).text)).toEqual(['a', 'b', 2]);
    expect([upstream.countCalls('add'), upstream.countCalls('echo')]).toEqual([1, 2]);
  });

  test('is its caller’s, its code’s, and goes on once', async () => {
    await using scene = await start();
    const { gateway, ada, bob, upstream } = scene;
    const { continuation, approval } = waitingIn(await runCode(ada, MIXED));
    await decide(gateway, approval, 'approve');
    await expect(sendRun(bob, { continuation })).rejects.toThrow('continuation: unknown');
    await expect(sendRun(ada, { continuation, code: 'return 1' })).rejects.toThrow('code: is not that of the run');
    await expect(sendRun(ada, { continuation: `${continuation}x` })).rejects.toThrow('continuation: unknown');
    await expect(sendRun(ada, {})).rejects.toThrow('code: must be a text');
    const ends = await Promise.allSettled(Array.from({ length: 4 }, () => sendRun(ada, { continuation, code: MIXED })));
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(upstream.countCalls('echo')).toBe(1);
  });

  test('asks anew when its approval was used by another call', async () => {
    await using scene = await start();
    const { gateway, ada } = scene;
    const { continuation, approval } = waitingIn(await runCode(ada, MIXED));
    await decide(gateway, approval, 'approve');
    expect(codeIn(await echo(ada, 'on 3'))).toBe('ok');
    const again = waitingIn(await sendRun(ada, { continuation }));
    expect([again.continuation, again.approval.id === approval.id]).toEqual([continuation, false]);
  });

  test('is forgotten when its time is over', async () => {
    await using scene = await start();
    const { gateway, ada } = scene;
    await gateway.api('PUT', '/api/config', { client_config: { approval_ttl: 1 } });
    const { continuation } = waitingIn(await runCode(ada, MIXED));
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    await expect(sendRun(ada, { continuation })).rejects.toThrow('continuation: unknown');
  });

  test('may stay on the line, and is in nobody’s way meanwhile', async () => {
    await using scene = await start();
    const { gateway, ada, bob, upstream } = scene;
    await setCodeMode(gateway, { max_runs: 1 });
    const run = runCode(ada, MIXED, { headers: { 'x-asbru-approval-wait': '300' } });
    const waiting = await waitFor(async () => (await listApprovals(gateway))[0], 'it waits');
    expect(returned((await runCode(bob, 'return 1')).text)).toBe(1);
    await decide(gateway, waiting, 'approve');
    expect(returned((await run).text)).toEqual(['on 3', 4]);
    expect([upstream.countCalls('add'), upstream.countCalls('echo')]).toEqual([2, 1]);
  });

  test('can be gone on with by who left the line', async () => {
    await using scene = await start();
    const { gateway, ada } = scene;
    const { continuation, approval } = waitingIn(await runCode(ada, MIXED));
    const caller = new AbortController();
    const headers = { 'x-asbru-approval-wait': '300' };
    const run = sendRun(ada, { continuation }, { headers, signal: caller.signal });
    caller.abort();
    await expect(run).rejects.toThrow();
    await decide(gateway, approval, 'approve');
    expect(returned((await sendRun(ada, { continuation })).text)).toEqual(['on 3', 4]);
  });

  test('is counted and limited as a whole', async () => {
    await using scene = await start();
    const { gateway, ada, upstream } = scene;
    await setCodeMode(gateway, { max_calls: 3 });
    const code = `
      const ask = (tool, args) => asbru.call('c1', tool, JSON.stringify(args), '');
      await ask('add', { a: 1, b: 1 }); await ask('add', { a: 1, b: 1 });
      await ask('echo', { text: 'x' });
      return await ask('add', { a: 1, b: 1 });`;
    const { continuation, approval } = waitingIn(await runCode(ada, code));
    // What it was begun with is what it goes on with.
    await setCodeMode(gateway, { max_calls: 100 });
    await decide(gateway, approval, 'approve');
    expect((await sendRun(ada, { continuation })).text).toContain('too_many_calls');
    expect([upstream.countCalls('add'), upstream.countCalls('echo')]).toEqual([2, 1]);
  });

  test('calls with the rights that its caller has when it goes on', async () => {
    await using scene = await start();
    const { gateway, ada, upstream } = scene;
    const { continuation, approval } = waitingIn(await runCode(ada, MIXED));
    await decide(gateway, approval, 'approve');
    await scene.update({ tools_to_execute: ['echo'], tools_to_auto_execute: ['echo'] });
    expect((await sendRun(ada, { continuation })).text).toContain('has no tool "add"');
    expect([upstream.countCalls('add'), upstream.countCalls('echo')]).toEqual([1, 1]);
  });

  test('keeps its artifacts', async () => {
    await using scene = await start();
    const { gateway, ada } = scene;
    const { text } = await runCode(ada, 'artifacts.n = 1; return 1');
    const session = /"session": "([\w-]{16})"/.exec(text)?.[1] ?? '';
    const code = `artifacts.n += 1; await c1.echo({ text: 'x' }); artifacts.n += 1; return artifacts.n`;
    const { continuation, approval } = waitingIn(await runCode(ada, code, { session }));
    await decide(gateway, approval, 'approve');
    expect(returned((await sendRun(ada, { continuation })).text)).toBe(3);
    expect(returned((await runCode(ada, 'return artifacts.n', { session })).text)).toBe(3);
  });
});

describe('tools that code may not call', () => {
  test('are those that neither run by themselves nor wait for a person', async () => {
    await using scene = await start({ tools_to_auto_execute: ['add'] });
    const { ada, upstream } = scene;
    expect((await runCode(ada, `return await c1.greet({ name: 'x' })`)).text).toContain('tools_to_approve');
    expect(waitingIn(await runCode(ada, `return await c1.echo({ text: 'x' })`)).approvals).toHaveLength(1);
    expect([upstream.countCalls('greet'), upstream.countCalls('echo')]).toEqual([0, 0]);
  });

  test('may be called by code that was sent by REST, but not when somebody else goes on with it', async () => {
    await using scene = await start({ tools_to_auto_execute: [] });
    const { gateway, upstream } = scene;
    await scene.update({ approval_by: 'caller' });
    const send = async (args: Record<string, unknown>) =>
      String((await gateway.execute('executeToolCode', args)).body['content']);
    const code = `await c1.echo({ text: 'x' }); return await c1.add({ a: 1, b: 1 })`;
    const stop = async () => {
      const continuation = /run_[\w-]+/.exec(await send({ code }))?.[0] ?? '';
      await decide(gateway, (await listApprovals(gateway, 'status=pending'))[0] ?? { id: '' }, 'approve');
      return { continuation };
    };
    expect(await send(await stop())).toContain('Return value: 2');
    expect((await sendRun(gateway, await stop())).text).toContain('tools_to_auto_execute');
    expect([upstream.countCalls('add'), upstream.countCalls('echo')]).toEqual([1, 2]);
  });
});

test('each call has its row, that which waited too, under the run that made it', async () => {
  await using scene = await start({ tool_pricing: { echo: 0.5, add: 0.25 } });
  const { gateway, ada } = scene;
  const { continuation, approval } = waitingIn(await runCode(ada, MIXED));
  await decide(gateway, approval, 'approve');
  await sendRun(ada, { continuation });
  const logs = await waitFor(async () => {
    const { logs } = await readLogs(gateway, { virtual_key_ids: ada.id });
    return logs.length === 6 && logs.every(({ status }) => status !== 'processing') && logs;
  }, 'the rows');
  const runs = logs.filter(({ tool_name }) => tool_name === 'executeToolCode').map(({ id }) => id);
  const calls = logs.filter(({ tool_name }) => tool_name !== 'executeToolCode');
  expect(runs).toHaveLength(2);
  expect(calls.every(({ metadata }) => runs.includes(String(metadata?.['parent_id'])))).toBe(true);
  expect(calls.map(({ tool_name, cost }) => `${tool_name} ${cost}`).toSorted()).toEqual([
    ...['add 0.25', 'add 0.25', 'echo 0', 'echo 0.5'],
  ]);
});

test.each(DATABASES)('on %s, a run outlives a restart', async (type) => {
  await using folder = await temporaryDirectory();
  await using upstream = await startUpstream();
  const options = { appDir: folder.path, ...(await freshDatabase(type)), apiKey: randomApiKey() };
  const record = { ...CODE, tools_to_approve: ['echo'], allow_on_all_virtual_keys: true };
  const before = await startGateway(options);
  await before.createClient(httpClient(upstream.url, record));
  const ada = await createKey(before, 'ada');
  const { continuation, approval } = waitingIn(await runCode(ada, MIXED));
  await before.close();
  await using after = await startGateway(options);
  await after.ready;
  await decide(after, approval, 'approve');
  expect(returned((await sendRun({ ...ada, address: after.address }, { continuation })).text)).toEqual(['on 3', 4]);
  expect([upstream.countCalls('add'), upstream.countCalls('echo')]).toEqual([2, 1]);
});

test('another node goes on with a run', async () => {
  await using upstream = await startUpstream();
  const options = { ...(await freshDatabase('postgres')), apiKey: randomApiKey() };
  await using one = await startGateway(options);
  const record = { ...CODE, tools_to_approve: ['echo'], allow_on_all_virtual_keys: true };
  await one.createClient(httpClient(upstream.url, record));
  const ada = await createKey(one, 'ada');
  await using two = await startGateway(options);
  await two.ready;
  const { continuation, approval } = waitingIn(await runCode(ada, MIXED));
  await decide(two, approval, 'approve');
  const nodes = [one, two, one, two].map(({ address }) => ({ ...ada, address }));
  const ends = await Promise.allSettled(nodes.map((node) => sendRun(node, { continuation })));
  expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect([upstream.countCalls('add'), upstream.countCalls('echo')]).toEqual([2, 1]);
});
