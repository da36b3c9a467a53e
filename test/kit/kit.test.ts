import { Agent, fetch as undiciFetch } from 'undici';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { certificates } from './certificates.ts';
import { inProcessServer } from './in-process.ts';
import { startModernUpstream } from './modern-upstream.ts';
import { startRawUpstream } from './raw-upstream.ts';
import { RICH_RESULT } from './rich-result.ts';
import { stdioServer } from './stdio.ts';
import { startSseUpstream, startUpstream, type Upstream } from './upstream.ts';
import { waitFor } from './wait.ts';
import { MODERN_REVISION } from './wire.ts';

async function connect(transport: object): Promise<Client> {
  const client = new Client({ name: 'kit', version: '1' });
  await client.connect(transport as Transport);
  return client;
}

function overHttp({ url }: { url: string }, headers: Record<string, string> = {}): Promise<Client> {
  return connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
}

const rich = { method: 'tools/call', params: { name: 'rich', arguments: {} } };

test('the same tools answer over Streamable HTTP as events or JSON, over SSE, over stdio and in process', async () => {
  await using asEvents = await startUpstream();
  await using asJson = await startUpstream({ answersJson: true });
  await using sse = await startSseUpstream();
  const [near, far] = InMemoryTransport.createLinkedPair();
  await inProcessServer().create().connect(far);
  const clients = await Promise.all([
    overHttp(asEvents),
    overHttp(asJson),
    connect(new SSEClientTransport(new URL(sse.url))),
    connect(new StdioClientTransport(stdioServer())),
    connect(near),
  ]);
  for (const client of clients) {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['echo', 'add', 'greet', 'fail', 'slow', 'rich', 'whoami']);
    expect(await client.request(rich, ResultSchema)).toEqual(RICH_RESULT);
    const sum = await client.callTool({ name: 'add', arguments: { a: 1, b: 2 } });
    expect(sum.content).toEqual([{ type: 'text', text: '3' }]);
    await client.close();
  }
});

test('progress is reported, and a cancellation is seen', async () => {
  await using upstream = await startUpstream();
  const client = await overHttp(upstream);
  const steps: number[] = [];
  const onprogress = ({ progress }: { progress: number }): void => void steps.push(progress);
  await client.callTool({ name: 'slow', arguments: { ms: 3 } }, undefined, { onprogress });
  expect(steps).toEqual([1, 2, 3]);

  const abort = new AbortController();
  const call = client.callTool({ name: 'slow', arguments: { ms: 60_000 } }, undefined, { signal: abort.signal });
  await waitFor(() => upstream.countCalls('slow') === 2, 'the call to arrive');
  abort.abort('enough');
  await expect(call).rejects.toThrow('enough');
  await waitFor(() => upstream.host.cancelled.length === 1, 'the cancellation to arrive');
  await client.close();
});

test('a header can be demanded, pings refused, tools added, sessions forgotten, the server restarted', async () => {
  await using upstream = await startUpstream({ requiredHeader: ['X-Key', 'k'], refusesPing: true });
  await expect(overHttp(upstream)).rejects.toThrow();
  const client = await overHttp(upstream, { 'x-key': 'k' });
  await expect(client.ping()).rejects.toThrow('no ping here');
  let notices = 0;
  client.fallbackNotificationHandler = async () => void (notices += 1);
  await waitFor(() => upstream.requests.some(({ httpMethod }) => httpMethod === 'GET'), 'the event stream');
  await upstream.addTool('later');
  await waitFor(() => notices === 1, 'the notice');
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('later');

  upstream.forgetSessions();
  await expect(client.listTools()).rejects.toThrow('Session not found');
  await client.close();
  await upstream.restart();
  const again = await overHttp(upstream, { 'x-key': 'k' });
  const seen = await again.callTool({ name: 'whoami', arguments: {} });
  expect(seen.structuredContent).toMatchObject({ 'x-key': 'k' });
  await again.close();
});

test('TLS needs the private authority, and a client certificate where demanded', async () => {
  const made = await certificates();
  await using upstream = await startUpstream({ tls: { certificates: made, requiresClientCertificate: true } });
  const get = (connect: object): Promise<number> =>
    undiciFetch(upstream.url, { dispatcher: new Agent({ connect }) }).then(({ status }) => status);
  expect(await get({ ca: made.ca, ...made.client })).toBe(406);
  await expect(get(made.client)).rejects.toThrow();
  await expect(get({ ca: made.ca })).rejects.toThrow();
});

test('a raw upstream sends the text it was given', async () => {
  await using upstream = await startRawUpstream();
  upstream.resultText = '{"content":[], "n": 12345678901234567890 }';
  for (const as of ['json', 'sse'] as const) {
    upstream.answersAs = as;
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'any' } });
    const answer = await fetch(upstream.url, { method: 'POST', body });
    expect(await answer.text()).toContain('"result":{"content":[], "n": 12345678901234567890 }');
  }
});

test('a stopped upstream refuses connections until it is started again', async () => {
  const upstream: Upstream = await startUpstream();
  await upstream.stop();
  await expect(overHttp(upstream)).rejects.toThrow();
  await upstream.restart();
  await (await overHttp(upstream)).close();
  await upstream[Symbol.asyncDispose]();
});

test('a modern upstream answers the modern client and refuses the older one', async () => {
  await using upstream = await startModernUpstream();
  const client = new ModernClient(
    { name: 'kit', version: '1' },
    { versionNegotiation: { mode: { pin: MODERN_REVISION } } },
  );
  await client.connect(new ModernTransport(new URL(upstream.url)));
  const said = await client.callTool({ name: 'echo', arguments: { text: 'hi' } });
  expect(said.content).toEqual([{ type: 'text', text: 'hi' }]);
  expect(upstream.methods).toContain('server/discover');
  await client.close();
  await expect(overHttp(upstream)).rejects.toThrow();
});
