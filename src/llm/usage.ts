import type { JsonObject } from '../lib/json-rpc.ts';
import type { TokenUsage } from '../store/ledger-rows.ts';
import { objectOf } from './dialects/dialect.ts';
import type { CallerFormat } from './formats/format.ts';

export function usageOf(_format: CallerFormat, answer: JsonObject, _request: Buffer): TokenUsage {
  const usage = objectOf(answer.usage) ?? {};
  const n = (v: unknown) => (typeof v === 'number' ? v : 0);
  const prompt_tokens = n(usage.prompt_tokens) + n(usage.input_tokens);
  const completion_tokens = n(usage.completion_tokens) + n(usage.output_tokens);
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    cached_read_tokens: 0,
    cached_write_tokens: 0,
    reasoning_tokens: 0,
    is_estimate: false,
  };
}
