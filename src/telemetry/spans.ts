import type { Attributes } from '@opentelemetry/api';
import type { TraceContext } from '../lib/trace-context.ts';
import type { CallEnd, CallStart, LlmEnd, LlmStart } from '../store/ledger-rows.ts';

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

/** What a span says of a request to a model. What was asked and answered is not among it. */
export type TracedRequest = Pick<
  LlmStart,
  | 'id'
  | 'parent_request_id'
  | 'object'
  | 'provider'
  | 'model'
  | 'virtual_key_id'
  | 'virtual_key_name'
  | 'team_id'
  | 'customer_id'
>;

/** One request to a model in a trace. */
export interface ModelSpan {
  /** For the provider to join. */
  readonly context: TraceContext;
  /** Must be called once. */
  end(end: Pick<LlmEnd, 'status' | 'cost' | 'error' | 'usage' | 'stop_reason' | 'first_byte'>): void;
}

/** Makes spans, or none. */
export interface Tracing {
  /** False: nothing must be started. Look here first; nothing else costs anything then. */
  readonly isOn: boolean;
  startToolCall(parent: TraceContext | undefined, call: TracedCall): ToolSpan;
  startModelRequest(parent: TraceContext | undefined, request: TracedRequest): ModelSpan;
  /** Sends what is left, as far as the collector takes it within some seconds. */
  close(): Promise<void>;
}

/** Hears that the collector did not take spans. */
export type OnExportError = (error: unknown) => void;
