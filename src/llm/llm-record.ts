import type { TraceContext } from '../lib/trace-context.ts';
export interface LlmRecord {
  readonly trace: TraceContext | undefined;
  firstByte(sent: unknown): void;
  ended(facts: unknown): void;
  failed(error: unknown): void;
}
export interface LlmRecords {
  begin(facts: unknown): LlmRecord;
}
