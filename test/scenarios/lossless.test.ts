import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { startRawUpstream, type RawUpstream } from '../kit/raw-upstream.ts';
import { openSession, postModern, type LegacySession, type RpcAnswer } from '../kit/wire.ts';

let upstream: RawUpstream;
let gateway: TestGateway;
let session: LegacySession;

beforeAll(async () => {
  upstream = await startRawUpstream();
  gateway = await startGateway();
  await gateway.createClient(httpClient(upstream.url));
  session = await openSession(gateway);
});
afterAll(async () => {
  await gateway.close();
  await upstream[Symbol.asyncDispose]();
});

const call = { name: 'c1-any', arguments: {} };
const eras: readonly (readonly [string, () => Promise<RpcAnswer>])[] = [
  ['legacy', () => session.request('tools/call', call)],
  ['modern', () => postModern(gateway, 'tools/call', call)],
];

/** What the modern revision demands of a gateway to add to a result. */
function withoutStamp(
  result: Record<string, unknown> | undefined,
  sent: Record<string, unknown>,
): Record<string, unknown> {
  const { resultType, ...rest } = result ?? {};
  expect([undefined, 'complete']).toContain(resultType);
  const meta = rest['_meta'];
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) return rest;
  const { 'io.modelcontextprotocol/serverInfo': _stamp, ...own } = meta as Record<string, unknown>;
  return Object.keys(own).length === 0 && !('_meta' in sent) ? omit(rest, '_meta') : { ...rest, _meta: own };
}

function omit(object: Record<string, unknown>, key: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}

/** Any JSON object that may be a result; the members that the protocol itself writes have a shape. */
const anyResult = fc
  .record({
    members: fc.dictionary(
      fc.string().filter((key) => !['_meta', 'resultType', '__proto__'].includes(key)),
      fc.jsonValue(),
      { maxKeys: 5 },
    ),
    content: fc.array(fc.jsonValue(), { maxLength: 3 }),
    structuredContent: fc.option(fc.jsonValue({ depthSize: 'medium' }), { nil: undefined }),
    isError: fc.option(fc.boolean(), { nil: undefined }),
    _meta: fc.option(
      fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        fc.jsonValue(),
        { maxKeys: 3 },
      ),
      { nil: undefined },
    ),
  })
  .map(({ members, ...known }) => JSON.stringify({ ...members, ...known }));

describe.for(['json', 'sse'] as const)('an upstream that answers as %s', (answersAs) => {
  test.for(eras)('any result reaches a %s client equal', async ([, send]) => {
    upstream.answersAs = answersAs;
    const property = fc.asyncProperty(anyResult, async (text) => {
      upstream.resultText = text;
      const sent = JSON.parse(text) as Record<string, unknown>;
      const { status, reply } = await send();
      expect(status).toBe(200);
      expect(withoutStamp(reply.result, sent)).toEqual(sent);
    });
    await fc.assert(property, { numRuns: 100 });
  });

  test.for(eras)(
    'what JSON can say but JavaScript cannot hold reaches a %s client digit by digit',
    async ([, send]) => {
      upstream.answersAs = answersAs;
      const parts = [
        '12345678901234567890123',
        '1.10',
        '-0',
        '1e400',
        '"\\u00e9\\ud83d\\ude00\\ud800"',
        '{"__proto__":{"a":1},"constructor":2}',
        '{"same":1,"same":2}',
        '{"taskId":"of the tool"}',
        '" \\/ \\b\\f\\n\\r\\t \u2028 "',
      ];
      upstream.resultText = `{"content":[],"structuredContent":[${parts.join(',')}],"x": "last" }`;
      const { status, text } = await send();
      expect(status).toBe(200);
      for (const part of parts) expect(text).toContain(part);
    },
  );
});

test.for(eras)('a result of eight megabytes reaches a %s client', async ([, send]) => {
  upstream.answersAs = 'json';
  const long = 'x'.repeat(8 * 1024 * 1024);
  upstream.resultText = JSON.stringify({ content: [{ type: 'text', text: long }] });
  const { reply } = await send();
  expect(reply.result?.['content']).toEqual([{ type: 'text', text: long }]);
});

test('the arguments of a call reach the upstream equal', async () => {
  const property = fc.asyncProperty(
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      fc.jsonValue(),
    ),
    async (args) => {
      upstream.lastArguments = undefined;
      await postModern(gateway, 'tools/call', { name: 'c1-any', arguments: args });
      expect(upstream.lastArguments).toEqual(JSON.parse(JSON.stringify(args)));
    },
  );
  upstream.resultText = '{"content":[]}';
  await fc.assert(property, { numRuns: 100 });
});
