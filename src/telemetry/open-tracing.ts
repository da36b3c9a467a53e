import { setTimeout as sleep } from 'node:timers/promises';
import { createTraceState, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import type { Attributes, Context, Span } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, resourceAttributesEnvDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { serviceNameEnvDetector, type Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, ParentBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import { TraceIdRatioBasedSampler, type Sampler, type SpanExporter } from '@opentelemetry/sdk-trace';
import { readProxies } from '../lib/proxy.ts';
import { parseTraceParent, type TraceContext } from '../lib/trace-context.ts';
import { VERSION } from '../lib/version.ts';
import type { ModelSpan, OnExportError, ToolSpan, TracedCall, TracedRequest, Tracing } from './spans.ts';
import { errorTypeOf } from './tool-metrics.ts';
import type { SamplerChoice, TracingOptions } from './tracing-options.ts';

/** A collector that does not answer must not hold up the end of the gateway. */
const CLOSE_MS = 5_000;

/** Traces with the SDK. Only for createTracing, which loads this file when it is needed. */
export function openTracing(options: TracingOptions, onExportError: OnExportError): Tracing {
  const provider = new TracerProvider({
    resource: resourceOf(options),
    sampler: samplerOf(options.sampler),
    spanProcessors: [new BatchSpanProcessor({ exporter: createExporter(options, onExportError) })],
  });
  const tracer = provider.getTracer('asbru', VERSION);

  return {
    isOn: true,
    startToolCall(parent, call) {
      // A name that no server knows is the caller's invention, and span names are to be few.
      const name = call.server_label === undefined ? 'tools/call' : `tools/call ${call.tool_name}`;
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes: attributesOf(call) }, contextOf(parent));
      return toolSpan(span);
    },
    startModelRequest(parent, request) {
      const name = `${operationOf(request)} ${request.model}`;
      const options = { kind: SpanKind.CLIENT, attributes: requestAttributes(request) };
      return modelSpan(tracer.startSpan(name, options, contextOf(parent)));
    },
    async close() {
      const closed = provider.shutdown().catch(onExportError);
      await Promise.race([closed, sleep(CLOSE_MS, undefined, { ref: false })]);
    },
  };
}

function toolSpan(span: Span): ToolSpan {
  return {
    context: contextFrom(span),
    setAttributes: (attributes) => void span.setAttributes(attributes),
    end({ status, cost, error }) {
      span.setAttribute('asbru.cost', cost / 1e9);
      endSpan(span, { status, error });
    },
  };
}

function modelSpan(span: Span): ModelSpan {
  return {
    context: contextFrom(span),
    end({ status, cost, error, usage, stop_reason, first_byte }) {
      if (cost !== undefined) span.setAttribute('asbru.cost', cost / 1e9);
      if (usage !== undefined) {
        span.setAttribute('gen_ai.usage.input_tokens', usage.prompt_tokens);
        span.setAttribute('gen_ai.usage.output_tokens', usage.completion_tokens);
        span.setAttribute('gen_ai.usage.cache_read.input_tokens', usage.cached_read_tokens);
        span.setAttribute('gen_ai.usage.cache_creation.input_tokens', usage.cached_write_tokens);
      }
      if (stop_reason !== undefined) span.setAttribute('gen_ai.response.finish_reasons', [stop_reason]);
      if (first_byte !== undefined) span.setAttribute('gen_ai.response.time_to_first_chunk', first_byte / 1_000);
      endSpan(span, { status, error });
    },
  };
}

function contextFrom(span: Span): TraceContext {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const flags = (traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0');
  const tracestate = traceState?.serialize();
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, ...(tracestate && { tracestate }) };
}

function endSpan(span: Span, end: Parameters<typeof errorTypeOf>[0]): void {
  if (end.status === 'error') {
    const type = errorTypeOf(end);
    span.setAttribute('error.type', type);
    // Not the message: servers repeat arguments in theirs.
    span.setStatus({ code: SpanStatusCode.ERROR, message: type });
  }
  span.end();
}

function operationOf({ object }: TracedRequest): string {
  return object === 'embedding' ? 'embeddings' : 'chat';
}

/** By the semantic conventions for generative AI. */
function requestAttributes(request: TracedRequest): Attributes {
  return present({
    'gen_ai.operation.name': operationOf(request),
    'gen_ai.provider.name': request.provider,
    'gen_ai.request.model': request.model,
    'asbru.request.id': request.id,
    'asbru.request.parent_id': request.parent_request_id,
    'asbru.request.object': request.object,
    'asbru.virtual_key.id': request.virtual_key_id,
    'asbru.virtual_key.name': request.virtual_key_name,
    'asbru.team.id': request.team_id,
    'asbru.customer.id': request.customer_id,
  });
}

function present(attributes: Readonly<Record<string, string | undefined>>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

/** By the semantic conventions for MCP and generative AI; what they have no word for is under `asbru.`. */
function attributesOf(call: TracedCall): Attributes {
  return present({
    'mcp.method.name': 'tools/call',
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': call.tool_name,
    'asbru.call.id': call.id,
    'asbru.source': call.source,
    'asbru.mcp.client': call.server_label,
    'asbru.mcp.client.id': call.client_id,
    'asbru.virtual_key.id': call.virtual_key_id,
    'asbru.virtual_key.name': call.virtual_key_name,
    'asbru.team.id': call.team_id,
    'asbru.customer.id': call.customer_id,
  });
}

function contextOf(parent: TraceContext | undefined): Context {
  const parsed = parent && parseTraceParent(parent.traceparent);
  if (parsed === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, isSampled } = parsed;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(parent?.tracestate !== undefined && { traceState: createTraceState(parent.tracestate) }),
  });
}

function resourceOf({ serviceName }: TracingOptions): Resource {
  const detectors = [resourceAttributesEnvDetector, serviceNameEnvDetector];
  const own = resourceFromAttributes({ 'service.name': 'asbru', 'service.version': VERSION });
  const told = own.merge(detectResources({ detectors }));
  return serviceName === undefined ? told : told.merge(resourceFromAttributes({ 'service.name': serviceName }));
}

function samplerOf({ isParentBased, ratio }: SamplerChoice): Sampler {
  const root = new TraceIdRatioBasedSampler(ratio);
  return isParentBased ? new ParentBasedSampler({ root }) : root;
}

/** By our own rules: Node's would also ask a proxy for this machine. */
function isProxied(url: string | undefined): boolean {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: common } = process.env;
  const target = url ?? (own?.trim() || common?.trim() || '');
  return URL.canParse(target) && readProxies(process.env)(new URL(target)) !== undefined;
}

function createExporter({ url, headers, insecure }: TracingOptions, onExportError: OnExportError): SpanExporter {
  const exporter = new OTLPTraceExporter({
    ...(url !== undefined && { url }),
    headers: { ...headers },
    // The exporter has a client of its own, Node's, which knows the proxies of the environment when it is told to.
    httpAgentOptions: {
      keepAlive: true,
      ...(isProxied(url) && { proxyEnv: process.env }),
      ...(insecure && { rejectUnauthorized: false }),
    },
  });
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error !== undefined) onExportError(result.error);
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
}
