import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { describe, expect, test } from 'vitest';
import {
  bridgeCommand,
  connectAutoStdio,
  connectLegacyStdio,
  connectModernStdio,
  startBridge,
  type BridgeProcess,
} from '../kit/bridge.ts';
import { startRawUpstream } from '../kit/raw-upstream.ts';
import { listenOnLoopback } from '../kit/http-host.ts';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { startScene } from '../kit/scene.ts';
import { startTap, type Tap } from '../kit/tap.ts';
import { waitFor } from '../kit/wait.ts';
import { modernRequest, type McpEndpoint } from '../kit/wire.ts';

const names = ['c1-add', 'c1-echo', 'c1-fail', 'c1-greet', 'c1-rich', 'c1-slow', 'c1-whoami'];
const slow = { name: 'c1-slow', arguments: { ms: 60_000 } };

function bridgeTo(gateway: McpEndpoint): BridgeProcess {
  return startBridge(bridgeCommand(gateway).args.slice(2));
}

/** A bridge whose HTTP requests can be seen. */
async function tapped(gateway: McpEndpoint): Promise<{ tap: Tap; bridge: BridgeProcess } & AsyncDisposable> {
  const tap = await startTap(gateway.address);
  const bridge = bridgeTo({ ...gateway, address: tap.origin });
  return {
    tap,
    bridge,
    async [Symbol.asyncDispose]() {
      await bridge[Symbol.asyncDispose]();
      await tap.stop();
    },
  };
}

describe.for([
  ['legacy', connectLegacyStdio],
  ['negotiating', connectAutoStdio],
  ['modern', connectModernStdio],
] as const)('the official %s client over stdio', ([, connect]) => {
  test('lists and calls tools, and gets their errors', async () => {
    await using scene = await startScene();
    await using client = await connect(scene.gateway);
    expect((await client.listTools()).tools.map(({ name }) => name).toSorted()).toEqual(names);
    const sum = await client.callTool({ name: 'c1-add', arguments: { a: 1, b: 2 } });
    expect(sum.content).toEqual([{ type: 'text', text: '3' }]);
    expect(await client.callTool({ name: 'c1-fail', arguments: {} })).toMatchObject({ isError: true });
    await expect(client.callTool({ name: 'c1-none', arguments: {} })).rejects.toMatchObject({ code: -32_602 });
  });

  test('hears of progress', async () => {
    await using scene = await startScene();
    await using client = await connect(scene.gateway);
    const steps: unknown[] = [];
    const onprogress = (step: unknown): void => void steps.push(step);
    // The SDK drops steps that reach it together with the result, so they must not.
    const call = { name: 'c1-slow', arguments: { ms: 900 } };
    await (client instanceof LegacyClient
      ? client.callTool(call, undefined, { onprogress })
      : client.callTool(call, { onprogress }));
    expect(steps).toEqual([1, 2, 3].map((step) => ({ progress: step, total: 3, message: `step ${step}` })));
  });

  test('cancels a call, and the server hears of it', async () => {
    await using scene = await startScene();
    const { host } = scene.upstream;
    await using client = await connect(scene.gateway);
    const abort = new AbortController();
    const { signal } = abort;
    const running =
      client instanceof LegacyClient ? client.callTool(slow, undefined, { signal }) : client.callTool(slow, { signal });
    await waitFor(() => host.calls.length === 1, 'the call to arrive');
    abort.abort();
    await expect(running).rejects.toThrow();
    await waitFor(() => host.cancelled.length === 1, 'the cancellation to arrive');
    expect((await client.callTool({ name: 'c1-echo', arguments: { text: 'on' } })).isError).not.toBe(true);
  });
});

test('the official legacy client over stdio hears of changes of the list', async () => {
  await using scene = await startScene();
  await using client = await connectLegacyStdio(scene.gateway);
  let notices = 0;
  client.fallbackNotificationHandler = async ({ method }) =>
    void (notices += method === 'notifications/tools/list_changed' ? 1 : 0);
  let round = 0;
  await waitFor(async () => {
    // The stream opens some time after the handshake, so one change could go unheard.
    await scene.upstream.addTool(`later_${round++}`);
    return notices > 0;
  }, 'a notice');
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('c1-later_0');
});

test('every revision with a handshake is spoken, and later requests say which', async () => {
  await using scene = await startScene();
  for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
    await using both = await tapped(scene.gateway);
    const { tap, bridge } = both;
    expect(await bridge.initialize(version)).toMatchObject({ result: { protocolVersion: version } });
    expect((await bridge.request('tools/list')).result).toHaveProperty('tools.length', 7);
    const [listing] = tap.of('tools/list');
    expect(listing?.headers).toMatchObject({ 'mcp-protocol-version': version, 'mcp-session-id': expect.any(String) });
  }
});

