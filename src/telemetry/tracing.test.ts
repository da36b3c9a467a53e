import { afterEach, expect, test, vi } from 'vitest';
import { listenOnLoopback, readBody } from '../../test/kit/http-host.ts';
import { startProxy } from '../../test/kit/proxy.ts';
import { parseTraceParent } from '../lib/trace-context.ts';
import type { TracedCall, Tracing } from './spans.ts';
import { readTracingOptions } from './tracing-options.ts';
import { createTracing } from './tracing.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const OK = { status: 'success', cost: 0, error: undefined } as const;
const CALL: TracedCall = {
  id: 'call-1',
  tool_name: 'create_issue',
  server_label: 'github',
  client_id: 'c1',
  source: 'mcp',
  virtual_key_id: 'vk-1',
  virtual_key_name: 'ci',
  team_id: undefined,
  customer_id: undefined,
};

interface SeenSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Record<string, unknown>;
  readonly resource: Record<string, unknown>;
}

/** The other end of OTLP over HTTP, in JSON. */
async function startCollector() {
  const spans: SeenSpan[] = [];
  const requests: { path: string | undefined; headers: Record<string, unknown> }[] = [];
  const host = await listenOnLoopback((request, response) => {
    void (async () => {
      requests.push({ path: request.url, headers: request.headers });
      spans.push(...spansIn(JSON.parse(await readBody(request))));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    })();
  });
  return { origin: host.origin, spans, requests, stop: () => host.stop() };
}

// The shape of OTLP/JSON, as far as it is looked at here.
interface Keyed {
  readonly key: string;
  readonly value: Record<string, unknown>;
}
interface Export {
  readonly resourceSpans: {
    readonly resource: { readonly attributes: Keyed[] };
    readonly scopeSpans: { readonly spans: (Omit<SeenSpan, 'attributes' | 'resource'> & { attributes: Keyed[] })[] }[];
  }[];
}

function spansIn(body: Export): SeenSpan[] {
  const plain = (attributes: Keyed[]) =>
    Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
  return body.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        ...span,
        attributes: plain(span.attributes),
        resource: plain(resource.attributes),
      })),
    ),
  );
}

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const part of open.splice(0)) await part.close();
});

async function start(config: object = {}, env: Record<string, string> = {}) {
  const collector = await startCollector();
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value.replace('ORIGIN', collector.origin));
  const plugin = Object.keys(env).some((name) => name.endsWith('_ENDPOINT'))
    ? undefined
    : { name: 'otel' as const, config: { collector_url: collector.origin, ...config } };
  const errors: unknown[] = [];
  const tracing = await createTracing(readTracingOptions(plugin, process.env), (error) => errors.push(error));
  open.push(tracing, { close: collector.stop });
  return { collector, tracing, errors };
}

/** Ends tracing, so that all spans are with the collector. */
async function only(tracing: Tracing, { spans }: { spans: SeenSpan[] }): Promise<SeenSpan> {
  await tracing.close();
  expect(spans).toHaveLength(1);
  return spans[0] as SeenSpan;
}

test('without a collector tracing is off', async () => {
  const tracing = await createTracing(undefined, () => {});
  expect(tracing.isOn).toBe(false);
  await tracing.close();
});

test('a call becomes a span that says who called what and at what price', async () => {
  const { collector, tracing } = await start({ service_name: 'edge', headers: { 'x-token': 'secret' } });
  const span = tracing.startToolCall(undefined, CALL);
  span.setAttributes({ 'mcp.protocol.version': '2026-07-28' });
  span.end({ ...OK, cost: 2_500_000 });
  const seen = await only(tracing, collector);
  expect(seen).toMatchObject({ name: 'tools/call create_issue', kind: 2 });
  expect(seen.parentSpanId ?? '').toBe('');
  expect(seen.attributes).toEqual({
    'mcp.method.name': 'tools/call',
    'mcp.protocol.version': '2026-07-28',
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'create_issue',
    'asbru.call.id': 'call-1',
    'asbru.source': 'mcp',
    'asbru.mcp.client': 'github',
    'asbru.mcp.client.id': 'c1',
    'asbru.virtual_key.id': 'vk-1',
    'asbru.virtual_key.name': 'ci',
    'asbru.cost': 0.0025,
  });
  expect(seen.resource).toMatchObject({ 'service.name': 'edge' });
  expect(collector.requests[0]).toMatchObject({ path: '/v1/traces', headers: { 'x-token': 'secret' } });
});

