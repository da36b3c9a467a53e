import { readTraceContext, type TraceContext } from '../../lib/trace-context.ts';
import type { JsonObject } from '../../lib/json-rpc.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { ClientRequest } from '../client-side.ts';
import { forwardedHeaders, type CallerHeaders } from './forwarded-headers.ts';
import { metaMembers, type RelayParams } from './relay-params.ts';

type Traced = Pick<ClientRequest, 'headers' | 'params' | 'trace'>;

/**
 * The trace that the caller is in. What MCP says of it comes first: a header may only speak of one of the HTTP requests in
 * between. Values that break the rules are as good as none.
 */
export function traceOf({ headers, params }: Pick<Traced, 'headers' | 'params'>): TraceContext | undefined {
  if (params.trace !== '') {
    const { traceparent, tracestate } = JSON.parse(`{${params.trace.slice(1)}}`) as JsonObject; // our own reader cut it out
    const told = readTraceContext(traceparent, tracestate);
    if (told !== undefined) return told;
  }
  return traceInHeaders(headers);
}

/** The params with our span in the place of the caller's: over stdio there is no other way to hand it on. */
export function tracedParams({ params, trace }: Traced): RelayParams {
  return trace === undefined ? params : { ...params, trace: metaMembers({ ...trace }) };
}

/**
 * The HTTP headers of this call alone: those of the caller that the server wants, and the trace: our span, or without tracing
 * the caller's own, so that a trace does not break here.
 */
export function outgoingHeaders(client: McpClient, request: Traced): Record<string, string> | undefined {
  const { headers } = request;
  const wanted = client.allowed_extra_headers.length === 0 ? undefined : forwardedHeaders(client, headers);
  const trace = request.trace ?? traceInHeaders(headers);
  if (trace === undefined || hasOwn(client, 'traceparent')) return wanted;
  const all: Record<string, string> = { ...wanted, traceparent: trace.traceparent };
  // The state of another span than the one that is handed on would be wrong.
  delete all.tracestate;
  if (trace.tracestate !== undefined) all.tracestate = trace.tracestate;
  return all;
}

/** The common case, no such header, costs one look-up. */
function traceInHeaders(headers: CallerHeaders): TraceContext | undefined {
  return headers.traceparent === undefined ? undefined : readTraceContext(headers.traceparent, headers.tracestate);
}

function hasOwn(client: McpClient, name: string): boolean {
  return Object.keys(client.headers).some((own) => own.toLowerCase() === name);
}
