import { expect, test } from 'vitest';
import { startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { expectDone, startScene } from '../kit/scene.ts';
import { openSession, openStream, postMcp, type McpEndpoint } from '../kit/wire.ts';
import { waitFor } from '../kit/wait.ts';

async function otherCaller(gateway: GatewayAccess): Promise<McpEndpoint> {
  const { body } = await gateway.api('POST', '/api/api-keys', { name: 'other', scopes: ['mcp'] });
  return { address: gateway.address, apiKey: String(body['key']) };
}

test('a session belongs to the caller who opened it; to others it does not exist', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  const session = await openSession(gateway);
  expect(session.id.length).toBeGreaterThanOrEqual(16);
  const other = await otherCaller(gateway);
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  expect((await postMcp(other, list, { headers: session.headers })).status).toBe(404);
  await using stream = await openStream(other, { headers: session.headers });
  expect(stream.status).toBe(404);
  const ended = await fetch(`${gateway.address}/mcp`, {
    method: 'DELETE',
    headers: { ...session.headers, authorization: `Bearer ${other.apiKey}` },
  });
  expect(ended.status).toBe(404);
  expect((await session.request('tools/list')).status).toBe(200);
});

test('DELETE ends a session and the streams it has', async () => {
  await using gateway = await startGateway();
  const session = await openSession(gateway);
  await using stream = await openStream(gateway, { headers: session.headers });
  expect(stream.status).toBe(200);
  const headers = { ...session.headers, authorization: `Bearer ${gateway.apiKey}` };
  const ended = await fetch(`${gateway.address}/mcp`, { method: 'DELETE', headers });
  expect([200, 202, 204]).toContain(ended.status);
  await waitFor(() => stream.ended, 'the stream to end');
  expect((await session.request('tools/list')).status).toBe(404);
  expect((await fetch(`${gateway.address}/mcp`, { method: 'DELETE', headers })).status).toBe(404);
});

test('a session that ended does not come back under another spelling of its id', async () => {
  await using gateway = await startGateway();
  const session = await openSession(gateway);
  const spell = (id: string) => ({ ...session.headers, 'mcp-session-id': id });
  const ended = await fetch(`${gateway.address}/mcp`, {
    method: 'DELETE',
    headers: { ...session.headers, authorization: `Bearer ${gateway.apiKey}` },
  });
  expect(ended.status).toBe(204);
  for (const id of [session.id, `${session.id}=`, `${session.id}.`, `.${session.id}`]) {
    const answer = await postMcp(gateway, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, { headers: spell(id) });
    expect(answer.status, id).toBe(404);
  }
});

test('an unknown session is 404', async () => {
  await using gateway = await startGateway();
  const session = await openSession(gateway);
  const headers = { ...session.headers, 'mcp-session-id': 'nobody-knows-this-one' };
  expect((await postMcp(gateway, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, { headers })).status).toBe(404);
});

test('a GET without a session is answered at once instead of hanging', async () => {
  await using gateway = await startGateway();
  await using stream = await openStream(gateway, { headers: {} });
  expect([400, 404, 405]).toContain(stream.status);
});

test('changes of the list reach an open stream: of the upstream, and of the configuration', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  const session = await openSession(gateway);
  await using stream = await openStream(gateway, { headers: session.headers });
  const notices = (): number =>
    stream.messages.filter(({ method }) => method === 'notifications/tools/list_changed').length;
  const changes: (() => Promise<unknown>)[] = [
    () => upstream.addTool('later'),
    () => scene.update({ name: 'x2' }),
    () => scene.update({ disabled: true }),
    () => scene.update({ disabled: false }),
    () => scene.update({ tools_to_execute: ['echo'] }),
  ];
  for (const [index, change] of changes.entries()) {
    const before = notices();
    await change();
    await waitFor(() => notices() > before, `a notice of change ${index}`);
  }
  expect((await session.request('tools/list')).reply.result?.['tools']).toMatchObject([{ name: 'x2-echo' }]);
});

test('a change that the caller cannot see makes no noise', async () => {
  await using scene = await startScene();
  const session = await openSession(scene.gateway);
  await using stream = await openStream(scene.gateway, { headers: session.headers });
  expectDone(await scene.update({ tool_pricing: { echo: 1 }, tool_execution_timeout: 5 }), 'edited');
  // A change that is heard proves that the stream is open and the silent one was passed by.
  expectDone(await scene.update({ tools_to_execute: ['echo'] }), 'edited');
  await waitFor(() => stream.messages.length > 0, 'the notice');
  expect(stream.messages.filter(({ method }) => method === 'notifications/tools/list_changed')).toHaveLength(1);
});

test('a session lives through an update of the server that it uses', async () => {
  await using scene = await startScene();
  const session = await openSession(scene.gateway);
  const call = (name: string): ReturnType<typeof session.request> =>
    session.request('tools/call', { name, arguments: { text: 'x' } });
  expect((await call('c1-echo')).reply.result).toBeDefined();
  expectDone(await scene.update({ name: 'x2', headers: { 'X-A': 'b' } }), 'edited');
  expect((await call('x2-echo')).reply.result).toBeDefined();
  expect((await call('c1-echo')).reply.error?.code).toBe(-32_602);
});

test('a cancellation stops the call of this session, and only that one', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  const session = await openSession(gateway);
  const call = (id: number, ms: number): ReturnType<typeof postMcp> => {
    const params = { name: 'c1-slow', arguments: { ms } };
    return postMcp(gateway, { jsonrpc: '2.0', id, method: 'tools/call', params }, { headers: session.headers });
  };
  const cancelled = call(7, 60_000).catch(() => undefined);
  const kept = call(8, 300);
  await waitFor(() => upstream.countCalls() === 2, 'both calls to arrive');
  await session.notify('notifications/cancelled', { requestId: 7, reason: 'enough' });
  await waitFor(() => upstream.host.cancelled.length === 1, 'the cancellation to arrive');
  expect(upstream.host.cancelled[0]?.arguments).toEqual({ ms: 60_000 });
  expect((await kept).reply.result).toBeDefined();
  await cancelled;
});
