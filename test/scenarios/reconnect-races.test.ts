import { describe, expect, test } from 'vitest';
import { startServerWithDoor } from '../kit/door.ts';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { startNodes } from '../kit/nodes.ts';
import { callText, expectDone } from '../kit/scene.ts';
import { openShared, SHARED } from '../kit/shared.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

describe.each(SHARED)('while one node of two on %s reconnects', (type) => {
  async function startTwo() {
    const stack = new AsyncDisposableStack();
    const former = stack.use(await startServerWithDoor('initialize'));
    const nodes = stack.use(await startNodes(2, stack.use(await openShared(type))));
    const [first, second] = nodes.all;
    if (first === undefined || second === undefined) throw new Error('two nodes');
    const id = await first.createClient(httpClient(former.url));
    former.shut();
    const reconnect = first.api('POST', `/api/mcp/client/${id}/reconnect`);
    await waitFor(former.isAwaited, 'the reconnect to begin');
    return { former, first, second, id, reconnect, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  test('the other moves the client: calls go to the new server, and nothing stays open at the former one', async () => {
    await using scene = await startTwo();
    await using moved = await startUpstream();
    const { former, first, second, id, reconnect } = scene;
    expectDone(await second.update(id, { connection_string: moved.url }), 'edited');
    former.open();
    expectDone(await reconnect, 'reconnected');
    for (const node of [first, second]) expect(await callText(node, 'c1-echo', { text: 'x' })).toBe('x');
    expect([former.countCalls(), moved.countCalls()]).toEqual([0, 2]);
    await waitFor(() => former.sessionCount === 0, 'all sessions with the former server to end');
  });

  test('the other deletes the client: nothing stays open at its server', async () => {
    await using scene = await startTwo();
    const { former, second, id, reconnect } = scene;
    expectDone(await second.api('DELETE', `/api/mcp/client/${id}`), 'removed');
    former.open();
    expect((await reconnect).status).toBe(404);
    await waitFor(() => former.sessionCount === 0, 'all sessions with the server to end');
  });
});

test('a reconnect that waits behind the removal of its client connects to nothing', async () => {
  await using server = await startServerWithDoor('initialize');
  await using gateway = await startGateway();
  const id = await gateway.createClient(httpClient(server.url));
  server.shut();
  const path = `/api/mcp/client/${id}`;
  const update = gateway.update(id, { headers: { 'x-new': '1' }, auth_type: 'headers' });
  await waitFor(server.isAwaited, 'the update to try its connection');
  const removal = gateway.api('DELETE', path);
  const later = ['reconnect', 'refresh-tools'].map((action) => gateway.api('POST', `${path}/${action}`));
  // Whatever waits for its turn has arrived when this has been answered.
  await Promise.all(later.map(() => gateway.listClients()));
  server.open();
  expectDone(await update, 'edited');
  expectDone(await removal, 'removed');
  expect((await Promise.all(later)).map(({ status }) => status)).toEqual([404, 404]);
  await waitFor(() => server.sessionCount === 0, 'all sessions with the server to end');
});