test('messages pass unchanged in both directions, but for line breaks between their parts', async () => {
  await using upstream = await startRawUpstream();
  await using gateway = await startGateway();
  await gateway.createClient(httpClient(upstream.url));
  await using both = await tapped(gateway);
  const { tap, bridge } = both;
  await bridge.initialize();
  for (const answersAs of ['json', 'sse'] as const) {
    upstream.answersAs = answersAs;
    const lines = answersAs === 'json' ? '\r\n  ' : ' ';
    upstream.resultText = `{"content":[],${lines}"big": 12345678901234567890.10, "z":"\\u00e9é", "a" : 1e2}`;
    const call = `{"jsonrpc":"2.0", "params":{"name":"c1-any","arguments":{"n":1.0}}, "id":"q-${answersAs}","method":"tools/call"}`;
    bridge.send(call);
    const answer = await waitFor(() => bridge.lines.find((line) => line.includes(`q-${answersAs}`)), 'the answer');
    expect(answer).toContain(upstream.resultText.replaceAll(/[\r\n]/g, ' '));
    expect(tap.requests.map(({ body }) => body)).toContain(call);
  }
});

test('a modern request carries the headers that repeat its body, encoded where a header cannot hold them', async () => {
  await using scene = await startScene();
  await using both = await tapped(scene.gateway);
  const { tap, bridge } = both;
  const call = async (name: string) => {
    const { message } = modernRequest('tools/call', { name, arguments: { text: 'x' } });
    return await bridge.request('tools/call', message['params'] as Record<string, unknown>);
  };
  expect(await call('c1-echo')).toHaveProperty('result.resultType', 'complete');
  expect(tap.of('tools/call').at(-1)?.headers).toMatchObject({
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'c1-echo',
  });
  // The gateway refuses a header that differs from the body, so this is not a question of headers.
  expect(await call('c1-ü')).toHaveProperty('error.data.code', 'mcp_tool_not_found');
  expect(tap.of('tools/call').at(-1)?.headers['mcp-name']).toBe('=?base64?YzEtw7w=?=');
});

test('answers come as they are ready, and not in the order of the requests', async () => {
  await using scene = await startScene();
  await using bridge = bridgeTo(scene.gateway);
  await bridge.initialize();
  bridge.send({ jsonrpc: '2.0', id: 'long', method: 'tools/call', params: slow });
  await waitFor(() => scene.upstream.host.calls.length === 1, 'the long call to arrive');
  expect(await bridge.request('tools/call', { name: 'c1-echo', arguments: { text: 'quick' } })).toHaveProperty(
    'result',
  );
  expect(bridge.messages.map(({ id }) => id)).not.toContain('long');
});

test('a session that the gateway has forgotten is made anew, and the client does not notice', async () => {
  await using scene = await startScene();
  await using both = await tapped(scene.gateway);
  const { tap, bridge } = both;
  await bridge.initialize();
  await bridge.request('tools/list');
  const forget = async (): Promise<void> => {
    const id = String(tap.requests.findLast(({ headers }) => headers['mcp-session-id'])?.headers['mcp-session-id']);
    expect((await scene.gateway.api('DELETE', '/mcp', undefined, { 'mcp-session-id': id })).status).toBe(204);
  };
  for (const round of [1, 2]) {
    await forget();
    const together = ['a', 'b', 'c'].map((text) =>
      bridge.request('tools/call', { name: 'c1-echo', arguments: { text: text + round } }),
    );
    for (const answer of await Promise.all(together)) expect(answer).toHaveProperty('result.content');
  }
  expect(scene.upstream.countCalls('echo')).toBe(6);
  expect(tap.of('initialize').length).toBe(3);
  expect(bridge.messages.filter(({ result }) => result?.['protocolVersion'] !== undefined)).toHaveLength(1);
  await scene.upstream.addTool('later');
  await waitFor(() => bridge.messages.some(({ method }) => method?.endsWith('list_changed')), 'a notice');
});

