import { fromJsonSchema, McpServer } from '@modelcontextprotocol/server';
import { expect, test } from 'vitest';
import { createLogger } from '../../src/lib/logger.ts';
import { connectModernStdio } from '../kit/bridge.ts';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { startHeaderUpstream, type HeaderUpstream } from '../kit/header-upstream.ts';
import { startModernUpstream } from '../kit/modern-upstream.ts';
import { listedTools } from '../kit/scene.ts';
import { connectLegacy, connectModern } from '../kit/sdk-clients.ts';
import { modernRequest, openSession, postMcp, postModern, type HeaderChanges, type RpcAnswer } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const REGION = { type: 'string', 'x-mcp-header': 'Region' };
const INPUT = {
  type: 'object' as const,
  properties: {
    region: REGION,
    size: { type: 'integer', 'x-mcp-header': 'Size' },
    dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
    where: { type: 'object', properties: { city: { type: 'string', 'x-mcp-header': 'City' } } },
    query: { type: 'string' },
  },
};
const TOOLS = [
  { name: 'route', inputSchema: INPUT },
  { name: 'plain', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } },
];
const ARGUMENTS = { region: 'Zürich', size: 42, dry: false, where: { city: 'us west' }, query: 'select 1' };
const MIRRORED = [
  ['mcp-param-city', 'us west'],
  ['mcp-param-dry', 'false'],
  ['mcp-param-region', '=?base64?WsO8cmljaA==?='],
  ['mcp-param-size', '42'],
];

interface HeaderScene extends AsyncDisposable {
  readonly upstream: HeaderUpstream;
  readonly gateway: TestGateway;
  /** Calls a tool as a modern client with these headers and no others of this kind. */
  call(name: string, args: JsonObject, headers?: HeaderChanges): Promise<RpcAnswer>;
}

async function startHeaderScene(tools: readonly JsonObject[] = TOOLS, era?: 'legacy'): Promise<HeaderScene> {
  const upstream = await startHeaderUpstream(tools, era);
  const gateway = await startGateway();
  await gateway.createClient(httpClient(upstream.url));
  return {
    upstream,
    gateway,
    call: (name, args, changes) => {
      const { message, headers } = modernRequest('tools/call', { name: `c1-${name}`, arguments: args });
      return postMcp(gateway, message, { headers: { ...headers, ...changes } });
    },
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

test('a call repeats the annotated arguments in headers, whatever the era of the caller', async () => {
  await using scene = await startHeaderScene();
  const { gateway, upstream } = scene;
  await using legacy = await connectLegacy(gateway);
  await legacy.callTool({ name: 'c1-route', arguments: ARGUMENTS });
  await using modern = await connectModern(gateway);
  await modern.listTools();
  await modern.callTool({ name: 'c1-route', arguments: ARGUMENTS });
  await gateway.execute('c1-route', ARGUMENTS);
  const call = { arguments: ARGUMENTS, paramHeaders: MIRRORED };
  expect(upstream.calls).toEqual([call, call, call]);
});

test('arguments that are null or absent, and tools without annotations, have no headers', async () => {
  await using scene = await startHeaderScene();
  await using legacy = await connectLegacy(scene.gateway);
  await legacy.callTool({ name: 'c1-route', arguments: { region: null, where: {} } });
  await legacy.callTool({ name: 'c1-plain', arguments: { text: 'hi' } });
  expect(scene.upstream.calls.map(({ paramHeaders }) => paramHeaders)).toEqual([[], []]);
});

test('headers that the tool does not know are handed on for a modern caller alone', async () => {
  await using scene = await startHeaderScene();
  const { gateway, upstream } = scene;
  const unknown = { 'mcp-param-other': 'kept', 'mcp-param-city': 'ours' };
  await scene.call('route', { where: { city: 'ours' } }, unknown);
  await scene.call('plain', {}, { 'mcp-param-other': 'kept' });
  const session = await openSession(gateway, unknown);
  await session.request('tools/call', { name: 'c1-route', arguments: { where: { city: 'other' } } });
  expect(upstream.calls.map(({ paramHeaders }) => paramHeaders)).toEqual([
    [
      ['mcp-param-city', 'ours'],
      ['mcp-param-other', 'kept'],
    ],
    [['mcp-param-other', 'kept']],
    [['mcp-param-city', 'other']],
  ]);
});

const disagreements: [what: string, args: JsonObject, headers: HeaderChanges][] = [
  ['is missing', { region: 'eu' }, {}],
  ['says something else', { region: 'eu' }, { 'mcp-param-region': 'us' }],
  ['is broken base64', { region: 'Hello' }, { 'mcp-param-region': '=?base64?SGVsbG8?=' }],
  ['has no argument', { region: null }, { 'mcp-param-region': 'eu' }],
];

test.for(disagreements)(
  'a modern call whose header %s is refused, and the server does not see it',
  async ([, args, headers]) => {
    await using scene = await startHeaderScene();
    const { status, reply } = await scene.call('route', args, headers);
    expect(status).toBe(400);
    expect(reply).toMatchObject({ id: expect.any(Number), error: { code: -32_020 } });
    expect(reply.error?.message).toContain('mcp-param-region');
    expect(scene.upstream.calls).toEqual([]);
  },
);

test('modern calls are checked for servers of older revisions too, which get no headers', async () => {
  await using scene = await startHeaderScene(TOOLS, 'legacy');
  expect(await scene.call('route', { region: 'eu' })).toMatchObject({ status: 400 });
  const encoded = { 'mcp-param-region': '=?base64?ZXU=?=' };
  expect(await scene.call('route', { region: 'eu' }, encoded)).toMatchObject({ status: 200 });
  const session = await openSession(scene.gateway);
  await session.request('tools/call', { name: 'c1-route', arguments: { region: 'eu' } });
  const call = { arguments: { region: 'eu' }, paramHeaders: [] };
  expect(scene.upstream.calls).toEqual([call, call]);
});

const BROKEN = { name: 'broken', inputSchema: { type: 'object', properties: { a: REGION, b: REGION } } };

test('a tool with broken annotations is not offered, the others are, and the log says so once', async () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'warn', style: 'json', stream: { write: (line) => void lines.push(line) } });
  await using upstream = await startHeaderUpstream([...TOOLS, BROKEN]);
  await using gateway = await startGateway({ logger });
  const id = await gateway.createClient(httpClient(upstream.url));
  await gateway.api('POST', `/api/mcp/client/${id}/refresh-tools`);
  expect(await listedTools(gateway)).toEqual(['c1-plain', 'c1-route']);
  const session = await openSession(gateway);
  const { reply } = await session.request('tools/call', { name: 'c1-broken', arguments: { a: 'x' } });
  expect(reply.error?.code).toBe(-32_602);
  expect(upstream.calls).toEqual([]);
  expect(lines.filter((line) => line.includes('"broken"'))).toHaveLength(1);
  upstream.tools = [{ ...BROKEN, inputSchema: INPUT }];
  await gateway.api('POST', `/api/mcp/client/${id}/refresh-tools`);
  expect(await listedTools(gateway)).toEqual(['c1-broken']);
});

