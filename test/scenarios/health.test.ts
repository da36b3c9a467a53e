import { expect, test } from 'vitest';
import type { McpClientHealth } from '../../src/contract/mcp-client.ts';
import { callText, expectDone, listedTools, startScene } from '../kit/scene.ts';
import { fastTiming } from '../kit/timing.ts';
import { waitFor, waitForAll } from '../kit/wait.ts';

const gateway = { timing: fastTiming };

test('an upstream that refuses ping stays connected when it is probed by listing', async () => {
  const scene = await startScene({ gateway, upstream: { refusesPing: true }, client: { is_ping_available: false } });
  await using _scene = scene;
  const { host } = scene.upstream;
  const lists = host.lists;
  await waitFor(async () => {
    expect((await scene.gateway.getClient(scene.id)).state).toBe('connected');
    return host.lists >= lists + 15;
  }, 'fifteen probes');
  expect(host.pings).toBe(0);
});

test('switching ping off takes effect at the next probe', async () => {
  await using scene = await startScene({ gateway });
  const { host } = scene.upstream;
  await waitFor(() => host.pings > 0, 'a ping');
  expectDone(await scene.update({ is_ping_available: false }), 'edited');
  const lists = host.lists;
  await waitFor(() => host.lists >= lists + 5, 'five listings');
  const pings = host.pings;
  await waitFor(() => host.lists >= lists + 10, 'five more listings');
  expect(host.pings).toBe(pings);
});

test('an upstream that goes away is shown as disconnected, keeps its tools listed, and comes back by itself', async () => {
  await using scene = await startScene({ gateway });
  const { upstream, id } = scene;
  const tools = await listedTools(scene.gateway);
  await upstream.stop();
  const lost = await waitFor(async () => {
    const view = await scene.gateway.getClient(id);
    return view.state === 'disconnected' && view.last_failure !== undefined && view;
  }, 'the outage to be noticed');
  expect(lost.last_failure?.message).not.toBe('');
  expect(await listedTools(scene.gateway)).toEqual(tools);
  expect((await scene.gateway.execute('c1-echo', { text: 'x' })).status).toBe(400);
  await upstream.restart();
  await waitFor(
    async () => (await scene.gateway.getClient(id)).state === 'connected',
    'the connection to come back',
    20_000,
  );
  expect(await callText(scene.gateway, 'c1-echo', { text: 'back' })).toBe('back');
  expect((await scene.gateway.getClient(id)).last_failure).toBeUndefined();
});

test('where a server stood, and why, can be read as long as the process lives', async () => {
  await using scene = await startScene({ gateway });
  const { upstream, id } = scene;
  const read = async () =>
    (await scene.gateway.api('GET', `/api/mcp/client/${id}/health`)).body as unknown as McpClientHealth;
  await upstream.stop();
  await waitForAll(async () => (await read()).state === 'disconnected', 'the outage to be noticed');
  await upstream.restart();
  await waitForAll(async () => (await read()).state === 'connected', 'the connection to come back');
  expectDone(await scene.update({ disabled: true }), 'edited');

  const { client_id, state, kept_since, history } = await read();
  expect([client_id, state]).toEqual([id, 'disabled']);
  expect(history[0]).toEqual({ state: 'disabled', since: expect.any(String) as string });
  const states = history.map((period) => period.state);
  expect(states.slice(0, 3)).toEqual(['disabled', 'connected', 'disconnected']);
  // A node that did not make it itself began before it was connected.
  expect(states[3]).toBe('connected');
  const outage = history[2];
  expect(outage?.failure?.message).not.toBe('');
  expect(outage?.failure?.times).toBeGreaterThan(0);
  expect(outage?.until).toBe(history[1]?.since);
  expect(Date.parse(kept_since)).toBeLessThanOrEqual(Date.parse(history.at(-1)?.since ?? ''));
  expect((await scene.gateway.api('GET', '/api/mcp/client/nobody/health')).status).toBe(404);
});
