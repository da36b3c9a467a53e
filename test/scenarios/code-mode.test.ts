import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCode, setCodeMode, valueOf } from '../kit/code.ts';
import { httpClient } from '../kit/gateway.ts';
import { createKey } from '../kit/keys.ts';
import { readLogs } from '../kit/logs.ts';
import { callText, listedTools, startScene, type Scene } from '../kit/scene.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { openSession, postModern } from '../kit/wire.ts';

const META_TOOLS = ['executeToolCode', 'getToolDocs', 'listToolFiles', 'readToolFile'];
const CODE = { is_code_mode_client: true, tools_to_auto_execute: ['*'] };

/** "c1" in code mode, and "plain", which is not. */
let scene: Scene;
let plain: Upstream;
beforeAll(async () => {
  scene = await startScene({ client: CODE });
  plain = await startUpstream();
  await scene.gateway.createClient(httpClient(plain.url, { name: 'plain', tools_to_execute: ['echo'] }));
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
  await plain.stop();
});

/** The tools that `/mcp` lists at this address, or with these headers. */
async function listedAs(query: string, headers = {}): Promise<string[]> {
  const { gateway } = scene;
  const { message, headers: own } = modernList();
  const response = await fetch(`${gateway.address}/mcp${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.apiKey}`, 'content-type': 'application/json', ...own, ...headers },
    body: JSON.stringify(message),
  });
  const { result, error } = (await response.json()) as {
    result?: { tools: { name: string }[] };
    error?: { message: string };
  };
  if (result === undefined) throw new Error(error?.message);
  return result.tools.map(({ name }) => name).toSorted();
}

function modernList() {
  return {
    message: { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} },
    headers: { accept: 'application/json, text/event-stream' },
  };
}

describe('what is listed', () => {
  test('is four tools in the place of those of a server in code mode, and the tools of other servers', async () => {
    expect(await listedTools(scene.gateway)).toEqual([...META_TOOLS, 'plain-echo'].toSorted());
  });

  test('is the four tools alone for who asks for code mode, and every tool for who asks for tools', async () => {
    expect(await listedAs('?mode=code')).toEqual(META_TOOLS);
    expect(await listedAs('', { 'x-asbru-tool-mode': 'code' })).toEqual(META_TOOLS);
    const all = await listedAs('?mode=tools');
    expect(all).toContain('c1-add');
    expect(all).toContain('plain-echo');
    expect(all).not.toContain('executeToolCode');
    await expect(listedAs('?mode=python')).rejects.toThrow('must be "code", "search" or "tools"');
  });

  test('changes at once with the record, for sessions too', async () => {
    const session = await openSession(scene.gateway);
    const names = async () => {
      const { reply } = await session.request('tools/list');
      const tools = reply.result?.['tools'] as { name: string }[] | undefined;
      return tools?.map(({ name }) => name);
    };
    expect(await names()).not.toContain('c1-add');
    await scene.update({ is_code_mode_client: false });
    expect(await names()).toContain('c1-add');
    expect(await names()).not.toContain('executeToolCode');
    await scene.update(CODE);
    expect(await names()).not.toContain('c1-add');
  });

  test('leaves the tools callable by their own names', async () => {
    expect(await callText(scene.gateway, 'c1-add', { a: 1, b: 2 })).toBe('3');
  });
});