test('servers of older revisions may annotate as they like', async () => {
  await using scene = await startHeaderScene([BROKEN], 'legacy');
  expect(await listedTools(scene.gateway)).toEqual(['c1-broken']);
  expect(await scene.call('broken', { a: 'x' })).toMatchObject({ status: 200 });
});

test('a child process may annotate as it likes, for it gets no headers', async () => {
  const capabilities = { tools: {} };
  const answers = {
    'server/discover': { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities },
    'tools/list': { resultType: 'complete', tools: [BROKEN] },
  };
  const script = `const answers = ${JSON.stringify(answers)};
    require('node:readline').createInterface(process.stdin).on('line', (line) => {
      const { id, method } = JSON.parse(line);
      if (answers[method]) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method] }));
    });`;
  const stdio_config = { command: process.execPath, args: ['-e', script] };
  await using gateway = await startGateway();
  await gateway.createClient({ name: 'c1', connection_type: 'stdio', stdio_config, tools_to_execute: ['*'] });
  expect(await listedTools(gateway)).toEqual(['c1-broken']);
});

test('clients that speak only stdio need not know of headers', async () => {
  await using scene = await startHeaderScene();
  await using modern = await connectModernStdio(scene.gateway);
  for (const region of ['eu', 'us']) await modern.callTool({ name: 'c1-route', arguments: { region } });
  await modern.callTool({ name: 'c1-plain', arguments: { text: 'hi' } });
  expect(scene.upstream.calls.map(({ paramHeaders }) => paramHeaders)).toEqual([
    [['mcp-param-region', 'eu']],
    [['mcp-param-region', 'us']],
    [],
  ]);
});

test('a server whose tool has other annotations by now is listed anew and called again', async () => {
  await using scene = await startHeaderScene([{ name: 'route', inputSchema: { type: 'object' } }]);
  const { gateway, upstream } = scene;
  upstream.tools = TOOLS;
  upstream.requiredHeader = 'mcp-param-region';
  await using legacy = await connectLegacy(gateway);
  await legacy.callTool({ name: 'c1-route', arguments: { region: 'eu' } });
  expect(upstream.calls).toEqual([{ arguments: { region: 'eu' }, paramHeaders: [['mcp-param-region', 'eu']] }]);
  // Where nothing has changed the server has the last word.
  const { reply } = await postModern(gateway, 'tools/call', { name: 'c1-route', arguments: {} });
  expect(reply.error?.message).toBe('Header mismatch');
  expect(upstream).toMatchObject({ calls: { length: 1 }, refusals: 2 });
});

test('the official server, which checks the headers, takes the calls', async () => {
  await using upstream = await startModernUpstream(createCheckingServer);
  await using gateway = await startGateway();
  await gateway.createClient(httpClient(upstream.url));
  const direct = await fetch(upstream.url, bareCall({ name: 'route', arguments: ARGUMENTS }));
  expect(direct.status).toBe(400);
  await using legacy = await connectLegacy(gateway);
  await using modern = await connectModern(gateway);
  await modern.listTools();
  for (const client of [legacy, modern]) {
    const result = await client.callTool({ name: 'c1-route', arguments: ARGUMENTS });
    expect(result.content).toEqual([{ type: 'text', text: 'Zürich' }]);
  }
});

function createCheckingServer(): McpServer {
  const server = new McpServer({ name: 'checking', version: '1.0.0' });
  const inputSchema = fromJsonSchema<{ region: string }>(INPUT);
  server.registerTool('route', { inputSchema }, ({ region }) => ({ content: [{ type: 'text', text: region }] }));
  return server;
}

function bareCall(params: JsonObject): RequestInit {
  const { message, headers } = modernRequest('tools/call', params);
  const own = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  return { method: 'POST', headers: { ...own, ...headers }, body: JSON.stringify(message) };
}
