import { describe, expect, test } from 'vitest';
import { startAskingUpstream } from '../kit/asking-upstream.ts';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { expectDone, startScene } from '../kit/scene.ts';
import { connectSseV1, connectSseV2 } from '../kit/sse-clients.ts';
import { requestHeaders, type McpEndpoint, type RpcMessage } from '../kit/wire.ts';
import { waitFor } from '../kit/wait.ts';

describe.for([
  ['v1', connectSseV1],
  ['v2', connectSseV2],
] as const)('the official client (%s) over SSE', ([, connect]) => {
  test('lists and calls tools', async () => {
    await using scene = await startScene();
    await using client = await connect(scene.gateway);
    expect(await client.list()).toContain('c1-echo');
    expect(await client.call('c1-add', { a: 1, b: 2 })).toBe('3');
    const many = Array.from({ length: 50 }, (_, index) => client.call('c1-echo', { text: `${index}` }));
    expect(await Promise.all(many)).toEqual(many.map((_, index) => `${index}`));
  });

  test('hears of progress', async () => {
    await using scene = await startScene();
    await using client = await connect(scene.gateway);
    const steps: number[] = [];
    const onprogress = ({ progress }: { progress: number }): void => void steps.push(progress);
    expect(await client.call('c1-slow', { ms: 30 }, { onprogress })).toBe('done');
    expect(steps).toEqual([1, 2, 3]);
  });

  test('cancels a call, and the server hears of it', async () => {
    await using scene = await startScene();
    await using client = await connect(scene.gateway);
    const cancel = new AbortController();
    const call = client.call('c1-slow', { ms: 60_000 }, { signal: cancel.signal });
    await waitFor(() => scene.upstream.countCalls() === 1, 'the call to arrive');
    cancel.abort();
    await expect(call).rejects.toThrow();
    await waitFor(() => scene.upstream.host.cancelled.length === 1, 'the cancellation to arrive');
    expect(await client.call('c1-echo', { text: 'still here' })).toBe('still here');
  });

  test('is asked what a server wants to know', async () => {
    await using upstream = await startAskingUpstream();
    await using gateway = await startGateway();
    await gateway.createClient(httpClient(upstream.url));
    await using client = await connect(gateway);
    expect(await client.call('c1-ask', {})).toBe('Hello, Ask!');
    expect(client.asked).toEqual(['Who are you?']);
  });

  test('hears of changed lists', async () => {
    await using scene = await startScene();
    await using client = await connect(scene.gateway);
    expect(await client.list()).not.toContain('c1-later');
    await scene.upstream.addTool('later');
    await waitFor(() => client.notices() === 1, 'the notice of the server');
    expectDone(await scene.update({ tools_to_execute: ['echo'] }), 'edited');
    await waitFor(() => client.notices() === 2, 'the notice of the change');
    expect(await client.list()).toEqual(['c1-echo']);
  });

  test('that leaves cancels what it has running', async () => {
    await using scene = await startScene();
    const client = await connect(scene.gateway);
    const call = client.call('c1-slow', { ms: 60_000 }).catch(() => undefined);
    await waitFor(() => scene.upstream.countCalls() === 1, 'the call to arrive');
    await client.close();
    await waitFor(() => scene.upstream.host.cancelled.length === 1, 'the cancellation to arrive');
    await call;
  });
});

/** A stream of `GET /sse` by hand. */
interface RawStream extends AsyncDisposable {
  readonly status: number;
  /** Where to post, once it is known. */
  endpoint(): Promise<string>;
  readonly messages: () => RpcMessage[];
  readonly text: () => string;
  readonly ended: () => boolean;
}

async function openSse({ address, apiKey }: McpEndpoint): Promise<RawStream> {
  const abort = new AbortController();
  const headers = requestHeaders({ address, apiKey }, { accept: 'text/event-stream' });
  const response = await fetch(`${address}/sse`, { headers, signal: abort.signal });
  let text = '';
  let ended = false;
  const reading = (async () => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk as Uint8Array).toString();
  })()
    .catch(() => undefined)
    .finally(() => (ended = true));
  return {
    status: response.status,
    endpoint: () => waitFor(() => /event: endpoint\ndata: (.*)\n\n/.exec(text)?.[1], 'the endpoint'),
    messages: () =>
      [...text.matchAll(/^event: message\ndata: (.*)\n\n/gm)].map(([, data]) => JSON.parse(data ?? '') as RpcMessage),
    text: () => text,
    ended: () => ended,
    async [Symbol.asyncDispose]() {
      abort.abort();
      await reading;
    },
  };
}

