import { describe, expect, test } from 'vitest';
import { isConnected, startGatewaysOnHost, type GatewaysOnHost } from '../kit/gateways-on-host.ts';
import type { TestGateway } from '../kit/gateway.ts';
import { listenLegacy } from '../kit/listeners.ts';
import { isAlive } from '../kit/processes.ts';
import { callText, expectDone, expectRefused } from '../kit/scene.ts';
import { waitFor } from '../kit/wait.ts';
import { postModern } from '../kit/wire.ts';

const timing = { backOff: () => 20 };

/** Two gateways that are connected to "c1". */
async function startPair(script: string, ...args: string[]) {
  const scene = await startGatewaysOnHost(2, { timing });
  const id = await scene.register(script, ...args);
  const [first, second] = scene.all as [TestGateway, TestGateway];
  const [pid] = (await scene.processes()) as [number];
  return { ...scene, id, first, second, pid };
}

const isOne = async ({ processes }: Pick<GatewaysOnHost, 'processes'>) => (await processes()).length === 1;

/** Every gateway says what it is asked to, by the same single process. */
async function expectOne(scene: GatewaysOnHost, texts = scene.all.map((_, index) => `text ${index}`)): Promise<number> {
  for (const [index, gateway] of scene.all.entries())
    expect(await callText(gateway, 'c1-echo', { text: texts[index] })).toBe(texts[index]);
  const [pid, ...others] = await scene.processes();
  expect(others).toEqual([]);
  return pid as number;
}

describe.for(['legacy', 'modern'])('a %s server of two gateways', (era) => {
  test('runs once: answers, progress and cancellations find their gateway, and news all of them', async () => {
    await using scene = await startPair('lively-stdio.mjs', era);
    const { first, second, processes } = scene;
    expect(await processes()).toHaveLength(1);
    const report = async () =>
      JSON.parse(await callText(second, 'c1-report')) as { running: number; cancelled: number };
    const steps = async (gateway: TestGateway, count: number) => {
      const params = { name: 'c1-steps', arguments: { count }, _meta: { progressToken: 'same' } };
      const { messages, reply } = await postModern(gateway, 'tools/call', params);
      expect(reply.result).toMatchObject({ content: [{ text: `${count} steps` }] });
      return messages
        .filter(({ method }) => method === 'notifications/progress')
        .map(({ params }) => params?.['total']);
    };
    const counts = Array.from({ length: 20 }, (_, n) => n + 1);
    const told = await Promise.all(counts.map((count) => steps(count % 2 === 0 ? first : second, count)));
    expect(told).toEqual(counts.map((count) => Array.from({ length: count }, () => count)));

    const callers = [first, second, first].map((gateway) => {
      const caller = new AbortController();
      postModern(gateway, 'tools/call', { name: 'c1-hold' }, { signal: caller.signal }).catch(() => {});
      return caller;
    });
    await waitFor(async () => (await report()).running === 3, 'all to run');
    callers[1]?.abort();
    await waitFor(async () => (await report()).cancelled === 1, 'one to be cancelled');
    expect(await report()).toEqual({ running: 2, cancelled: 1 });
    for (const caller of callers) caller.abort();
    await waitFor(async () => (await report()).cancelled === 3, 'all to be cancelled');

    await callText(scene.first, 'c1-change');
    for (const gateway of scene.all)
      await waitFor(
        async () => (await gateway.getClient(scene.id)).tools.some(({ name }) => name === 'changed'),
        'the new tool',
      );
  });
});

test('a gateway that ends takes nothing along, one that comes joins, and the last one ends the process', async () => {
  await using scene = await startPair('stdio-server.mjs');
  const { first, second, pid } = scene;
  const call = second.execute('c1-slow', { ms: 300 });
  await first.close();
  expect((await call).status).toBe(200);
  const third = await scene.start();
  await isConnected(third, scene.id);
  await second.close();
  expect(await callText(third, 'c1-echo', { text: 'on' })).toBe('on');
  expect(await scene.processes()).toEqual([pid]);
  await third.close();
  expect(isAlive(pid)).toBe(false);
});

test('gateways that start together start the process once', async () => {
  await using scene = await startPair('stdio-server.mjs');
  await Promise.all([scene.first.close(), scene.second.close()]);
  expect(await scene.processes()).toEqual([]);
  const all = await Promise.all([scene.start(), scene.start(), scene.start()]);
  await Promise.all(all.map((gateway) => isConnected(gateway, scene.id)));
  await expectOne({ ...scene, all });
});

test('a process that is killed is started again, once for both', async () => {
  await using scene = await startPair('stdio-server.mjs');
  process.kill(scene.pid, 'SIGKILL');
  for (const gateway of scene.all)
    await waitFor(async () => (await gateway.execute('c1-echo', { text: 'x' })).status === 200, 'a new process');
  expect(await expectOne(scene)).not.toBe(scene.pid);
});