test('the bridge outlives the gateway: calls fail while it is away, and later work again', async () => {
  await using scene = await startScene();
  await using both = await tapped(scene.gateway);
  const { tap, bridge } = both;
  await bridge.initialize();
  await waitFor(() => tap.requests.some(({ method }) => method === 'GET'), 'the stream');
  bridge.send({ jsonrpc: '2.0', id: 'long', method: 'tools/call', params: slow });
  await waitFor(() => scene.upstream.host.calls.length === 1, 'the long call to arrive');
  await tap.stop();
  const lost = await waitFor(() => bridge.messages.find(({ id }) => id === 'long'), 'the end of the call');
  expect(lost.error?.message).toContain('the connection to the gateway was lost');
  expect((await bridge.request('tools/list')).error?.message).toContain('is it running?');
  await tap.restart();
  expect(await bridge.request('tools/list')).toHaveProperty('result.tools');
  // What was missed while nobody listened is made good for by one notice.
  await waitFor(() => bridge.messages.some(({ method }) => method?.endsWith('list_changed')), 'a notice');
});

test('without a gateway every request is answered with what to do, and the process stays', async () => {
  const { origin, stop } = await listenOnLoopback(() => {});
  await stop();
  const sentence = `no gateway at ${origin}/mcp; is it running?`;
  await using bridge = startBridge([], { ASBRU_URL: `${origin}/mcp` });
  for (const method of ['initialize', 'tools/list']) {
    const { error } = await bridge.request(method);
    expect(error?.message).toBe(sentence);
  }
  expect(bridge.complaints).toBe(`asbru stdio: ${sentence}\n`);
  bridge.closeInput();
  expect(await bridge.exit).toBe(0);
});

test('a wrong key, or none, is said in so many words', async () => {
  await using gateway = await startGateway();
  const url = `${gateway.address}/mcp`;
  await using wrong = startBridge(['--url', url], { ASBRU_KEY: 'wrong' });
  expect((await wrong.request('initialize')).error).toMatchObject({
    code: -32_001,
    message: expect.stringMatching(/^the gateway refused the key; check --key/),
  });
  await using none = startBridge(['--url', url]);
  expect((await none.request('initialize')).error?.message).toContain('the gateway wants a key');
  await using right = startBridge(['--url', url], { ASBRU_API_KEY: gateway.apiKey });
  expect(await right.initialize()).toHaveProperty('result');
  const header = `authorization: Bearer ${gateway.apiKey}`;
  await using own = startBridge(['--url', url, '--key', 'wrong', '--header', header]);
  expect(await own.initialize()).toHaveProperty('result');
});

test('a closed input ends the session and the process, after the answers that were on their way', async () => {
  await using scene = await startScene();
  await using both = await tapped(scene.gateway);
  const { tap, bridge } = both;
  // All at once, as a script writes it.
  bridge.send({ jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25' } });
  bridge.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  bridge.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'c1-echo', arguments: { text: 'x' } } });
  bridge.closeInput();
  expect(await bridge.exit).toBe(0);
  expect(bridge.messages.find(({ id }) => id === 1)).toHaveProperty('result');
  expect(tap.requests.at(-1)).toMatchObject({ method: 'DELETE', headers: { 'mcp-session-id': expect.any(String) } });
});

test.for(['SIGTERM', 'SIGINT'] as const)('%s cancels what runs and ends with code 0', async (signal) => {
  await using scene = await startScene();
  await using both = await tapped(scene.gateway);
  const { tap, bridge } = both;
  await bridge.initialize();
  bridge.send({ jsonrpc: '2.0', id: 'long', method: 'tools/call', params: slow });
  await waitFor(() => scene.upstream.host.calls.length === 1, 'the call to arrive');
  bridge.kill(signal);
  expect(await bridge.exit).toBe(0);
  await waitFor(() => scene.upstream.host.cancelled.length === 1, 'the cancellation to arrive');
  expect(tap.requests.at(-1)?.method).toBe('DELETE');
});

test('what cannot be used is refused at the start, in one sentence', async () => {
  for (const [flags, words] of [
    [['--url', 'nonsense'], /^asbru stdio cannot start: "nonsense" is not an address/],
    [['--header', 'secret'], /^asbru stdio cannot start: a header must look like "Name: value"\n$/],
  ] as const) {
    await using bridge = startBridge(flags);
    expect(await bridge.exit).toBe(1);
    expect(bridge.complaints).toMatch(words);
    expect(bridge.lines).toEqual([]);
  }
});

test('nonsense on the input is reported on standard error, and the next message is served', async () => {
  await using scene = await startScene();
  await using bridge = bridgeTo(scene.gateway);
  bridge.send('hello');
  bridge.send('');
  expect(await bridge.initialize()).toHaveProperty('result');
  expect(bridge.complaints).toMatch(/^asbru stdio: the client sent something that is not JSON-RPC.*\n$/);
  expect(bridge.lines).toHaveLength(1);
});