function post(endpoint: McpEndpoint, path: string, body: unknown, headers = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${endpoint.address}${path}`, {
    method: 'POST',
    headers: requestHeaders(endpoint, headers),
    body: text,
  });
}

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};

test('the first event names the address to post to; a post is answered 202, and the reply comes on the stream', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  await using stream = await openSse(gateway);
  const endpoint = await stream.endpoint();
  expect(stream.text()).toMatch(/^event: endpoint\ndata: \/messages\?sessionId=[\w-]{36,}\n\n$/);
  const accepted = await post(gateway, endpoint, INITIALIZE);
  expect([accepted.status, await accepted.text()]).toEqual([202, '']);
  await waitFor(() => stream.messages().length === 1, 'the reply');
  expect(stream.messages()).toMatchObject([{ id: 0, result: { protocolVersion: '2024-11-05' } }]);
  expect((await post(gateway, endpoint, { jsonrpc: '2.0', method: 'notifications/initialized' })).status).toBe(202);
  expect((await post(gateway, endpoint, { ...LIST, id: 'a' })).status).toBe(202);
  await waitFor(() => stream.messages().length === 2, 'the list');
  expect(stream.messages()[1]).toMatchObject({ id: 'a', result: { tools: expect.any(Array) } });
});

test('a batch is answered message by message', async () => {
  await using scene = await startScene();
  await using stream = await openSse(scene.gateway);
  const endpoint = await stream.endpoint();
  const batch = [LIST, { jsonrpc: '2.0', method: 'notifications/x' }, { jsonrpc: '2.0', id: 2, method: 'no/such' }];
  expect((await post(scene.gateway, endpoint, batch)).status).toBe(202);
  await waitFor(() => stream.messages().length === 2, 'both replies');
  const byId = new Map(stream.messages().map((message) => [message.id, message]));
  expect(byId.get(1)?.result).toBeDefined();
  expect(byId.get(2)?.error?.code).toBe(-32_601);
  expect((await post(scene.gateway, endpoint, [])).status).toBe(400);
  expect((await post(scene.gateway, endpoint, [INITIALIZE])).status).toBe(400);
});

test('what cannot be read is refused at once', async () => {
  await using gateway = await startGateway();
  await using stream = await openSse(gateway);
  const endpoint = await stream.endpoint();
  for (const [body, code] of [
    ['{', -32_700],
    ['"text"', -32_602],
    [{ ...LIST, jsonrpc: '1.0' }, -32_602],
  ] as const) {
    const refused = await post(gateway, endpoint, body);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { code } });
  }
  expect(stream.messages()).toEqual([]);
});

test('a message to a stream that is not there is 404, and so is one to the stream of somebody else', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  await using stream = await openSse(gateway);
  const endpoint = await stream.endpoint();
  for (const path of ['/messages', '/messages?sessionId=', '/messages?sessionId=11111111-1111-4111-8111-111111111111'])
    expect((await post(gateway, path, LIST)).status).toBe(404);
  const { body } = await gateway.api('POST', '/api/api-keys', { name: 'other', scopes: ['mcp'] });
  const other = { address: gateway.address, apiKey: String(body['key']) };
  const refused = await post(other, endpoint, LIST);
  expect(refused.status).toBe(404);
  expect(await refused.json()).toEqual(await (await post(gateway, '/messages?sessionId=x', LIST)).json());
  expect((await post(gateway, endpoint, LIST)).status).toBe(202);
  await waitFor(() => stream.messages().length === 1, 'the one reply');
});

test('neither the stream nor the messages are open to those without a key', async () => {
  await using gateway = await startGateway();
  await using stream = await openSse(gateway);
  const endpoint = await stream.endpoint();
  for (const apiKey of ['', 'wrong']) {
    const stranger = { address: gateway.address, apiKey };
    await using refused = await openSse(stranger);
    expect(refused.status).toBe(401);
    expect((await post(stranger, endpoint, LIST)).status).toBe(401);
  }
  const { body } = await gateway.api('POST', '/api/api-keys', { name: 'reader', scopes: ['read'] });
  await using forbidden = await openSse({ address: gateway.address, apiKey: String(body['key']) });
  expect(forbidden.status).toBe(403);
});

test('other methods are answered with those that there are', async () => {
  await using gateway = await startGateway();
  const answer = await post(gateway, '/sse', INITIALIZE);
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET']);
  const headers = requestHeaders(gateway);
  const get = await fetch(`${gateway.address}/messages`, { headers });
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
});

test('a request of the stateless revision is told which revisions this is for', async () => {
  await using gateway = await startGateway();
  await using stream = await openSse(gateway);
  const params = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } };
  await post(gateway, await stream.endpoint(), { jsonrpc: '2.0', id: 5, method: 'server/discover', params });
  const [refusal] = await waitFor(() => stream.messages().length > 0 && stream.messages(), 'the refusal');
  expect(refusal).toMatchObject({
    id: 5,
    error: { code: -32_022, data: { supported: expect.arrayContaining(['2024-11-05']) } },
  });
  expect(JSON.stringify(refusal)).not.toContain('2026');
});

test('when the client goes its address goes too', async () => {
  await using gateway = await startGateway();
  const stream = await openSse(gateway);
  const endpoint = await stream.endpoint();
  await stream[Symbol.asyncDispose]();
  await waitFor(async () => (await post(gateway, endpoint, LIST)).status === 404, 'the address to be unknown');
});

test('closing the gateway ends idle streams at once, and the others when they have their answers', async () => {
  const scene = await startScene();
  await using idle = await openSse(scene.gateway);
  await using busy = await openSse(scene.gateway);
  await idle.endpoint();
  const call = { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'c1-slow', arguments: { ms: 300 } } };
  await post(scene.gateway, await busy.endpoint(), call);
  await waitFor(() => scene.upstream.countCalls() === 1, 'the call to arrive');
  await scene[Symbol.asyncDispose]();
  expect(idle.ended()).toBe(true);
  expect(busy.messages()).toMatchObject([{ id: 3, result: { content: [{ text: 'done' }] } }]);
});
