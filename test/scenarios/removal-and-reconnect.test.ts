import { expect, test } from 'vitest';
import { callText, expectDone, expectRefused, listedTools, startScene } from '../kit/scene.ts';
import { NODE_COUNT } from '../kit/node-count.ts';
import { waitFor } from '../kit/wait.ts';

test('a deleted client is gone at once, with its tools and its session', async () => {
  await using scene = await startScene();
  const { gateway, upstream, id } = scene;
  expectDone(await gateway.api('DELETE', `/api/mcp/client/${id}`), 'removed');
  expect(await gateway.listClients()).toEqual([]);
  expect(await listedTools(gateway)).toEqual([]);
  expect((await gateway.execute('c1-echo', { text: 'x' })).status).toBe(400);
  await waitFor(() => upstream.sessionCount === 0, 'the session at the upstream to end');
  for (const [method, path] of [
    ['DELETE', ''],
    ['PUT', ''],
    ['POST', '/reconnect'],
    ['POST', '/refresh-tools'],
  ] as const) {
    await expectRefused(gateway, 404, () => gateway.api(method, `/api/mcp/client/${id}${path}`, {}));
  }
});

test('a deleted name is free again', async () => {
  await using scene = await startScene();
  const { gateway, upstream, id } = scene;
  expectDone(await gateway.api('DELETE', `/api/mcp/client/${id}`), 'removed');
  const client = { name: 'c1', connection_type: 'http', connection_string: upstream.url, tools_to_execute: ['echo'] };
  expect(await gateway.createClient(client)).not.toBe(id);
  expect(await callText(gateway, 'c1-echo', { text: 'again' })).toBe('again');
});

test('an update that races a delete is either applied or 404, never half a client', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
  const [update, removal] = await Promise.all([
    scene.update({ name: 'late' }),
    gateway.api('DELETE', `/api/mcp/client/${id}`),
  ]);
  expect([200, 404]).toContain(update.status);
  expect(removal.status).toBe(200);
  expect(await gateway.listClients()).toEqual([]);
  expect(await listedTools(gateway)).toEqual([]);
});

test('a reconnect opens a new session, lists the tools again and lets the old session go', async () => {
  await using scene = await startScene({ client: { tool_sync_interval: -1 } });
  const { gateway, upstream, id } = scene;
  upstream.host.servers.clear(); // Nobody is told of the new tool.
  await upstream.addTool('later');
  expectDone(await gateway.api('POST', `/api/mcp/client/${id}/reconnect`), 'reconnected');
  expect(upstream.requests.filter(({ rpcMethod }) => rpcMethod === 'initialize')).toHaveLength(2 * NODE_COUNT);
  for (let node = 0; node < NODE_COUNT; node += 1) expect(await listedTools(gateway)).toContain('c1-later');
  await waitFor(() => upstream.sessionCount === NODE_COUNT, 'the old session to end');
});

test('a reconnect that fails leaves the old connection serving', async () => {
  await using scene = await startScene();
  const { gateway, upstream, id } = scene;
  const call = callText(gateway, 'c1-slow', { ms: 300 });
  await waitFor(() => upstream.countCalls('slow') === 1, 'the call to arrive');
  upstream.requiredHeader = ['X-Key', 'nobody has it'];
  const { status } = await gateway.api('POST', `/api/mcp/client/${id}/reconnect`);
  expect(status).toBeGreaterThanOrEqual(400);
  upstream.requiredHeader = undefined;
  expect(await call).toBe('done');
  expect(await callText(gateway, 'c1-echo', { text: 'still here' })).toBe('still here');
});

test('of two reconnects at once none breaks the client', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
  const reconnect = (): ReturnType<typeof gateway.api> => gateway.api('POST', `/api/mcp/client/${id}/reconnect`);
  const statuses = (await Promise.all([reconnect(), reconnect(), reconnect()])).map(({ status }) => status);
  expect(statuses).toContain(200);
  for (const status of statuses) expect([200, 409]).toContain(status);
  expect((await gateway.getClient(id)).state).toBe('connected');
  expect(await callText(gateway, 'c1-echo', { text: 'fine' })).toBe('fine');
});

test('refresh-tools lists again over the open connection', async () => {
  await using scene = await startScene({ client: { tool_sync_interval: -1 } });
  const { gateway, upstream, id } = scene;
  upstream.host.servers.clear(); // Nobody is told of the new tool.
  await upstream.addTool('later');
  const answer = await gateway.api('POST', `/api/mcp/client/${id}/refresh-tools`);
  expect(answer.body).toMatchObject({ status: 'success', tool_count: 8 });
  for (let node = 0; node < NODE_COUNT; node += 1) expect(await listedTools(gateway)).toContain('c1-later');
  expect(upstream.requests.filter(({ rpcMethod }) => rpcMethod === 'initialize')).toHaveLength(NODE_COUNT);
});