test('the trace of the caller is joined, and handed on as the span of the gateway', async () => {
  const { collector, tracing } = await start();
  const parent = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'vendor=1' };
  const span = tracing.startToolCall(parent, CALL);
  span.end(OK);
  const seen = await only(tracing, collector);
  expect(seen).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, traceState: 'vendor=1' });
  expect(span.context).toEqual({ traceparent: `00-${TRACE}-${seen.spanId}-01`, tracestate: 'vendor=1' });
});

test('a caller that does not record its trace is not recorded, but its trace goes on', async () => {
  const { collector, tracing } = await start();
  const span = tracing.startToolCall({ traceparent: `00-${TRACE}-${PARENT}-00` }, CALL);
  span.end(OK);
  await tracing.close();
  expect(collector.spans).toEqual([]);
  expect(parseTraceParent(span.context.traceparent)).toMatchObject({ traceId: TRACE, isSampled: false });
});

test('a failed call is an error without the words of the server', async () => {
  const { collector, tracing } = await start();
  const error = { code: 'upstream_timeout', message: 'no answer to add(password=hunter2)' };
  tracing.startToolCall(undefined, { ...CALL, server_label: undefined }).end({ status: 'error', cost: 0, error });
  const seen = await only(tracing, collector);
  expect(seen).toMatchObject({ name: 'tools/call', status: { code: 2, message: 'upstream_timeout' } });
  expect(seen.attributes['error.type']).toBe('upstream_timeout');
  expect(JSON.stringify(collector.spans)).not.toContain('hunter2');
});

test('the environment alone configures everything', async () => {
  const { collector, tracing } = await start(
    {},
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'ORIGIN/base',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-token=abc',
      OTEL_SERVICE_NAME: 'named',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
    },
  );
  tracing.startToolCall(undefined, CALL).end(OK);
  const { resource } = await only(tracing, collector);
  expect(resource).toMatchObject({ 'service.name': 'named', 'deployment.environment': 'test' });
  expect(collector.requests[0]).toMatchObject({ path: '/base/v1/traces', headers: { 'x-token': 'abc' } });
});

test('the environment says which traces are recorded', async () => {
  const { collector, tracing } = await start({}, { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' });
  tracing.startToolCall({ traceparent: `00-${TRACE}-${PARENT}-01` }, CALL).end(OK);
  await tracing.close();
  expect(collector.spans).toEqual([]);
});

test('a collector that refuses is told of, and holds nothing up', async () => {
  const host = await listenOnLoopback((_, response) => void response.writeHead(400).end());
  open.push({ close: () => host.stop() });
  const errors: unknown[] = [];
  const plugin = { name: 'otel' as const, config: { collector_url: host.origin } };
  const tracing = await createTracing(readTracingOptions(plugin, {}), (error) => errors.push(error));
  tracing.startToolCall(undefined, CALL).end(OK);
  await tracing.close();
  expect(errors.length).toBeGreaterThan(0);
});

test('a collector elsewhere is reached through the proxy of the environment', async () => {
  await using proxy = await startProxy();
  vi.stubEnv('HTTP_PROXY', proxy.url);
  const elsewhere = await startCollector();
  open.push({ close: elsewhere.stop });
  const collector_url = elsewhere.origin.replace('127.0.0.1', 'collector.example');
  const { tracing } = await start({ collector_url });
  tracing.startToolCall(undefined, CALL).end(OK);
  await only(tracing, elsewhere);
  expect(proxy.asked).toEqual([`POST ${collector_url}/v1/traces`]);
});
