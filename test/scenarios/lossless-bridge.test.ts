import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ASKABLE } from '../kit/asked-clients.ts';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { startRawUpstream, type RawUpstream } from '../kit/raw-upstream.ts';
import { openSession, postModern, type LegacySession, type RpcAnswer } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

/** Members that the revisions put into results themselves. */
const OWN = ['resultType', 'ttlMs', 'cacheScope', '_meta', '__proto__'];
const METHODS = {
  'tools/call': { name: 'c1-any' },
  'prompts/get': { name: 'c1-any' },
  'resources/read': { uri: 'raw:any' },
};

/** Any JSON object that may be a result. Addresses of resources in it are no business of a gateway with one server. */
const anyResult = fc
  .record({
    members: fc.dictionary(
      fc.string().filter((key) => !OWN.includes(key)),
      fc.jsonValue({ depthSize: 'medium' }),
      { maxKeys: 6 },
    ),
    contents: fc.array(fc.record({ uri: fc.webUrl(), text: fc.string({ unit: 'binary' }) }), { maxLength: 3 }),
    meta: fc.option(
      fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        fc.jsonValue(),
        { maxKeys: 3 },
      ),
      { nil: undefined },
    ),
  })
  .map(({ members, contents, meta }): JsonObject => ({
    ...members,
    contents,
    ...(meta !== undefined && { _meta: meta }),
  }));

describe.for(['legacy', 'modern'] as const)('a %s server', (server) => {
  let upstream: RawUpstream;
  let gateway: TestGateway;
  let sessions: Record<string, LegacySession>;
  beforeAll(async () => {
    upstream = await startRawUpstream(server);
    gateway = await startGateway();
    await gateway.createClient(httpClient(upstream.url));
    sessions = {
      legacy: await openSession(gateway),
      'legacy that can be asked': await openSession(gateway, {}, ASKABLE),
    };
  });
  afterAll(async () => {
    await gateway.close();
    await upstream[Symbol.asyncDispose]();
  });

  function send(client: string, method: string, params: JsonObject): Promise<RpcAnswer> {
    const capabilities = client.endsWith('asked') ? ASKABLE : {};
    return sessions[client]?.request(method, params) ?? postModern(gateway, method, params, { capabilities });
  }

  const clients = ['legacy', 'legacy that can be asked', 'modern', 'modern that can be asked'];
  test.for(clients.flatMap((client) => Object.keys(METHODS).map((method) => ({ client, method }))))(
    'any result of $method reaches a $client client equal',
    async ({ client, method }) => {
      const property = fc.asyncProperty(anyResult, fc.constantFrom('json', 'sse'), async (sent, answersAs) => {
        upstream.answersAs = answersAs;
        upstream.resultText = JSON.stringify(server === 'modern' ? { resultType: 'complete', ...sent } : sent);
        const { status, reply } = await send(client, method, METHODS[method as keyof typeof METHODS]);
        expect(status).toBe(200);
        const { resultType, ttlMs: _ttl, cacheScope: _scope, ...rest } = reply.result ?? {};
        expect(resultType).toBe(client.startsWith('legacy') ? undefined : 'complete');
        expect(rest).toEqual(JSON.parse(JSON.stringify(sent)));
      });
      await fc.assert(property, { numRuns: 40 });
    },
  );

  test.for(clients)('keeps its own word on caching for a %s client, if it is modern', async (client) => {
    upstream.answersAs = 'json';
    const hints = { ttlMs: 5_000, cacheScope: 'public' };
    upstream.resultText = JSON.stringify({ resultType: 'complete', ...hints, contents: [] });
    const { reply } = await send(client, 'resources/read', METHODS['resources/read']);
    if (client.startsWith('legacy')) expect(reply.result).toEqual({ contents: [] });
    else if (server === 'modern') expect(reply.result).toMatchObject({ ...hints, contents: [] });
  });
});
