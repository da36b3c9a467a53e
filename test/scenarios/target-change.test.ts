import { expect, test } from 'vitest';
import { startServerWithDoor } from '../kit/door.ts';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { callText, expectDone, expectRefused, listedTools, seenHeaders, startScene } from '../kit/scene.ts';
import { stdioServer } from '../kit/stdio.ts';
import { startSseUpstream, startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { openSession } from '../kit/wire.ts';

test('a new connection string takes effect at once and the old server is let go', async () => {
  await using scene = await startScene();
  await using other = await startUpstream();
  await other.addTool('only_here');
  expectDone(await scene.update({ connection_string: other.url }), 'edited');
  expect(await callText(scene.gateway, 'c1-echo', { text: 'there' })).toBe('there');
  expect(other.countCalls()).toBe(1);
  expect(scene.upstream.countCalls()).toBe(0);
  expect(await listedTools(scene.gateway)).toContain('c1-only_here');
  await waitFor(() => scene.upstream.sessionCount === 0, 'the old session to be ended');
});

test('a connection string that does not answer is refused and the old one goes on serving', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  const gone = await startUpstream();
  await gone.stop();
  const update = { name: 'y', connection_string: gone.url };
  await expectRefused(gateway, 422, () => scene.update(update));
  expect(await callText(gateway, 'c1-echo', { text: 'still here' })).toBe('still here');
  expect(upstream.countCalls()).toBe(1);
});

test.for(['not a url', 'ftp://127.0.0.1/', 'http://', ''])('the connection string "%s" is refused', async (url) => {
  await using scene = await startScene();
  await expectRefused(scene.gateway, 400, () => scene.update({ connection_string: url }));
});

test('a connection type that the server does not speak is refused', async () => {
  await using scene = await startScene();
  await expectRefused(scene.gateway, 422, () => scene.update({ connection_type: 'sse' }));
  expect(await callText(scene.gateway, 'c1-echo', { text: 'still here' })).toBe('still here');
});

test('the connection type changes together with its target', async () => {
  await using scene = await startScene();
  await using sse = await startSseUpstream();
  const { gateway, id } = scene;
  expectDone(await scene.update({ connection_type: 'sse', connection_string: sse.url }), 'edited');
  expect((await gateway.getClient(id)).config.connection_type).toBe('sse');
  expect(await callText(gateway, 'c1-echo', { text: 'over sse' })).toBe('over sse');
  expect(sse.countCalls()).toBe(1);

  expectDone(await scene.update({ connection_type: 'stdio', stdio_config: stdioServer() }), 'edited');
  expect(await callText(gateway, 'c1-echo', { text: 'over stdio' })).toBe('over stdio');
  expect(sse.countCalls()).toBe(1);
});

test('a connection type without its target is refused', async () => {
  await using scene = await startScene();
  await expectRefused(scene.gateway, 400, () => scene.update({ connection_type: 'stdio' }));
});

test('the same target again opens no new connection', async () => {
  await using scene = await startScene();
  const { gateway, upstream, id } = scene;
  const opened = upstream.requests.filter(({ rpcMethod }) => rpcMethod === 'initialize').length;
  const { config } = await gateway.getClient(id);
  const { connection_string, connection_type, auth_type } = config;
  expectDone(await scene.update({ connection_string, connection_type, auth_type }), 'edited');
  expectDone(await scene.update({ connection_string: upstream.url, headers: config.headers }), 'edited');
  expect(upstream.requests.filter(({ rpcMethod }) => rpcMethod === 'initialize')).toHaveLength(opened);
});

test('headers that the upstream refuses are a 422, nothing is stored, the old connection serves on', async () => {
  const upstream = { requiredHeader: ['X-Key', 'right-key'] } as const;
  await using scene = await startScene({ upstream, client: { headers: { 'X-Key': 'right-key' } } });
  const { gateway } = scene;
  await expectRefused(gateway, 422, () => scene.update({ name: 'y', headers: { 'X-Key': 'wrong-key' } }));
  await expectRefused(gateway, 422, () => scene.update({ headers: {} }));
  expect(await seenHeaders(gateway)).toMatchObject({ 'x-key': 'right-key' });
});

test('new headers are sent from the next call on', async () => {
  await using scene = await startScene({ client: { headers: { 'X-Key': 'one' } } });
  const { gateway } = scene;
  expect(await seenHeaders(gateway)).toMatchObject({ 'x-key': 'one' });
  expectDone(await scene.update({ headers: { 'X-Key': 'two' } }), 'edited');
  expect(await seenHeaders(gateway)).toMatchObject({ 'x-key': 'two' });
});

test('auth_type none sends no headers although they stay stored', async () => {
  await using scene = await startScene({ client: { headers: { 'X-Key': 'one' } } });
  expectDone(await scene.update({ auth_type: 'none' }), 'edited');
  expect(await seenHeaders(scene.gateway)).not.toHaveProperty('x-key');
  expectDone(await scene.update({ auth_type: 'headers' }), 'edited');
  expect(await seenHeaders(scene.gateway)).toMatchObject({ 'x-key': 'one' });
});

test('a call that runs on the old target when the target changes still gets its answer', async () => {
  await using scene = await startScene();
  await using other = await startUpstream();
  const { gateway, upstream } = scene;
  const call = callText(gateway, 'c1-slow', { ms: 400 });
  await waitFor(() => upstream.countCalls('slow') === 1, 'the call to arrive');
  expectDone(await scene.update({ connection_string: other.url }), 'edited');
  expect(await callText(gateway, 'c1-echo', { text: 'new' })).toBe('new');
  expect(other.countCalls('echo')).toBe(1);
  expect(await call).toBe('done');
});

test('what the old server says last of its tools is not taken for those of the new one', async () => {
  await using former = await startServerWithDoor('tools/list');
  await using moved = await startUpstream();
  await moved.addTool('only_here');
  await using gateway = await startGateway({ timing: { healthIntervalMs: 300 } });
  const id = await gateway.createClient(httpClient(former.url, { is_ping_available: false }));
  former.shut();
  await waitFor(former.isAwaited, 'the health check to list the tools');
  expectDone(await gateway.update(id, { connection_string: moved.url }), 'edited');
  former.open();
  await waitFor(() => former.sessionCount === 0, 'the old session to be ended');
  expect(await listedTools(gateway)).toContain('c1-only_here');
});

test('what the old server offers to clients that it can ask is not taken for what the new one does', async () => {
  await using former = await startServerWithDoor('initialize');
  await using moved = await startUpstream();
  await moved.addTool('only_here');
  await using gateway = await startGateway();
  const id = await gateway.createClient(httpClient(former.url));
  const session = await openSession(gateway, {}, { elicitation: {} });
  former.shut();
  const first = session.request('tools/list');
  await waitFor(former.isAwaited, 'the server to be asked in the name of such a client');
  expectDone(await gateway.update(id, { connection_string: moved.url }), 'edited');
  const second = session.request('tools/list');
  former.open();
  await first;
  expect(JSON.stringify((await second).reply.result)).toContain('c1-only_here');
  await waitFor(() => former.sessionCount === 0, 'the old sessions to be ended');
  expect(JSON.stringify((await session.request('tools/list')).reply.result)).toContain('c1-only_here');
});