/** Calls through every gateway all the time. Gives what came of all calls when it is stopped. */
function startLoad({ all }: Pick<GatewaysOnHost, 'all'>): () => Promise<number[]> {
  const over = new AbortController();
  const statuses: number[] = [];
  const callers = [...all, ...all, ...all].map(async (gateway) => {
    while (!over.signal.aborted) statuses.push((await gateway.execute('c1-slow', { ms: 5 })).status);
  });
  return async () => {
    over.abort();
    await Promise.all(callers);
    return statuses;
  };
}

test('a reconnect is one new process for both, and no call fails', async () => {
  await using scene = await startPair('stdio-server.mjs');
  const stop = startLoad(scene);
  const { first, second } = scene;
  let before = scene.pid;
  for (const asked of [[first], [second], [first, second]]) {
    const answers = asked.map((gateway) => gateway.api('POST', `/api/mcp/client/${scene.id}/reconnect`));
    for (const answer of await Promise.all(answers)) expectDone(answer, 'reconnected');
    await waitFor(() => !isAlive(before), 'the process before to end');
    await waitFor(() => isOne(scene), 'one process to be left');
    [before] = (await scene.processes()) as [number];
  }
  const statuses = await stop();
  expect(statuses.length).toBeGreaterThan(100);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
});

test('a process that hangs is replaced for both', async () => {
  const timing = { backOff: () => 20, healthIntervalMs: 50, probeTimeoutMs: 300, failuresToDisconnect: 2 };
  await using scene = await startGatewaysOnHost(2, { timing });
  const id = await scene.register('stdio-server.mjs');
  const [pid] = (await scene.processes()) as [number];
  process.kill(pid, 'SIGSTOP');
  await waitFor(async () => (await scene.processes()).length === 2, 'a new process');
  process.kill(pid, 'SIGCONT');
  // Both have left it when it ends.
  await waitFor(() => !isAlive(pid), 'the process that hung to end');
  await Promise.all(scene.all.map((gateway) => isConnected(gateway, id)));
  await waitFor(() => isOne(scene), 'one process to be left');
  expect(await expectOne(scene)).not.toBe(pid);
});

test('changes move both to one new process, and a change that is refused changes nothing', async () => {
  await using scene = await startPair('stdio-server.mjs');
  const { first, second, id, pid } = scene;
  await expectRefused(second, 422, () =>
    second.update(id, { stdio_config: { command: process.execPath, args: ['-e', '0'] } }),
  );
  expect(await expectOne(scene)).toBe(pid);
  const { stdio_config } = (await first.getClient(id)).config;
  expectDone(await second.update(id, { stdio_config: { ...stdio_config, envs: ['CHANGED=1'] } }), 'edited');
  await waitFor(() => !isAlive(pid), 'the process before to end');
  const changed = await expectOne(scene);
  expectDone(await first.update(id, { protocol_era: 'legacy' }), 'edited');
  await waitFor(() => !isAlive(changed), 'the process before to end');
  const pinned = await expectOne(scene);
  expectDone(await second.update(id, { disabled: true }), 'edited');
  await waitFor(() => !isAlive(pinned), 'the process to end');
  expectDone(await second.update(id, { disabled: false }), 'edited');
  await Promise.all(scene.all.map((gateway) => isConnected(gateway, id)));
  await expectOne(scene);
  expectDone(await first.api('DELETE', `/api/mcp/client/${id}`), 'removed');
  await waitFor(async () => (await scene.processes()).length === 0, 'the process to end');
});

test('a resource that clients of both subscribed to is subscribed to once, and all of them hear', async () => {
  await using scene = await startPair('counting-stdio.mjs');
  const uri = 'count://a';
  const seen = async () => JSON.parse(await callText(scene.first, 'c1-seen')) as Record<string, number>;
  await using one = await listenLegacy(scene.first);
  await using two = await listenLegacy(scene.second);
  for (const { session } of [one, two]) await session.request('resources/subscribe', { uri });
  await callText(scene.first, 'c1-touch', { uri });
  for (const { heard } of [one, two])
    await waitFor(() => heard('notifications/resources/updated').length === 1, 'the change to be heard');
  expect(await seen()).toMatchObject({ initialize: 1, 'notifications/initialized': 1, 'resources/subscribe': 1 });
  await one.session.request('resources/unsubscribe', { uri });
  expect(await seen()).not.toHaveProperty('resources/unsubscribe');
  await scene.second.close();
  await waitFor(async () => (await seen())['resources/unsubscribe'] === 1, 'the server to be left');
});
