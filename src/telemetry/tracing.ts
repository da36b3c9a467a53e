import type { Attributes } from '@opentelemetry/api';
import type { TraceContext } from '../lib/trace-context.ts';
import type { CallEnd, CallStart } from '../store/ledger-rows.ts';
import type { TracingOptions } from './tracing-options.ts';

/** What a span says of a call when it begins. Arguments are not among it. */
export type TracedCall = Pick<
  CallStart,
  | 'id'
  | 'tool_name'
  | 'server_label'
  | 'client_id'
  | 'source'
  | 'virtual_key_id'
  | 'virtual_key_name'
  | 'team_id'
  | 'customer_id'
>;

/** One tool call in a trace. */
export interface ToolSpan {
  /** For the server to join. */
  readonly context: TraceContext;
  setAttributes(attributes: Attributes): void;
  /** Must be called once. */
  end(end: Pick<CallEnd, 'status' | 'cost' | 'error'>): void;
}

/** Makes spans, or none. */
export interface Tracing {
  /** False: {@link Tracing.startToolCall} must not be called. Look here first; nothing else costs anything then. */
  readonly isOn: boolean;
  startToolCall(parent: TraceContext | undefined, call: TracedCall): ToolSpan;
  /** Sends what is left, as far as the collector takes it within some seconds. */
  close(): Promise<void>;
}

/** Hears that the collector did not take spans. */
export type OnExportError = (error: unknown) => void;

const OFF: Tracing = Object.freeze({
  isOn: false,
  startToolCall(): never {
    throw new Error('tracing is off');
  },
  close: () => Promise.resolve(),
});

/** Traces by these options; the SDK, which takes long to load, is loaded only if there are any. */
export async function createTracing(
  options: TracingOptions | undefined,
  onExportError: OnExportError,
): Promise<Tracing> {
  if (options === undefined) return OFF;
  const { openTracing } = await import('./open-tracing.ts');
  return openTracing(options, onExportError);
}