describe('the declarations', () => {
  test('are one file per server, or one per tool', async () => {
    expect(await callText(scene.gateway, 'listToolFiles')).toBe('servers/\n  c1.d.ts');
    const file = await callText(scene.gateway, 'readToolFile', { fileName: 'servers/c1.d.ts' });
    expect(file).toMatch(/^\/\/ Total lines: 12 \(this is the complete file, no need to paginate\)\n/);
    expect(file.split('\n')).toHaveLength(12);
    expect(file).toContain('  add(args: { a: number; b: number }): Promise<unknown>; // Adds two numbers\n');
    await setCodeMode(scene.gateway, { binding_level: 'tool' });
    expect(await callText(scene.gateway, 'listToolFiles')).toContain('  c1/\n    add.d.ts\n    echo.d.ts\n');
    const one = await callText(scene.gateway, 'readToolFile', { fileName: 'C1/Add' });
    expect(one).toContain('add(args');
    expect(one).not.toContain('echo(args');
    await setCodeMode(scene.gateway, { binding_level: 'server' });
  });

  test('are read by lines, whatever numbers are sent', async () => {
    const read = (startLine: unknown, endLine: unknown) =>
      callText(scene.gateway, 'readToolFile', { fileName: 'c1', startLine, endLine });
    expect((await read(4, 5)).split('\n')).toEqual([
      'declare const c1: {',
      '  add(args: { a: number; b: number }): Promise<unknown>; // Adds two numbers',
    ]);
    expect((await read(-5, 1e9)).split('\n')).toHaveLength(12);
    expect((await read(99, 2)).split('\n')).toEqual(['};']);
  });

  test('that are not there are answered with what is', async () => {
    expect(await callText(scene.gateway, 'readToolFile', { fileName: 'c2.d.ts' })).toContain('servers/c1.d.ts');
    expect(await callText(scene.gateway, 'readToolFile', { fileName: '../../etc/passwd' })).toContain('is not a file');
    expect(await callText(scene.gateway, 'getToolDocs', { server: 'c1', tool: 'ad' })).toContain('did you mean add?');
    expect(await callText(scene.gateway, 'getToolDocs', { server: 'c1', tool: 'ADD' })).toMatch(/^Adds two numbers\n/);
  });
});

describe('code', () => {
  test('calls tools, one after the other and at once, and returns a value', async () => {
    const code = `
      type Sum = { readonly of: number[]; sum: number };
      const first: number = await c1.add({ a: 1, b: 2 });
      const more = await Promise.all([1, 2, 3].map((a) => c1.add({ a, b: first })));
      return { of: more, sum: more.reduce((x, y) => x + y) } satisfies Sum;`;
    expect(await valueOf(scene.gateway, code)).toEqual({ of: [4, 5, 6], sum: 15 });
  });

  test('catches what fails', async () => {
    const code = `try { await c1.fail() } catch (error) { return [error.name, error.message, error.code, error.server, error.tool] }`;
    expect(await valueOf(scene.gateway, code)).toEqual(['ToolError', 'it went wrong', 'tool_error', 'c1', 'fail']);
  });

  test('prints, also what it printed before it failed', async () => {
    const done = await runCode(
      scene.gateway,
      `console.log('a', { b: [1] }); console.error(new Error('c')); return null`,
    );
    expect(done).toEqual({
      isError: false,
      text: 'Print output:\na {"b":[1]}\nError: c\n\nExecution completed successfully.\nReturn value: null\n\nEnvironment:\n  Available server keys: c1',
    });
    const failed = await runCode(scene.gateway, `console.log('so far');\nthrow new Error('no further')`);
    expect(failed.isError).toBe(true);
    expect(failed.text).toMatch(/^Execution runtime error: no further \(line 2\)\n\nPrint output:\nso far\n/);
  });

  test('that gives nothing back is told so', async () => {
    const { text, isError } = await runCode(scene.gateway, 'await c1.add({ a: 1, b: 2 })');
    expect([isError, text]).toEqual([true, expect.stringContaining('produced no data')]);
    expect(scene.upstream.countCalls('add')).toBeGreaterThan(0);
  });

  test('waits for calls that it did not wait for', async () => {
    const before = scene.upstream.countCalls('greet');
    expect(await valueOf(scene.gateway, `void c1.greet({ name: 'x' }); return 1`)).toBe(1);
    expect(scene.upstream.countCalls('greet')).toBe(before + 1);
  });

  test.for([
    ['const a: number = ;', /^Execution syntax error: .* \(line 1\)/],
    ['\n\nenum A { B }\nreturn 1', /^Execution syntax error: .*enum.* \(line 3\)\nHints:/],
    ['\nreturn await c1.ad({})', /server "c1" has no tool "ad"; did you mean add\? .*\(line 2\)/],
    [
      'return await c11.add({})',
      /c11 is not defined \(line 1\)\nHints:\n {2}- there is no server "c11"; did you mean c1\?/,
    ],
    ['return await plain.echo({})', /plain is not defined/],
    ['return await c1.add(1, 2)', /c1\.add takes one object/],
    ['return await fetch("http://127.0.0.1")', /There is no fetch here/],
  ] as const)('with a mistake says which: %s', async ([code, words]) => {
    const { text, isError } = await runCode(scene.gateway, code);
    expect(text).toMatch(words);
    expect(isError).toBe(true);
  });

  test('that gives more than there is room for is cut between letters, never within one', async () => {
    for (const code of [
      `console.log('x' + '\u{1F600}'.repeat(40_000)); return 1`,
      `return '\u{1F600}'.repeat(40_000)`,
    ]) {
      const { text } = await runCode(scene.gateway, code);
      expect(text).toContain('\u{1F600}');
      expect(text.isWellFormed()).toBe(true);
    }
  });

  test('has limits, which settings change', async () => {
    await setCodeMode(scene.gateway, { max_calls: 3, max_output: 1_000 });
    const code = `let n = 0; try { for (;;) { await c1.add({ a: n, b: 1 }); n += 1 } } catch (error) { return [n, error.code] }`;
    expect(await valueOf(scene.gateway, code)).toEqual([3, 'too_many_calls']);
    const { text } = await runCode(scene.gateway, `return 'x'.repeat(5000)`);
    expect(text).toContain('(the first 1000 of 5002 characters');
    await setCodeMode(scene.gateway, { max_calls: 100, max_output: 40_000 });
    const refused = await scene.gateway.api('PUT', '/api/config', { client_config: { mcp_code_mode_memory: 1 } });
    expect(refused).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('at least 16') } },
    });
  });

  test('reaches every server of who asks for code mode', async () => {
    const { reply } = await postModern(
      scene.gateway,
      'tools/call',
      { name: 'executeToolCode', arguments: { code: `return await plain.echo({ text: 'hi' })` } },
      { headers: { 'x-asbru-tool-mode': 'code' } },
    );
    // The server asks for approval of nothing: the tool is not in its list.
    expect(JSON.stringify(reply.result)).toContain('needs approval');
  });
});

