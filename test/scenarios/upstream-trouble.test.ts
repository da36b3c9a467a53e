import { expect, test } from 'vitest';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { NODE_COUNT } from '../kit/node-count.ts';
import { callText, expectDone, listedTools, startScene } from '../kit/scene.ts';
import { startUpstream } from '../kit/upstream.ts';
import { openSession, postModern } from '../kit/wire.ts';
import { waitFor } from '../kit/wait.ts';

test('an upstream that forgot its session gets a new one, and the caller notices nothing', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  for (let round = 1; round <= 3; round += 1) {
    upstream.forgetSessions();
    expect(await callText(gateway, 'c1-echo', { text: `round ${round}` })).toBe(`round ${round}`);
    expect(upstream.countCalls()).toBe(round);
  }
});

test('many calls at the moment of forgetting open one new session and all succeed once', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  const count = (): number => upstream.requests.filter(({ rpcMethod }) => rpcMethod === 'initialize').length;
  const before = count();
  upstream.forgetSessions();
  const calls = Array.from({ length: 50 }, (_, index) => callText(gateway, 'c1-echo', { text: `${index}` }));
  expect(await Promise.all(calls)).toEqual(Array.from({ length: 50 }, (_, index) => `${index}`));
  expect(upstream.countCalls()).toBe(50);
  expect(count() - before).toBeLessThanOrEqual(2 * NODE_COUNT);
});

test('a restarted upstream is used again without anyone asking for it', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  await upstream.restart();
  await waitFor(async () => (await gateway.execute('c1-echo', { text: 'x' })).status === 200, 'calls to work', 15_000);
  await upstream.addTool('after_restart');
  await waitFor(
    async () => (await listedTools(gateway)).includes('c1-after_restart'),
    'notices to arrive again',
    15_000,
  );
});

test('one dead and one slow upstream change nothing for the others', async () => {
  await using healthy = await startUpstream();
  await using slow = await startUpstream();
  await using dead = await startUpstream();
  await using gateway = await startGateway();
  await gateway.createClient(httpClient(healthy.url, { name: 'healthy' }));
  await gateway.createClient(httpClient(slow.url, { name: 'slow' }));
  await gateway.createClient(httpClient(dead.url, { name: 'dead' }));
  const tools = await listedTools(gateway);
  expect(tools).toHaveLength(21);
  await dead.stop();
  slow.delayMs = 60_000;
  const stuck = postModern(gateway, 'tools/call', { name: 'slow-echo', arguments: { text: 'x' } }).catch(
    () => undefined,
  );
  await waitFor(() => slow.requests.some(({ rpcMethod }) => rpcMethod === 'tools/call'), 'the slow call to arrive');
  // The slow upstream answers only after a minute; all of this is over long before, or the test times out.
  expect(await listedTools(gateway)).toEqual(tools);
  for (let round = 0; round < 20; round += 1) {
    expect(await callText(gateway, 'healthy-echo', { text: 'x' })).toBe('x');
    expect((await gateway.execute('dead-echo', { text: 'x' })).status).toBe(400);
  }
  const session = await openSession(gateway);
  expect((await session.request('tools/list')).reply.result?.['tools']).toHaveLength(21);
  expect((await gateway.listClients()).map(({ config }) => config.name).toSorted()).toEqual([
    'dead',
    'healthy',
    'slow',
  ]);
  await slow.stop();
  await stuck;
});

test('a management change of one client does not wait for another that hangs', async () => {
  await using scene = await startScene();
  await using slow = await startUpstream();
  const { gateway } = scene;
  slow.delayMs = 60_000;
  const attempt = gateway.api('POST', '/api/mcp/client', httpClient(slow.url, { name: 'slow' })).catch(() => undefined);
  await waitFor(() => slow.requests.length > 0, 'the connection attempt to arrive');
  expectDone(await scene.update({ name: 'x2' }), 'edited');
  expect(await callText(gateway, 'x2-echo', { text: 'x' })).toBe('x');
  await slow.stop();
  await attempt;
});

test('an upstream that breaks the connection in the middle of a call gives an error, and the call is not repeated', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  const call = gateway.execute('c1-slow', { ms: 60_000 });
  await waitFor(() => upstream.countCalls() === 1, 'the call to arrive');
  await upstream.stop();
  expect((await call).status).toBe(400);
  await upstream.restart();
  expect(upstream.countCalls()).toBe(1);
});
