import { expect, test } from 'vitest';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { listenOnLoopback, readBody } from '../kit/http-host.ts';
import { postModern } from '../kit/wire.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLERS = `00-${TRACE}-b7ad6b7169203331-01`;

const calls = ({ requests }: Upstream) => requests.filter(({ rpcMethod }) => rpcMethod === 'tools/call');

test('without an endpoint for traces the caller’s trace goes on to the server as it came, credentials do not', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway();
  await gateway.createClient(httpClient(upstream.url));
  const headers = { traceparent: CALLERS, tracestate: 'vendor=1', 'x-other': 'no' };
  expect((await gateway.execute('c1-add', { a: 1, b: 2 }, headers)).status).toBe(200);
  expect((await gateway.execute('c1-add', { a: 1, b: 2 }, { traceparent: 'nonsense' })).status).toBe(200);
  const [first, second] = calls(upstream);
  expect(first?.headers).toMatchObject({ traceparent: CALLERS, tracestate: 'vendor=1' });
  for (const name of ['authorization', 'x-other']) expect(first?.headers).not.toHaveProperty(name);
  expect(second?.headers).not.toHaveProperty('traceparent');
});

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly status: { readonly code?: number };
}

/** A collector of OTLP over HTTP. */
async function startCollector() {
  const spans: Span[] = [];
  const paths: (string | undefined)[] = [];
  const host = await listenOnLoopback((request, response) => {
    void (async () => {
      paths.push(request.url);
      const { resourceSpans } = JSON.parse(await readBody(request)) as {
        resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
      };
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    })();
  });
  return { url: host.origin, spans, paths, [Symbol.asyncDispose]: () => host.stop() };
}

function attributeOf({ attributes }: Span, name: string): unknown {
  return Object.values(attributes.find(({ key }) => key === name)?.value ?? {})[0];
}

test('with an endpoint a call is a span of the caller’s trace, and the server gets that span', async () => {
  await using collector = await startCollector();
  await using upstream = await startUpstream();
  {
    const plugins = [{ name: 'otel', config: { collector_url: collector.url } }];
    await using gateway = await startGateway({ config: { plugins } });
    await gateway.createClient(httpClient(upstream.url));
    const headers = { traceparent: CALLERS, tracestate: 'vendor=1' };
    await gateway.execute('c1-add', { a: 1, b: 2 }, headers);
    await postModern(gateway, 'tools/call', { name: 'c1-fail', arguments: {} }, { headers });
    await gateway.execute('c1-echo', { text: 'canary' });
    await gateway.execute('c1-invented', {}, headers);
    const { body } = await gateway.api('GET', '/api/mcp-logs?tool_names=add');
    expect(body).toMatchObject({ logs: [{ metadata: { trace_id: TRACE } }] });
  } // what is left goes out at the end
  const { paths } = collector;
  // Each node sends its own.
  const spans = collector.spans.toSorted((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)));
  expect(new Set(paths)).toEqual(new Set(['/v1/traces']));
  expect(spans.map(({ name }) => name)).toEqual([
    'tools/call add',
    'tools/call fail',
    'tools/call echo',
    expect.stringContaining('tools/call') as string,
  ]);
  const [add, fail, own, refused] = spans as [Span, Span, Span, Span];
  for (const span of [add, fail, refused])
    expect(span).toMatchObject({ traceId: TRACE, parentSpanId: CALLERS.split('-')[2] });
  expect(own.traceId).not.toBe(TRACE);
  expect(own.parentSpanId ?? '').toBe('');
  const sent = calls(upstream).map(({ headers }) => headers);
  expect(sent.map(({ traceparent }) => traceparent)).toEqual(
    [add, fail, own].map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
  );
  expect(sent[0]).toMatchObject({ tracestate: 'vendor=1' });
  expect(attributeOf(add, 'asbru.mcp.client')).toBe('c1');
  expect(attributeOf(refused, 'error.type')).toBe('mcp_tool_not_found');
  expect([add, own].map(({ status }) => status.code ?? 0)).toEqual([0, 0]);
  expect([fail, refused].map(({ status }) => status.code)).toEqual([2, 2]);
  expect(JSON.stringify(spans)).not.toMatch(/canary|it went wrong/);
});
