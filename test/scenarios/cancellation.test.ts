import { describe, expect, test } from 'vitest';
import { ASKING_METHODS } from '../kit/ask-scripts.ts';
import { ASKABLE } from '../kit/asked-clients.ts';
import { LIVELY_SERVERS, startLivelyScene, type LivelyScene } from '../kit/lively-scene.ts';
import { NODE_COUNT } from '../kit/node-count.ts';
import { waitFor } from '../kit/wait.ts';
import { openSession, postMcp, postModern, type RpcAnswer } from '../kit/wire.ts';

const pairs = (['legacy', 'modern'] as const).flatMap((client) => LIVELY_SERVERS.map((server) => ({ client, server })));

interface Running {
  readonly answer: Promise<RpcAnswer | undefined>;
  cancel(): Promise<unknown>;
}

/** Starts a request that a client of this era can cancel. */
async function start(
  era: 'legacy' | 'modern',
  { gateway }: LivelyScene,
  method: string,
  capabilities = {},
): Promise<Running> {
  const params = method === 'resources/read' ? { uri: 'lively://hold' } : { name: 'c1-hold' };
  if (era === 'modern') {
    const abort = new AbortController();
    const answer = postModern(gateway, method, params, { signal: abort.signal, capabilities }).catch(() => undefined);
    return { answer, cancel: () => Promise.resolve(abort.abort()) };
  }
  const session = await openSession(gateway, {}, capabilities);
  const message = { jsonrpc: '2.0', id: 'same', method, params };
  const answer = postMcp(gateway, message, { headers: session.headers });
  return { answer, cancel: () => session.notify('notifications/cancelled', { requestId: 'same', reason: 'enough' }) };
}

describe.for(pairs)('a cancellation by a $client client of a $server server', ({ client: era, server }) => {
  test('reaches the server, whatever the method, and frees everything', async () => {
    await using scene = await startLivelyScene(server);
    for (const [index, method] of ASKING_METHODS.entries()) {
      const running = await start(era, scene, method);
      await waitFor(async () => (await scene.report()).running === 1, `${method} to run`);
      await running.cancel();
      await waitFor(async () => (await scene.report()).cancelled === index + 1, `${method} to be cancelled`);
      expect((await scene.report()).running).toBe(0);
      // No answer is written to a cancelled request.
      expect((await running.answer)?.messages ?? []).toEqual([]);
    }
  });

  test('stops the one request and no other', async () => {
    await using scene = await startLivelyScene(server);
    const all = await Promise.all(Array.from({ length: 5 }, () => start(era, scene, 'tools/call')));
    await waitFor(async () => (await scene.report()).running === 5, 'all to run');
    await all[2]?.cancel();
    await waitFor(async () => (await scene.report()).cancelled === 1, 'one to be cancelled');
    expect((await scene.report()).running).toBe(4);
    for (const running of all) await running.cancel();
    await waitFor(async () => (await scene.report()).cancelled === 5, 'all to be cancelled');
  });
});

test.for(['legacy', 'modern'] as const)(
  'a %s client that can be asked cancels too, and its session goes on',
  async (era) => {
    await using scene = await startLivelyScene('legacy http');
    for (let round = 1; round <= 5; round += 1) {
      const running = await start(era, scene, 'tools/call', ASKABLE);
      await waitFor(async () => (await scene.report()).running === 1, 'the call to run');
      await running.cancel();
      await waitFor(async () => (await scene.report()).cancelled === round, 'the call to be cancelled');
      await running.answer;
    }
    expect((await scene.report()).running).toBe(0);
    // The shared session, and one of each legacy client or one for all calls of the modern one, one after the other: at each node.
    const own = era === 'legacy' ? 5 : Math.min(5, NODE_COUNT);
    expect(scene.host?.legacy?.servers).toHaveLength(NODE_COUNT + own);
  },
);
