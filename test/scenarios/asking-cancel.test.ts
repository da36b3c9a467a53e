import { describe, expect, test } from 'vitest';
import { ASKING_METHODS } from '../kit/ask-scripts.ts';
import { ASKABLE, connectAsked } from '../kit/asked-clients.ts';
import { ASKING_SERVERS, startAskingScene } from '../kit/asking-scene.ts';
import { answersOf, send, sendUntilAsked } from '../kit/by-hand.ts';
import { waitFor } from '../kit/wait.ts';
import { openSession, openStream } from '../kit/wire.ts';

const form = { name: 'c1-form' };
const pairs = (['legacy', 'modern'] as const).flatMap((client) =>
  (['legacy http', 'modern http'] as const).map((server) => ({ client, server })),
);

describe.for(['legacy http', 'modern http'] as const)('while a legacy client is asked by a %s server', (server) => {
  /** Starts a call and waits until its question has arrived. */
  async function startAsked(scene: Awaited<ReturnType<typeof startAskingScene>>) {
    const session = await openSession(scene.gateway, {}, ASKABLE);
    const message = { jsonrpc: '2.0', id: 'asked', method: 'tools/call', params: form };
    const stream = await openStream(scene.gateway, {
      method: 'POST',
      body: JSON.stringify(message),
      headers: { ...session.headers, accept: 'application/json, text/event-stream' },
    });
    const question = await waitFor(
      () => stream.messages.find(({ method }) => method === 'elicitation/create'),
      'the question',
    );
    return { session, stream, question };
  }

  async function expectFreed(scene: Awaited<ReturnType<typeof startAskingScene>>) {
    // Nothing runs at a modern server while a user thinks.
    if (server === 'legacy http') await waitFor(() => scene.cancelled === 1, 'the server to hear of it');
    expect(scene.methods.filter((method) => method === 'tools/call')).toHaveLength(1);
  }

  test('it may cancel the call', async () => {
    await using scene = await startAskingScene(server);
    const { session, stream, question } = await startAsked(scene);
    await using _ = stream;
    await session.notify('notifications/cancelled', { requestId: 'asked' });
    await waitFor(() => stream.ended, 'the stream to end');
    await session.post({ jsonrpc: '2.0', id: question.id, result: { action: 'accept', content: { name: 'late' } } });
    await expectFreed(scene);
    expect(stream.messages.filter(({ id, method }) => id === 'asked' && method === undefined)).toEqual([]);
    expect((await session.request('tools/list')).status).toBe(200);
  });

  test('it may end its session', async () => {
    await using scene = await startAskingScene(server);
    const { session, stream } = await startAsked(scene);
    await using _ = stream;
    const headers = { ...session.headers, authorization: `Bearer ${scene.gateway.apiKey}` };
    await fetch(`${scene.gateway.address}/mcp`, { method: 'DELETE', headers });
    await waitFor(() => stream.ended, 'the stream to end');
    await expectFreed(scene);
  });
});

test.for(pairs)('a $client client cancels after it was asked by a $server server', async ({ client: era, server }) => {
  await using scene = await startAskingScene(server);
  await using client = await connectAsked(era, scene.gateway, { name: 'ada' });
  for (const [index, method] of ASKING_METHODS.entries()) {
    const abort = new AbortController();
    const outcome = client
      .run(method, 'holds-after', { signal: abort.signal })
      .catch((error: unknown) => String(error));
    await waitFor(() => scene.holding === 1, 'the answer to arrive');
    abort.abort();
    expect(await outcome).toMatch(/abort/i);
    await waitFor(() => scene.cancelled === index + 1 && scene.holding === 0, 'the server to hear of it');
  }
});

test.for(ASKING_SERVERS)('a parked request whose %s server is taken away ends at once', async (server) => {
  await using scene = await startAskingScene(server);
  const pending = await sendUntilAsked(scene.gateway, 'tools/call', form);
  const { status } = await scene.gateway.api('DELETE', `/api/mcp/client/${scene.id}`);
  expect(status).toBe(200);
  const { reply } = await send(scene.gateway, 'tools/call', { ...form, ...answersOf(pending, 'ada') });
  expect(reply.error).toMatchObject({ code: -32_602 });
});

test.for(ASKING_SERVERS)('a gateway closes while a request for a %s server is parked', async (server) => {
  const scene = await startAskingScene(server);
  await sendUntilAsked(scene.gateway, 'tools/call', form);
  const before = performance.now();
  await scene[Symbol.asyncDispose]();
  expect(performance.now() - before).toBeLessThan(10_000);
});
