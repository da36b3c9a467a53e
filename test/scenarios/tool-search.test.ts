import { expect, test } from 'vitest';
import { createKey, updateKey } from '../kit/keys.ts';
import { readLogs } from '../kit/logs.ts';
import { callFound, callMeta, foundTools, SEARCH_MODE, searchText, startCorpusGateway } from '../kit/search.ts';
import { listedTools, startScene } from '../kit/scene.ts';
import { httpClient } from '../kit/gateway.ts';
import { waitFor } from '../kit/wait.ts';
import { LEGACY_REVISION, openSession, postMcp, postModern, requestHeaders, type McpEndpoint } from '../kit/wire.ts';

async function listedInMode(endpoint: McpEndpoint, headers = SEARCH_MODE): Promise<string[]> {
  const { reply, text } = await postModern(endpoint, 'tools/list', {}, { headers });
  const tools = reply.result?.['tools'] as { name: string }[] | undefined;
  if (tools === undefined) throw new Error(text);
  return tools.map(({ name }) => name);
}

test('a client that asks for it sees a handful of tools instead of thousands, finds the right one and calls it', async () => {
  await using gateway = await startCorpusGateway();
  const whole = await postModern(gateway, 'tools/list');
  expect(whole.reply.result?.['tools']).toHaveLength(5_000);
  const listed = await postModern(gateway, 'tools/list', {}, { headers: SEARCH_MODE });
  expect(await listedInMode(gateway)).toEqual(['searchTools', 'callTool', 'readResult']);
  const text = await searchText(gateway, { query: 'refund a payment in stripe' });
  expect(text).toContain(
    'stripe-create_refund: Create a new refund in Stripe.\n  { title: string; description?: string',
  );
  // What a model reads until it can call: a few hundred tokens of four characters, against a quarter of a million.
  expect((listed.text.length + text.length) / 4).toBeLessThan(1_000);
  expect(whole.text.length / 4).toBeGreaterThan(200_000);
  const called = await callFound(gateway, 'stripe-create_refund', { title: 'broken lamp' });
  expect(called.reply.result).toMatchObject({ content: [{ type: 'text', text: 'create_refund ran' }] });
});

test('the mode can be said in the address, for clients of every age', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  const response = await fetch(`${gateway.address}/mcp?mode=search`, {
    method: 'POST',
    headers: requestHeaders(gateway, { 'mcp-protocol-version': LEGACY_REVISION }),
    body: JSON.stringify(list),
  });
  expect(await response.text()).toContain('"searchTools"');
  const session = await openSession(gateway, SEARCH_MODE);
  const { reply } = await session.request('tools/call', { name: 'searchTools', arguments: { query: 'echo' } });
  expect(JSON.stringify(reply.result)).toContain('c1-echo: Says the same');
  expect(reply.result).not.toHaveProperty('resultType');
  const { reply: refused } = await postMcp(gateway, list, { headers: { 'x-asbru-tool-mode': 'everything' } });
  expect(refused.error?.message).toContain('must be "code", "search" or "tools"');
});

test('without the mode all is listed as ever, and no search is offered', async () => {
  await using scene = await startScene();
  const listed = await listedTools(scene.gateway);
  expect(listed).toContain('c1-echo');
  expect(listed).not.toContain('searchTools');
});

test('a key finds and calls what it may call, and nothing else', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
  const key = await createKey(gateway, 'narrow', {
    mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['add'] }],
  });
  const nobody = await createKey(gateway, 'nobody');
  const query = 'echo greet fail slow rich whoami add say numbers';
  expect(await foundTools(key, query)).toEqual(['c1-add']);
  expect(await searchText(key, { query: 'echo' })).toBe(
    'There is no tool for "echo". Try other words, or another server of these: c1.',
  );
  expect(await searchText(key, {})).toBe('c1-add');
  expect(await listedInMode(nobody)).toEqual([]);
  expect(await searchText(nobody, { query })).toBe('There are no tools that you may call.');
  expect((await callFound(key, 'c1-echo', { text: 'hi' })).reply.error).toMatchObject({
    data: { code: 'mcp_tool_blocked' },
  });
  expect((await callFound(key, 'c1-add', { a: 1, b: 2 })).text).toContain('"3"');
  await updateKey(gateway, key, { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['greet'] }] });
  expect(await foundTools(key, query)).toEqual(['c1-greet']);
  await scene.update({ disabled: true });
  expect(await searchText(key, { query })).toBe('There are no tools that you may call.');
  expect((await gateway.getClient(id)).config.disabled).toBe(true);
});

test('filters of the request narrow what is found', async () => {
  await using scene = await startScene();
  const headers = { 'x-bf-mcp-include-tools': 'c1-add,c1-greet' };
  const { reply } = await callMeta(scene.gateway, 'searchTools', { query: 'echo' }, { headers });
  expect(JSON.stringify(reply.result)).toContain('There is no tool for');
});

