import type { JsonObject } from '../../lib/json-rpc.ts';
import { countOf, given, objectOf } from '../../lib/json-value.ts';
import type { Facts, ProviderError } from './format.ts';

/** Why an answer ended, in the words of chat completions. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

/** Tokens of one answer; what a provider does not say is undefined. */
export interface TokenCounts {
  readonly prompt: number;
  readonly completion: number;
  readonly total?: number | undefined;
  readonly cached?: number | undefined;
  readonly cacheWritten?: number | undefined;
  readonly reasoning?: number | undefined;
  readonly promptAudio?: number | undefined;
  readonly completionAudio?: number | undefined;
}

/** A `chat.completion`. */
export function writeCompletion(facts: Facts, choices: JsonObject[], rest: JsonObject): JsonObject {
  const { id, created, model } = facts;
  return { id, object: 'chat.completion', created, model, choices, ...given(rest) };
}

/** One `chat.completion.chunk`. */
export function writeChunk(facts: Facts, choices: JsonObject[], rest: JsonObject = {}): JsonObject {
  const { id, created, model } = facts;
  return { id, object: 'chat.completion.chunk', created, model, choices, ...given(rest) };
}

/** A choice of a chunk that goes on. */
export function writeDelta(index: number, delta: JsonObject, rest: JsonObject = {}): JsonObject {
  return { index, delta, ...given(rest), finish_reason: null };
}

/**
 * What a stream ends with when the provider reports an error in it. It stands alone, as with OpenAI: beside `choices` some clients
 * take it for an empty chunk and see no error.
 */
export function writeFailure({ message, type, code }: ProviderError): JsonObject {
  return { error: { message, type: type ?? null, param: null, code: code ?? null } };
}

/** A tool call; in a stream with its `index`. */
export function writeToolCall(id: string, name: string, input: string): JsonObject {
  return { id, type: 'function', function: { name, arguments: input } };
}

/** `usage` of an answer. */
export function writeUsage(counts: TokenCounts): JsonObject {
  const { prompt, completion, total = prompt + completion } = counts;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: total,
    ...given({
      prompt_tokens_details: given({
        cached_tokens: counts.cached,
        cache_write_tokens: counts.cacheWritten,
        audio_tokens: counts.promptAudio,
      }),
      completion_tokens_details: given({
        reasoning_tokens: counts.reasoning,
        audio_tokens: counts.completionAudio,
      }),
    }),
  };
}

/** Tokens that came out. OpenAI counts thoughts among them; others, such as xAI, beside them, as the total shows. */
export function completionTokens({ prompt, completion, total, reasoning = 0 }: TokenCounts): number {
  return total === prompt + completion + reasoning ? completion + reasoning : completion;
}

/** The same of the `usage` of an answer. */
export function completionTokensIn(usage: JsonObject): number {
  return completionTokens({
    prompt: countOf(usage.prompt_tokens),
    completion: countOf(usage.completion_tokens),
    total: countOf(usage.total_tokens),
    reasoning: countOf(objectOf(usage.completion_tokens_details).reasoning_tokens),
  });
}
