import { expect, test } from 'vitest';
import { listenOnLoopback, readBody } from '../../test/kit/http-host.ts';
import { tokenUsage } from '../../test/kit/ledger.ts';
import type { TracedRequest } from './spans.ts';
import { createTracing } from './tracing.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const REQUEST: TracedRequest = {
  ...{ id: 'r1', parent_request_id: 'r0', object: 'responses', provider: 'openai', model: 'gpt-5' },
  ...{ virtual_key_id: 'k1', virtual_key_name: 'ci', team_id: undefined, customer_id: undefined },
};

// The shape of OTLP/JSON, as far as it is looked at here.
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: { readonly key: string; readonly value: Record<string, unknown> }[];
}
interface Export {
  readonly resourceSpans: { readonly scopeSpans: { readonly spans: Span[] }[] }[];
}

test('a request to a model becomes a span by the conventions for generative AI, which the provider can join', async () => {
  const seen: Span[] = [];
  const host = await listenOnLoopback((request, response) => {
    void readBody(request).then((text) => {
      const { resourceSpans } = JSON.parse(text) as Export;
      seen.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  try {
    const sampler = { isParentBased: true, ratio: 1 };
    const options = { url: `${host.origin}/v1/traces`, headers: {}, insecure: false, serviceName: undefined, sampler };
    const tracing = await createTracing(options, (error) => expect.unreachable(String(error)));
    const parent = { traceparent: `00-${TRACE}-${PARENT}-01` };
    const chat = tracing.startModelRequest(parent, REQUEST);
    const usage = tokenUsage({ cached_read_tokens: 9 });
    const rest = { error: undefined, stop_reason: undefined, first_byte: undefined };
    chat.end({ ...rest, status: 'success', cost: 1e9, usage, stop_reason: 'stop', first_byte: 250 });
    const failed = tracing.startModelRequest(parent, { ...REQUEST, object: 'embedding' });
    const error = { code: 'budget_exceeded', message: 'secret words' };
    failed.end({ ...rest, status: 'error', cost: undefined, usage: undefined, error });
    await tracing.close();

    expect(seen.map(({ name, kind, traceId, parentSpanId }) => ({ name, kind, traceId, parentSpanId }))).toEqual(
      ['chat gpt-5', 'embeddings gpt-5'].map((name) => ({ name, kind: 3, traceId: TRACE, parentSpanId: PARENT })),
    );
    expect(chat.context.traceparent).toBe(`00-${TRACE}-${seen[0]?.spanId}-01`);
    const attributes = (span: Span | undefined) =>
      Object.fromEntries((span?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]));
    expect(attributes(seen[0])).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-5',
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 20,
      'gen_ai.usage.cache_read.input_tokens': 9,
      'gen_ai.usage.cache_creation.input_tokens': 0,
      'gen_ai.response.finish_reasons': { values: [{ stringValue: 'stop' }] },
      'gen_ai.response.time_to_first_chunk': 0.25,
      'asbru.request.id': 'r1',
      'asbru.request.parent_id': 'r0',
      'asbru.request.object': 'responses',
      'asbru.virtual_key.id': 'k1',
      'asbru.virtual_key.name': 'ci',
      'asbru.cost': 1,
    });
    expect(seen[1]?.status).toEqual({ code: 2, message: 'budget_exceeded' });
    expect(attributes(seen[1])).not.toHaveProperty(['asbru.cost']);
    expect(JSON.stringify(seen)).not.toContain('secret words');
  } finally {
    await host.stop();
  }
});
