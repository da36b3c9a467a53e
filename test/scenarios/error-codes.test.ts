import { afterAll, beforeAll, expect, test } from 'vitest';
import { ASKABLE } from '../kit/asked-clients.ts';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { listenOnLoopback, readBody, type HttpHost } from '../kit/http-host.ts';
import { openSession, postModern, type LegacySession, type RpcAnswer } from '../kit/wire.ts';

/** Servers of both eras whose every request fails with the error that the test has set. */
let error: { code: number; message: string; data?: unknown };
let hosts: HttpHost[];
let gateway: TestGateway;
let session: LegacySession;

/** Speaks just enough of an era to be listed; 2026-07-28 ties HTTP 400 to its own errors. */
function serveErrors(isModern: boolean): Promise<HttpHost> {
  const capabilities = { tools: {}, prompts: {}, resources: {} };
  const results: Record<string, object> = {
    [isModern ? 'server/discover' : 'initialize']: isModern
      ? { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities, ttlMs: 0, cacheScope: 'private' }
      : { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'x', version: '1' } },
    ping: {},
    'tools/list': { tools: [{ name: 'fail', inputSchema: { type: 'object' } }] },
    'prompts/list': { prompts: [{ name: 'fail' }] },
    'resources/list': { resources: [{ uri: `${isModern ? 'modern' : 'legacy'}:fail`, name: 'fail' }] },
    'resources/templates/list': { resourceTemplates: [] },
  };
  return listenOnLoopback((request, response) => {
    void (async () => {
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const { id, method } = JSON.parse(await readBody(request)) as { id?: number; method: string };
      if (id === undefined) return void response.writeHead(202).end();
      const result = results[method];
      const isOther = method === 'initialize' || method === 'server/discover';
      const failure = isOther ? { code: -32_601, message: 'unknown' } : error;
      const status = isModern && result === undefined && failure.code <= -32_020 && failure.code > -32_030 ? 400 : 200;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, ...(result === undefined ? { error: failure } : { result }) }));
    })().catch(() => response.destroy());
  });
}

beforeAll(async () => {
  hosts = [await serveErrors(false), await serveErrors(true)];
  gateway = await startGateway();
  for (const [index, name] of ['legacy', 'modern'].entries())
    await gateway.createClient(httpClient(`${hosts[index]?.origin}/mcp`, { name }));
  session = await openSession(gateway);
});
afterAll(async () => {
  await gateway.close();
  for (const host of hosts) await host.stop();
});

function send(client: string, server: string, method: string): Promise<RpcAnswer> {
  const params = method === 'resources/read' ? { uri: `${server}:fail` } : { name: `${server}-fail` };
  if (client === 'legacy') return session.request(method, params);
  return postModern(gateway, method, params, client === 'askable' ? { capabilities: ASKABLE } : {});
}

const clients = ['legacy', 'modern', 'askable'];
const cells = clients.flatMap((client) => ['legacy', 'modern'].map((server) => ({ client, server })));
const METHODS = ['tools/call', 'prompts/get', 'resources/read'];

test.for(cells)(
  'errors that mean the same everywhere reach a $client client of a $server server as they are',
  async ({ client, server }) => {
    for (const code of [-32_600, -32_601, -32_603, -32_000, -32_019, -1, 0, 7, 4711]) {
      error = { code, message: `it is ${code}`, data: { why: ['deep', { x: 1 }] } };
      for (const method of METHODS) {
        const { status, reply } = await send(client, server, method);
        expect(reply.error).toEqual(error);
        expect(status).toBe(200);
      }
    }
    error = { code: 5, message: 'no data' };
    expect((await send(client, server, 'tools/call')).reply.error).toEqual(error);
  },
);

test.for(cells)(
  'a missing resource has the code of the era for a $client client of a $server server',
  async ({ client, server }) => {
    for (const code of [-32_002, -32_602]) {
      error = { code, message: 'no such resource' };
      const { reply } = await send(client, server, 'resources/read');
      expect(reply.error).toMatchObject({
        code: client === 'legacy' ? -32_002 : -32_602,
        data: { uri: `${server}:fail` },
      });
    }
  },
);

test.for(cells)(
  'a missing capability is named to a $client client of a $server server if it can understand',
  async ({ client, server }) => {
    const data = { requiredCapabilities: { sampling: {} } };
    error = { code: -32_021, message: 'sampling, please', data };
    for (const method of METHODS) {
      const { status, reply } = await send(client, server, method);
      expect(reply.error?.message).toContain('sampling, please');
      if (client === 'legacy') expect(reply.error?.code).toBe(-32_603);
      else if (server === 'modern') expect([status, reply.error]).toEqual([400, error]);
      if (client === 'legacy') expect(status).toBe(200);
    }
  },
);

test.for(cells)(
  'what went wrong between the gateway and a $server server is not blamed on a $client client',
  async ({ client, server }) => {
    for (const code of [-32_020, -32_022]) {
      error = { code, message: 'header or version', data: { supported: ['2099-01-01'], requested: 'x' } };
      for (const method of METHODS) {
        const { status, reply } = await send(client, server, method);
        expect(reply.error?.code).toBe(-32_603);
        expect(status).toBe(200);
      }
    }
  },
);
