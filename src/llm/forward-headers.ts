import type { TraceContext } from '../lib/trace-context.ts';
import type { CallerHeaders } from '../mcp/relay/forwarded-headers.ts';
import type { ProviderCall } from './providers/provider.ts';

/** Before the name of a header that is meant for the provider. */
const PREFIX = 'x-bf-eh-';
/** Credentials and what belongs to one connection: never handed on, whoever asks for it. */
const REFUSED = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'host',
  'content-length',
  'content-type',
  'connection',
  'transfer-encoding',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
  'x-bf-api-key',
  'x-bf-api-key-id',
  'x-bf-vk',
]);
/** Part of the format, so that a request in it does not mean the same without them. */
const OF_MESSAGES = ['anthropic-version', 'anthropic-beta'];

/** The headers of a caller that a provider gets. */
export function headersFor(
  format: ProviderCall['format'],
  headers: CallerHeaders,
  trace: TraceContext | undefined,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    const own = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined;
    if (own !== undefined && own !== '' && !REFUSED.has(own)) found[own] = String(value);
    else if (format === 'messages' && OF_MESSAGES.includes(name)) found[name] = String(value);
  }
  if (trace !== undefined) {
    found.traceparent = trace.traceparent;
    if (trace.tracestate !== undefined) found.tracestate = trace.tracestate;
  }
  return found;
}
