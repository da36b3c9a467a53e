import { expect, test } from 'vitest';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { CallerHeaders } from './forwarded-headers.ts';
import { readRelayParams, toRelayParams, writeRelayed } from './relay-params.ts';
import { outgoingHeaders, tracedParams, traceOf } from './trace.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLERS = `00-${TRACE}-b7ad6b7169203331-01`;
const OURS = `00-${TRACE}-00f067aa0ba902b7-01`;

const client = (more: object = {}) =>
  ({ per_user_header_keys: [], allowed_extra_headers: [], headers: {}, ...more }) as unknown as McpClient;
const paramsWith = (meta: object) => readRelayParams(Buffer.from(JSON.stringify({ name: 'add', _meta: meta })));
const plain = toRelayParams('{}');
const sent = (headers: CallerHeaders, more: object = {}, trace?: { traceparent: string; tracestate?: string }) =>
  outgoingHeaders(client(more), { headers, params: plain, ...(trace && { trace }) });

test('what MCP says of the trace comes before what HTTP says', () => {
  const headers = { traceparent: OURS, tracestate: 'h=1' };
  const params = paramsWith({ traceparent: CALLERS, tracestate: 'm=1' });
  expect(traceOf({ headers, params })).toEqual({ traceparent: CALLERS, tracestate: 'm=1' });
  expect(traceOf({ headers, params: plain })).toEqual({ traceparent: OURS, tracestate: 'h=1' });
  expect(traceOf({ headers: {}, params: plain })).toBeUndefined();
});

test('what breaks the rules is passed over', () => {
  expect(traceOf({ headers: { traceparent: OURS }, params: paramsWith({ traceparent: 7 }) })).toEqual({
    traceparent: OURS,
  });
  expect(traceOf({ headers: { traceparent: 'nonsense' }, params: plain })).toBeUndefined();
});

test('without tracing the headers of the trace go on as they came, and nothing else does', () => {
  const headers = { traceparent: CALLERS, tracestate: 'a=1', authorization: 'Bearer x', cookie: 'c', 'x-other': '1' };
  expect(sent(headers)).toEqual({ traceparent: CALLERS, tracestate: 'a=1' });
  expect(sent({ 'x-other': '1' })).toBeUndefined();
  expect(sent({ traceparent: 'nonsense' })).toBeUndefined();
});

test('with tracing our span takes the place of the caller’s, beside the headers that the server wants', () => {
  const headers = { traceparent: CALLERS, tracestate: 'a=1', authorization: 'Bearer x', 'x-tenant': 't' };
  expect(sent(headers, { per_user_header_keys: [], allowed_extra_headers: ['*'] }, { traceparent: OURS })).toEqual({
    'x-tenant': 't',
    traceparent: OURS,
  });
  expect(sent({}, {}, { traceparent: OURS, tracestate: 'a=1' })).toEqual({ traceparent: OURS, tracestate: 'a=1' });
});

test('a server that has a traceparent of its own settings keeps it', () => {
  expect(sent({ traceparent: CALLERS }, { headers: { Traceparent: 'fixed' } }, { traceparent: OURS })).toBeUndefined();
});

test('the message says the trace too: the caller’s own, or our span', () => {
  const meta = { 'example.com/a': 1, traceparent: CALLERS, tracestate: 'a=1', baggage: 'b=2' };
  const params = paramsWith(meta);
  const metaIn = (written: string): unknown => (JSON.parse(written) as { params: { _meta?: unknown } }).params._meta;
  const write = (trace?: { traceparent: string }) =>
    metaIn(writeRelayed(1, 'tools/call', tracedParams({ headers: {}, params, ...(trace && { trace }) }), {}, ''));
  expect(write()).toEqual(meta);
  expect(write({ traceparent: OURS })).toEqual({ 'example.com/a': 1, traceparent: OURS, baggage: 'b=2' });
  const untraced = tracedParams({ headers: {}, params: plain });
  expect(metaIn(writeRelayed(1, 'tools/call', untraced, {}, ''))).toBeUndefined();
});