test('a tool that a server adds is found at once, one that it takes away is not', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  expect(await searchText(gateway, { query: 'launch rocket' })).toContain('There is no tool for');
  await upstream.addTool('launch_rocket');
  await waitFor(
    async () => (await searchText(gateway, { query: 'launch rocket' })).includes('c1-launch_rocket'),
    'found',
  );
  await upstream.removeTool('launch_rocket');
  await waitFor(async () => (await searchText(gateway, { query: 'launch rocket' })).includes('no tool for'), 'gone');
});

test('a call through callTool is a call of that tool: its price, its budget, and its one row in the log', async () => {
  await using scene = await startScene({ client: { tool_pricing: { echo: 1 } } });
  const { gateway, upstream } = scene;
  const key = await createKey(gateway, 'payer', {
    mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }],
    budgets: [{ max_limit: 1, reset_duration: '1d' }],
  });
  const headers = { 'x-request-id': 'through' };
  expect((await callFound(key, 'c1-echo', { text: 'hi' }, { headers })).text).toContain('"hi"');
  expect((await callFound(key, 'c1-echo', { text: 'hi' }, { headers })).reply.error).toMatchObject({
    data: { code: 'budget_exceeded' },
  });
  expect(upstream.countCalls('echo')).toBe(1);
  const { logs } = await readLogs(gateway, { sort_by: 'timestamp', order: 'asc' });
  expect(
    logs.map(({ tool_name, server_label, cost, status, arguments: args }) => [
      tool_name,
      server_label,
      cost,
      status,
      args,
    ]),
  ).toEqual([
    ['echo', 'c1', 1, 'success', { text: 'hi' }],
    ['echo', 'c1', 0, 'error', { text: 'hi' }],
  ]);
});

test('a search has a row in the log, and costs nothing', async () => {
  await using scene = await startScene();
  await searchText(scene.gateway, { query: 'echo' });
  const { logs } = await readLogs(scene.gateway);
  expect(logs).toMatchObject([{ tool_name: 'searchTools', server_label: 'toolsearch', status: 'success' }]);
});

test('a tool that wants approval waits for it through callTool too, and the same call runs once after it', async () => {
  await using scene = await startScene({ client: { tools_to_approve: ['echo'], allow_on_all_virtual_keys: true } });
  const { gateway } = scene;
  const key = await createKey(gateway, 'asker');
  const refused = await callFound(key, 'c1-echo', { text: 'hi' });
  expect(refused.reply.error).toMatchObject({ data: { code: 'approval_required' } });
  const { approval } = (refused.reply.error?.data ?? {}) as { approval: { id: string; tool: string } };
  expect(approval.tool).toBe('echo');
  await gateway.api('POST', `/api/mcp/approvals/${approval.id}/approve`, {});
  expect((await callFound(key, 'c1-echo', { text: 'hi' })).text).toContain('"hi"');
  expect((await callFound(key, 'c1-echo', { text: 'hi' })).reply.error).toMatchObject({
    data: { code: 'approval_required' },
  });
});

test('what is wrong with a call is said so that a model can mend it', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  const message = async (args: Record<string, unknown>): Promise<string> =>
    (await callMeta(gateway, 'callTool', args)).reply.error?.message ?? '';
  expect(await message({})).toBe('name: must be the name of a tool, as searchTools gives it');
  expect(await message({ name: 'c1-echo', arguments: ['hi'] })).toBe(
    'arguments: must be an object, what the tool takes',
  );
  expect(await message({ name: 'callTool', arguments: { name: 'c1-echo' } })).toContain(
    "tool 'callTool' is not available",
  );
  expect((await callMeta(gateway, 'searchTools', { query: 7 })).reply.error?.message).toBe('query: must be a text');
  expect((await callMeta(gateway, 'searchTools', { query: 'echo', limit: 0 })).reply.error?.message).toBe(
    'limit: must be a whole number from 1 on',
  );
  // Models write an object as a text now and then.
  expect((await callMeta(gateway, 'callTool', { name: 'c1-echo', arguments: '{"text":"hi"}' })).text).toContain('"hi"');
});

test('a search can be kept to one server, however its name is written', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  await gateway.createClient(httpClient(upstream.url, { name: 'other_one' }));
  expect(await foundTools(gateway, 'echo', { server: 'Other One' })).toEqual(['other_one-echo']);
  expect((await searchText(gateway, { server: 'c1' })).split('\n')).toHaveLength(7);
  expect(await searchText(gateway, { query: 'echo', server: 'third' })).toContain(
    'another server of these: c1, other_one',
  );
  const all = await searchText(gateway, { query: 'c1-add' });
  expect(all).toContain('arguments: {"type":"object","properties":{"a":{"type":"number"}');
});