describe('rights', () => {
  test('are those of the caller, call by call', async () => {
    const key = await createKey(scene.gateway, 'narrow', {
      mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['add'] }],
    });
    const file = await callText(key, 'readToolFile', { fileName: 'c1' });
    expect(file).toContain('add(');
    expect(file).not.toContain('echo(');
    expect(await valueOf(key, 'return await c1.add({ a: 1, b: 1 })')).toBe(2);
    const before = scene.upstream.countCalls('echo');
    expect((await runCode(key, `return await c1.echo({ text: 'x' })`)).text).toContain('has no tool "echo"');
    expect(scene.upstream.countCalls('echo')).toBe(before);
  });

  test('of a tool that is not to be executed automatically end before the server, however code reaches it', async () => {
    await scene.update({ tools_to_auto_execute: ['add'] });
    const before = scene.upstream.countCalls('echo');
    for (const code of [
      `return await c1.echo({ text: 'x' })`,
      `const { echo } = c1; return await echo({ text: 'x' })`,
      `return await c1['ec' + 'ho']({ text: 'x' })`,
      `return await asbru.call('c1', 'ECHO', '{"text":"x"}', '')`,
    ])
      expect((await runCode(scene.gateway, code)).text).toMatch(/needs approval/);
    expect(scene.upstream.countCalls('echo')).toBe(before);
    expect(await valueOf(scene.gateway, `return await c1.add({ a: 1, b: 1 })`)).toBe(2);
    // Who sends code by REST has approved it.
    const { body } = await scene.gateway.execute('executeToolCode', { code: `return await c1.echo({ text: 'x' })` });
    expect(body['content']).toContain('Return value: "x"');
    await scene.update(CODE);
  });
});

