import { expect, test } from 'vitest';
import { httpClient, messageIn, startGateway } from '../kit/gateway.ts';
import { callText, expectDone, listedTools, startScene } from '../kit/scene.ts';
import { startUpstream } from '../kit/upstream.ts';
import { openSession, postModern } from '../kit/wire.ts';
import { waitFor } from '../kit/wait.ts';

test('a disabled client hides its tools at once, refuses calls and closes its connection; enabling brings all back', async () => {
  await using scene = await startScene();
  const { gateway, upstream, id } = scene;
  const before = await gateway.getClient(id);
  const tools = await listedTools(gateway);
  const session = await openSession(gateway);

  expectDone(await scene.update({ disabled: true }), 'edited');
  const disabled = await gateway.getClient(id);
  expect(disabled).toMatchObject({ state: 'disabled', config: { ...before.config, disabled: true } });
  expect(await listedTools(gateway)).toEqual([]);
  expect((await session.request('tools/list')).reply.result?.['tools']).toEqual([]);
  const executed = await gateway.execute('c1-echo', { text: 'x' });
  expect(executed.status).toBe(400);
  messageIn(executed);
  expect((await postModern(gateway, 'tools/call', { name: 'c1-echo', arguments: {} })).reply.error).toBeDefined();
  expect(upstream.countCalls()).toBe(0);
  await waitFor(() => upstream.sessionCount === 0, 'the session at the upstream to end');
  for (const action of ['reconnect', 'refresh-tools']) {
    expect((await gateway.api('POST', `/api/mcp/client/${id}/${action}`)).status, action).toBe(400);
  }

  expectDone(await scene.update({ disabled: false }), 'edited');
  expect(await gateway.getClient(id)).toEqual(before);
  expect(await listedTools(gateway)).toEqual(tools);
  expect(await callText(gateway, 'c1-echo', { text: 'back' })).toBe('back');
});

test('settings can be edited while disabled and count after enabling', async () => {
  await using scene = await startScene();
  expectDone(await scene.update({ disabled: true }), 'edited');
  expectDone(await scene.update({ name: 'x2', tools_to_execute: ['echo'] }), 'edited');
  expect(await listedTools(scene.gateway)).toEqual([]);
  expectDone(await scene.update({ disabled: false }), 'edited');
  expect(await listedTools(scene.gateway)).toEqual(['x2-echo']);
});

test('repeating the current value changes nothing and opens no connection', async () => {
  await using scene = await startScene();
  const { gateway, upstream, id } = scene;
  const before = await gateway.getClient(id);
  const count = (): number => upstream.requests.filter(({ rpcMethod }) => rpcMethod === 'initialize').length;
  const opened = count();
  expectDone(await scene.update({ disabled: false }), 'edited');
  expect(await gateway.getClient(id)).toEqual(before);
  expect(count()).toBe(opened);
  expectDone(await scene.update({ disabled: true }), 'edited');
  expectDone(await scene.update({ disabled: true }), 'edited');
  expect((await gateway.getClient(id)).state).toBe('disabled');
});

test('a client created as disabled is stored without being contacted', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway();
  const id = await gateway.createClient(httpClient(upstream.url, { disabled: true }));
  expect(await gateway.getClient(id)).toMatchObject({ state: 'disabled', config: { disabled: true } });
  expect(upstream.requests).toHaveLength(0);
  expectDone(await gateway.update(id, { disabled: false }), 'edited');
  expect((await gateway.getClient(id)).state).toBe('connected');
});

test('a call in flight when its client is disabled still gets its answer', async () => {
  await using scene = await startScene();
  const call = scene.gateway.execute('c1-slow', { ms: 300 });
  await waitFor(() => scene.upstream.countCalls('slow') === 1, 'the call to arrive');
  expectDone(await scene.update({ disabled: true }), 'edited');
  expect((await call).status).toBe(200);
});
