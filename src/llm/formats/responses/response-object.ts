import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asText, countOf, defined, isObject, objectOf, textOf } from '../../../lib/json-value.ts';
import { completionTokensIn } from '../chat-answer.ts';

/** What is known of an answer apart from what it says. */
export interface ResponseFacts {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

/** A response that has said nothing yet: it repeats what was asked, as OpenAI's does. */
export function beginResponse(request: JsonObject, { id, created, model }: ResponseFacts): JsonObject {
  const { instructions, max_output_tokens, max_tool_calls, user, safety_identifier, prompt_cache_key } = request;
  return {
    id,
    object: 'response',
    created_at: created,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: instructions ?? null,
    max_output_tokens: max_output_tokens ?? null,
    max_tool_calls: max_tool_calls ?? null,
    metadata: request.metadata ?? {},
    model,
    output: [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: null,
    prompt_cache_key: prompt_cache_key ?? null,
    reasoning: { effort: null, summary: null, ...objectOf(request.reasoning) },
    safety_identifier: safety_identifier ?? null,
    service_tier: request.service_tier ?? 'auto',
    store: false, // whatever was asked: nobody can fetch it
    temperature: request.temperature ?? 1,
    text: { format: { type: 'text' }, ...objectOf(request.text) },
    tool_choice: request.tool_choice ?? 'auto',
    tools: request.tools ?? [],
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    truncation: request.truncation ?? 'disabled',
    usage: null,
    user: user ?? null,
  };
}

/** How a response ends, by why the chat completion did. */
export function endResponse(finish: string): {
  status: 'completed' | 'incomplete';
  incomplete_details: JsonObject | null;
} {
  if (finish === 'length') return { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
  if (finish === 'content_filter') return { status: 'incomplete', incomplete_details: { reason: 'content_filter' } };
  return { status: 'completed', incomplete_details: null };
}

/** `usage` of a chat completion as that of a response. */
export function encodeUsage(usage: JsonObject | undefined): JsonObject | null {
  if (!isObject(usage)) return null;
  const input = objectOf(usage.prompt_tokens_details);
  const output = objectOf(usage.completion_tokens_details);
  const prompt = countOf(usage.prompt_tokens);
  const completion = completionTokensIn(usage);
  return {
    input_tokens: prompt,
    input_tokens_details: defined({
      cached_tokens: countOf(input.cached_tokens),
      cache_write_tokens: input.cache_write_tokens,
    }),
    output_tokens: completion,
    output_tokens_details: { reasoning_tokens: countOf(output.reasoning_tokens) },
    total_tokens: countOf(usage.total_tokens) || prompt + completion,
  };
}

/** Error codes that a response may have; clients know no others. */
const CODES = new Set(['server_error', 'rate_limit_exceeded', 'invalid_prompt', 'vector_store_timeout']);

/** What went wrong, as a failed response says it. */
export function encodeError(error: JsonObject): JsonObject {
  const kind = asText(error.code) ?? textOf(error.type);
  const code = CODES.has(kind) ? kind : kind.includes('rate_limit') ? 'rate_limit_exceeded' : 'server_error';
  return { code, message: asText(error.message) ?? 'the provider did not say what is wrong' };
}