describe('the ledger', () => {
  test('has a row for the run, which is free, and one for each call, which is not', async () => {
    await scene.update({ tool_pricing: { add: 0.25 } });
    const key = await createKey(scene.gateway, 'payer', {
      mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }],
      budgets: [{ max_limit: 0.5, reset_duration: '1d' }],
    });
    const code = `const done = []; try { for (;;) done.push(await c1.add({ a: 1, b: 1 })) } catch (error) { return [done.length, error.code] }`;
    expect(await valueOf(key, code)).toEqual([2, 'budget_exceeded']);
    const logs = await waitFor(async () => {
      const { logs } = await readLogs(scene.gateway, { virtual_key_ids: key.id });
      return logs.length === 4 && logs.every(({ status }) => status !== 'processing') && logs;
    }, 'the rows');
    const run = logs.find(({ tool_name }) => tool_name === 'executeToolCode');
    const calls = logs.filter(({ tool_name }) => tool_name === 'add');
    expect(run).toMatchObject({ server_label: 'codemode', source: 'mcp', status: 'success', cost: 0 });
    for (const call of calls)
      expect(call).toMatchObject({ source: 'code', llm_request_id: run?.id, metadata: { parent_id: run?.id } });
    expect(calls.map(({ cost }) => cost).toSorted((a = 0, b = 0) => a - b)).toEqual([0, 0.25, 0.25]);
    expect(calls.map(({ error_details }) => error_details?.error?.code)).toContain('budget_exceeded');
    await scene.update({ tool_pricing: {} });
  });
});

describe('artifacts', () => {
  const COUNT = 'artifacts.n = (artifacts.n ?? 0) + 1; return artifacts.n';

  test('are there in the next run of a session, and in no other', async () => {
    const session = await openSession(scene.gateway);
    const other = await openSession(scene.gateway);
    const count = async ({ request }: typeof session) => {
      const { reply } = await request('tools/call', { name: 'executeToolCode', arguments: { code: COUNT } });
      return /Return value: (\d+)/.exec(JSON.stringify(reply.result))?.[1];
    };
    expect([await count(session), await count(session), await count(other)]).toEqual(['1', '2', '1']);
  });

  test('of who has no session are found under a name that the run tells, by its caller alone', async () => {
    const { text } = await runCode(scene.gateway, COUNT);
    const session = /"session": "([\w-]{16})"/.exec(text)?.[1] ?? '';
    expect(await valueOf(scene.gateway, COUNT, { session })).toBe(2);
    expect(await valueOf(scene.gateway, COUNT)).toBe(1);
    const key = await createKey(scene.gateway, 'stranger', {
      mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }],
    });
    await expect(runCode(key, COUNT, { session })).rejects.toThrow('unknown or forgotten');
    expect(await valueOf(scene.gateway, `delete artifacts.n; return Object.keys(artifacts)`, { session })).toEqual([]);
  });
});

test('a caller who gives up ends the run, and the calls that it made', async () => {
  const caller = new AbortController();
  const run = runCode(scene.gateway, 'await c1.slow({ ms: 60000 })', { signal: caller.signal });
  await waitFor(() => scene.upstream.countCalls('slow') === 1, 'the call to arrive');
  caller.abort();
  await expect(run).rejects.toThrow();
  await waitFor(() => scene.upstream.host.cancelled.length === 1, 'the call to be cancelled');
});

test('a run that ends for its time ends the calls that it made', async () => {
  const { upstream, gateway } = scene;
  const [calls, cancelled] = [upstream.countCalls('slow'), upstream.host.cancelled.length];
  let text = '';
  let seconds = 1;
  // On a busy machine the time may be over before the code has begun, let alone called anything: then it gets more.
  do {
    seconds *= 2;
    await setCodeMode(gateway, { timeout: seconds });
    ({ text } = await runCode(gateway, `console.log('before'); await c1.slow({ ms: 60000 })`));
  } while (upstream.countCalls('slow') === calls && seconds < 8);
  expect(text).toMatch(new RegExp(`took more than ${seconds} seconds[^]*Print output:\nbefore\n`));
  await waitFor(() => upstream.host.cancelled.length === cancelled + 1, 'the call to be cancelled');
  await setCodeMode(gateway, { timeout: 60 });
});
