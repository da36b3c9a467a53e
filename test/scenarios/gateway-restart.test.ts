import { expect, test } from 'vitest';
import { connectAsked } from '../kit/asked-clients.ts';
import { createLegacyAskingServer } from '../kit/asking-server.ts';
import { otherCaller } from '../kit/by-hand.ts';
import { httpClient, randomApiKey, startGateway, type TestGateway } from '../kit/gateway.ts';
import { serveLegacy } from '../kit/legacy-host.ts';
import { ALL_LISTS, listenLegacy, listenModern } from '../kit/listeners.ts';
import { startLively } from '../kit/lively-scene.ts';
import { temporaryDirectory } from '../kit/temporary-directory.ts';
import { waitFor } from '../kit/wait.ts';
import { openSession, openStream, postMcp } from '../kit/wire.ts';

/** A gateway that can be stopped and started again at the same address, with all that it stored. */
async function startLasting() {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryDirectory());
  const apiKey = randomApiKey();
  const timing = { listChangedDelayMs: 5, backOff: () => 20 };
  const start = (port: number) => startGateway({ appDir: folder.path, apiKey, port, timing });
  let current: TestGateway = await start(0);
  stack.defer(() => current.close());
  return {
    gateway: current,
    async restart(): Promise<TestGateway> {
      const port = Number(new URL(current.address).port);
      await current.close();
      current = await start(port);
      await current.ready;
      return current;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test.for(['legacy', 'modern'] as const)(
  'a %s client goes on over a restart of the gateway without noticing',
  async (era) => {
    await using host = await serveLegacy(() => createLegacyAskingServer());
    await using lasting = await startLasting();
    await lasting.gateway.createClient(httpClient(host.url));
    await using client = await connectAsked(era, lasting.gateway, { name: 'ada' });
    const answer = JSON.stringify([[{ action: 'accept', content: { name: 'ada' } }]]);
    expect(await client.run('tools/call', 'form')).toBe(answer);
    for (let round = 0; round < 2; round += 1) {
      await lasting.restart();
      expect(await client.run('tools/call', 'form')).toBe(answer);
      expect(await client.run('resources/read', 'form')).toBe(answer);
    }
  },
);

test('a session belongs to its caller after a restart too', async () => {
  await using lasting = await startLasting();
  const { gateway } = lasting;
  const session = await openSession(gateway, {}, { roots: {} }, '2025-06-18');
  const other = await otherCaller(gateway);
  await lasting.restart();
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  expect((await postMcp(other, list, { headers: session.headers })).status).toBe(404);
  expect((await session.request('tools/list')).status).toBe(200);
  // What was agreed on is still so.
  expect((await session.post([list] as never)).status).toBe(400);
});

test('clients who listen again after a restart hear of what changes then', async () => {
  await using host = await startLively('legacy');
  await using lasting = await startLasting();
  await lasting.gateway.createClient(httpClient(host.url));
  await using legacy = await listenLegacy(lasting.gateway, { roots: {} });
  await using modern = await listenModern(lasting.gateway, ALL_LISTS);
  const gateway = await lasting.restart();
  await waitFor(() => legacy.stream.ended && modern.stream.ended, 'the streams to end');
  await using again = await openStream(gateway, { headers: legacy.session.headers });
  await using anew = await listenModern(gateway, ALL_LISTS, { elicitation: {} });
  host.state.tools.add('new');
  await host.announce('tools');
  const method = 'notifications/tools/list_changed';
  await waitFor(() => again.messages.some((message) => message.method === method), 'the legacy client to hear');
  await waitFor(() => anew.heard(method).length > 0, 'the modern client to hear');
});
