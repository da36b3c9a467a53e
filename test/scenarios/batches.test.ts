import { expect, test } from 'vitest';
import { startScene } from '../kit/scene.ts';
import {
  MODERN_REVISION,
  modernRequest,
  openSession,
  postMcp,
  type LegacySession,
  type McpEndpoint,
} from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const open = (gateway: McpEndpoint, version: string) => openSession(gateway, {}, {}, version);
const call = (id: unknown, name: string, args: JsonObject = {}, _meta: JsonObject = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: `c1-${name}`, arguments: args, _meta },
});

/** Posts a batch and gives everything that came back, in order. */
async function postBatch(gateway: McpEndpoint, session: LegacySession | undefined, batch: unknown[], accept?: string) {
  const headers = { ...session?.headers, ...(accept !== undefined && { accept }) };
  const { status, messages } = await postMcp(gateway, JSON.stringify(batch), { headers });
  return { status, messages: messages.flat() };
}

test.for(['application/json', 'application/json, text/event-stream'])(
  'a client of 2025-03-26 that accepts %s sends several messages at once',
  async (accept) => {
    await using scene = await startScene();
    const { gateway, upstream } = scene;
    const session = await open(gateway, '2025-03-26');
    const batch = [
      call('one', 'echo', { text: 'first' }),
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'nobody' } },
      call(2, 'fail'),
      { jsonrpc: '2.0', id: 3, method: 'tools/list' },
      { jsonrpc: '2.0', id: 4, method: 'no/such/method' },
      call(5, 'nothing'),
      { jsonrpc: '2.0', id: 6, method: 'ping' },
    ];
    const { status, messages } = await postBatch(gateway, session, batch, accept);
    expect(status).toBe(200);
    const byId = new Map(messages.map((message) => [message.id, message]));
    expect([...byId.keys()].map(String).toSorted()).toEqual(['2', '3', '4', '5', '6', 'one']);
    expect(messages).toHaveLength(6);
    expect(byId.get('one')?.result).toMatchObject({ content: [{ text: 'first' }] });
    expect(byId.get(2)?.result).toMatchObject({ isError: true });
    expect(byId.get(3)?.result).toHaveProperty('tools');
    expect(byId.get(4)?.error?.code).toBe(-32_601);
    expect(byId.get(5)?.error?.code).toBe(-32_602);
    expect(byId.get(6)?.result).toEqual({});
    expect(upstream.countCalls()).toBe(2);
  },
);

test('progress of a call in a batch comes before its reply, on the same stream', async () => {
  await using scene = await startScene();
  const session = await open(scene.gateway, '2025-03-26');
  const { messages } = await postBatch(scene.gateway, session, [
    call(1, 'slow', { ms: 60 }, { progressToken: 'p' }),
    call(2, 'echo', { text: 'x' }),
  ]);
  const own = messages.filter(({ id, params }) => id === 1 || params?.['progressToken'] === 'p');
  expect(own.map(({ method }) => method)).toEqual([
    ...Array.from({ length: 3 }, () => 'notifications/progress'),
    undefined,
  ]);
  expect(messages.filter(({ id }) => id === 2)).toHaveLength(1);
});

test('a batch without requests needs no answer, and one of nothing is refused', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  const session = await open(gateway, '2025-03-26');
  const notice = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
  expect((await postBatch(gateway, session, [notice, notice])).status).toBe(202);
  expect((await postBatch(gateway, session, [])).status).toBe(400);
  for (const rubbish of [[1], [notice, null], [[notice]], [{ jsonrpc: '1.0', id: 1, method: 'ping' }]])
    expect((await postBatch(gateway, session, rubbish)).status).toBe(400);
});

test('initialize does not come in a batch', async () => {
  await using scene = await startScene();
  const params = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
  const { status } = await postBatch(scene.gateway, undefined, [
    { jsonrpc: '2.0', id: 1, method: 'initialize', params },
    call(2, 'echo', { text: 'x' }),
  ]);
  expect(status).toBe(400);
  expect(scene.upstream.countCalls()).toBe(0);
});

test.for(['2024-11-05', '2025-06-18', '2025-11-25'])('a session of %s has no batches', async (version) => {
  await using scene = await startScene();
  const session = await open(scene.gateway, version);
  const { status } = await postBatch(scene.gateway, session, [call(1, 'echo', { text: 'x' })]);
  expect(status).toBe(400);
  expect(scene.upstream.countCalls()).toBe(0);
});

test('the revision of a request without a session decides, and the modern one has no batches', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  const batch = [call(1, 'echo', { text: 'x' }), call(2, 'echo', { text: 'y' })];
  // Without the header a client is taken to speak 2025-03-26.
  expect((await postBatch(gateway, undefined, batch)).messages).toHaveLength(2);
  for (const version of ['2025-06-18', '2025-11-25', MODERN_REVISION, '1999-01-01']) {
    const { status } = await postMcp(gateway, JSON.stringify(batch), { headers: { 'mcp-protocol-version': version } });
    expect(status, version).toBe(400);
  }
  const { message, headers } = modernRequest('tools/list');
  expect((await postMcp(gateway, JSON.stringify([message]), { headers })).status).toBe(400);
  expect((await postBatch(gateway, undefined, [message, ...batch])).status).toBe(400);
  expect(upstream.countCalls()).toBe(2);
});
