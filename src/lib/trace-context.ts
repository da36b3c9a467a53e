/** Where a request stands in a trace, as W3C Trace Context writes it. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

/** The parts of a `traceparent`. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

const SHAPE = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;
/** The longest `tracestate` that everybody must hand on (W3C Trace Context 3.3.1.5). */
const MAX_STATE = 512;

/** Reads a `traceparent`; undefined for one that breaks the rules and so counts as absent. */
export function parseTraceParent(text: string): TraceParent | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] = SHAPE.exec(text) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The trace that a request belongs to, by two values of any origin; undefined when it belongs to none. */
export function readTraceContext(traceparent: unknown, tracestate: unknown): TraceContext | undefined {
  if (typeof traceparent !== 'string' || parseTraceParent(traceparent) === undefined) return undefined;
  const isState = typeof tracestate === 'string' && tracestate !== '' && tracestate.length <= MAX_STATE;
  return isState && /^[\x20-\x7e]+$/.test(tracestate) ? { traceparent, tracestate } : { traceparent };
}
