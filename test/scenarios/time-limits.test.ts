import { expect, test } from 'vitest';
import { messageIn } from '../kit/gateway.ts';
import { expectDone, listedTools, startScene } from '../kit/scene.ts';
import { fastTiming } from '../kit/timing.ts';
import { openSession, postModern } from '../kit/wire.ts';
import { waitFor, waitForAll } from '../kit/wait.ts';

test('durations go in as minutes and seconds and are shown in nanoseconds', async () => {
  await using scene = await startScene();
  expectDone(await scene.update({ tool_sync_interval: 10, tool_execution_timeout: 45 }), 'edited');
  expect((await scene.gateway.getClient(scene.id)).config).toMatchObject({
    tool_sync_interval: 600_000_000_000,
    tool_execution_timeout: 45_000_000_000,
  });
  expectDone(await scene.update({ tool_sync_interval: 0, tool_execution_timeout: 0 }), 'edited');
  expect((await scene.gateway.getClient(scene.id)).config).toMatchObject({
    tool_sync_interval: 0,
    tool_execution_timeout: 0,
  });
});

test('a tool that the upstream adds without a notice appears within the sync interval', async () => {
  await using scene = await startScene({ gateway: { timing: fastTiming }, client: { tool_sync_interval: -1 } });
  const { gateway, upstream, id } = scene;
  expectDone(await scene.update({ tool_sync_interval: 1 }), 'edited');
  upstream.host.servers.clear(); // Nobody is told of the new tool.
  await upstream.addTool('later');
  await waitForAll(async () => (await listedTools(gateway)).includes('c1-later'), 'the new tool to be listed');
  expect((await gateway.getClient(id)).tools.map(({ name }) => name)).toContain('later');
  expect((await gateway.execute('c1-later')).status).toBe(200);
});

test('a negative sync interval switches the listing off', async () => {
  await using scene = await startScene({ gateway: { timing: fastTiming }, client: { tool_sync_interval: -1 } });
  const { upstream } = scene;
  const lists = upstream.host.lists;
  // The health probes go on, so enough of them is proof that enough time went by.
  const pings = upstream.host.pings;
  await waitFor(() => upstream.host.pings >= pings + 10, 'ten health probes');
  expect(upstream.host.lists).toBe(lists);
});

test('a notice of the upstream refreshes the list without any interval', async () => {
  await using scene = await startScene({ client: { tool_sync_interval: -1 } });
  await scene.upstream.addTool('later');
  await waitFor(async () => (await listedTools(scene.gateway)).includes('c1-later'), 'the new tool to be listed');
  await scene.upstream.removeTool('later');
  await waitFor(async () => !(await listedTools(scene.gateway)).includes('c1-later'), 'the tool to go');
});

test('a call that takes longer than the limit is cut off, and the upstream is told', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  expectDone(await scene.update({ tool_execution_timeout: 1 }), 'edited');
  const answer = await gateway.execute('c1-slow', { ms: 60_000 });
  expect(answer.status).toBe(400);
  expect(messageIn(answer)).toContain('timed out after 1s');
  await waitFor(() => upstream.host.cancelled.length === 1, 'the cancellation to arrive');
  const { reply } = await postModern(gateway, 'tools/call', { name: 'c1-slow', arguments: { ms: 60_000 } });
  expect(JSON.stringify(reply)).toContain('timed out after 1s');
  expect((await gateway.execute('c1-echo', { text: 'x' })).status).toBe(200);
});

test('a client without a limit of its own obeys the global one', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  const settings = { client_config: { mcp_tool_execution_timeout: 1 } };
  expect((await gateway.api('PUT', '/api/config', settings)).status).toBe(200);
  expect(messageIn(await gateway.execute('c1-slow', { ms: 60_000 }))).toContain('timed out after 1s');
});

test('the limit holds also while a session for the caller alone is being opened', async () => {
  await using scene = await startScene({ client: { tool_execution_timeout: 1 } });
  const { gateway, upstream } = scene;
  const session = await openSession(gateway, {}, { elicitation: {} });
  upstream.delayMs = 60_000;
  const { reply } = await session.request('tools/call', { name: 'c1-echo', arguments: { text: 'x' } });
  expect(JSON.stringify(reply)).toContain('timed out after 1s');
  upstream.delayMs = 0;
  const again = await session.request('tools/call', { name: 'c1-echo', arguments: { text: 'x' } });
  expect(again.reply.result).toBeDefined();
});
