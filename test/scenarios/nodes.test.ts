import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { runCode, valueOf } from '../kit/code.ts';
import { newPostgresUrl } from '../kit/databases.ts';
import { httpClient } from '../kit/gateway.ts';
import { readLogs } from '../kit/logs.ts';
import { startNodes } from '../kit/nodes.ts';
import { listedTools } from '../kit/scene.ts';
import { startSteadyLoad } from '../kit/steady-load.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { openSession, openStream, postMcp } from '../kit/wire.ts';
import { waitFor } from '../kit/wait.ts';

async function startThree() {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startUpstream());
  const nodes = stack.use(await startNodes(3, await newPostgresUrl()));
  const id = await nodes.createClient(httpClient(upstream.url));
  return { upstream, nodes, id, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** How often each text reached the server. */
function timesRun({ host }: Upstream): Map<string, number> {
  const times = new Map<string, number>();
  for (const call of host.calls) {
    const { text } = call.arguments as { text: string };
    times.set(text, (times.get(text) ?? 0) + 1);
  }
  return times;
}

test('while every node is replaced, no call fails and none runs twice', async () => {
  await using scene = await startThree();
  const { upstream, nodes } = scene;
  const load = await startSteadyLoad(nodes, 50);
  for (const index of [0, 1, 2]) await nodes.replace(index);
  const outcomes = await load.stop();
  expect(outcomes.filter(({ code }) => code !== 'ok')).toEqual([]);
  const times = timesRun(upstream);
  expect(outcomes.map(({ text }) => times.get(text))).toEqual(outcomes.map(() => 1));
  expect(nodes.balancer.refused).toBe(0);
});

test('when a node is killed, only calls that ran on it fail, none runs twice, and its sessions go on elsewhere', async () => {
  await using scene = await startThree();
  const { upstream, nodes } = scene;
  const load = await startSteadyLoad(nodes, 50);
  await waitFor(() => load.outcomes.length > 20, 'some calls');
  await nodes.kill(0);
  const before = load.outcomes.length;
  await waitFor(() => load.outcomes.length > before + 40, 'more calls');
  const outcomes = await load.stop();
  const failed = outcomes.filter(({ code }) => code !== 'ok');
  // What was under way at the node when it died; nobody can know whether the server ran it, so nobody sends it again.
  expect(failed.filter(({ code }) => !['node_lost', 'HTTP 502', '502'].includes(code))).toEqual([]);
  expect(Math.max(...timesRun(upstream).values())).toBe(1);
  expect(outcomes.slice(before).filter(({ code }) => code === 'ok').length).toBeGreaterThan(30);
});

test('when a change is answered, every node has it', async () => {
  await using scene = await startThree();
  const { nodes, id } = scene;
  const [first, second, third] = nodes.all;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three nodes');
  for (let round = 0; round < 10; round += 1) {
    const tools = round % 2 === 0 ? [] : ['echo'];
    expect((await first.update(id, { tools_to_execute: tools })).status).toBe(200);
    for (const node of [second, third]) expect(await listedTools(node)).toEqual(tools.map((name) => `c1-${name}`));
  }
});

test('a session that listens on one node hears what another one does, and what it asked for outlives its node', async () => {
  await using scene = await startThree();
  const { nodes, upstream } = scene;
  const session = await openSession(nodes);
  await session.request('logging/setLevel', { level: 'debug' });
  await using stream = await openStream(nodes, { headers: session.headers });
  await upstream.addTool('fresh');
  await waitFor(
    () => stream.messages.some(({ method }) => method === 'notifications/tools/list_changed'),
    'the notice to arrive',
  );
  for (const index of [0, 1, 2]) await nodes.replace(index);
  const { reply } = await session.request('tools/list');
  expect(JSON.stringify(reply.result)).toContain('c1-fresh');
});

test('a session that was ended on one node is gone on all', async () => {
  await using scene = await startThree();
  const { nodes } = scene;
  const { headers } = await openSession(nodes);
  const ended = await fetch(`${nodes.address}/mcp`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${nodes.apiKey}`, ...headers },
  });
  expect(ended.status).toBeLessThan(300);
  for (const node of nodes.all) {
    const { status } = await postMcp(node, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, { headers });
    expect(status).toBe(404);
  }
});

test('changes of one server on several nodes at once lose no field', async () => {
  await using scene = await startThree();
  const { nodes, id } = scene;
  const [first, second, third] = nodes.all;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three nodes');
  for (let round = 1; round <= 10; round += 1) {
    const answers = await Promise.all([
      first.update(id, { tool_execution_timeout: round }),
      second.update(id, { tool_pricing: { echo: round } }),
      third.update(id, { allowed_extra_headers: [`x-${round}`] }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { config } = await nodes.getClient(id);
    expect(config).toMatchObject({
      tool_execution_timeout: round * 1e9,
      tool_pricing: { echo: round },
      allowed_extra_headers: [`x-${round}`],
    });
  }
});

test('whoever listens to the live feed of one node hears of the calls of all, and whoever reads its logs reads them', async () => {
  await using scene = await startThree();
  const { nodes } = scene;
  const [first] = nodes.all;
  if (first === undefined) throw new Error('three nodes');
  const headers = { authorization: `Bearer ${first.apiKey}` };
  const socket = new WebSocket(`${first.address.replace('http', 'ws')}/ws`, { headers });
  const heard: string[] = [];
  socket.on('message', (data: Buffer) => {
    const { type, operation } = JSON.parse(data.toString()) as { type: string; operation?: string };
    if (type === 'mcp_log') heard.push(String(operation));
  });
  await once(socket, 'open');
  for (const [index, node] of nodes.all.entries()) {
    expect((await node.execute('c1-echo', { text: 'x' })).status).toBe(200);
    for (const reader of nodes.all) expect((await readLogs(reader)).pagination.total_count).toBe(index + 1);
  }
  const all = ['create', 'create', 'create', 'update', 'update', 'update'];
  await waitFor(() => heard.length >= all.length, 'all calls to be heard of');
  expect(heard.toSorted()).toEqual(all);
  await nodes.replace(1);
  await waitFor(async () => {
    await nodes.all[1]?.execute('c1-echo', { text: 'x' });
    return heard.length > all.length;
  }, 'a call of the new node to be heard of');
  socket.terminate();
});

test('what code keeps on one node is there on all, until any of them removes it', async () => {
  await using scene = await startThree();
  const { nodes, id } = scene;
  await nodes.update(id, { is_code_mode_client: true });
  const [first, second, third] = nodes.all;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three nodes');
  const count = 'artifacts.n = (artifacts.n ?? 0) + 1; return artifacts.n';
  const { text } = await runCode(first, count);
  const session = /"session": "([\w-]{16})"/.exec(text)?.[1] ?? '';
  expect(await valueOf(second, count, { session })).toBe(2);
  expect(await valueOf(third, 'delete artifacts.n; return 1', { session })).toBe(1);
  await expect(runCode(first, count, { session })).rejects.toThrow('unknown or forgotten');
});
