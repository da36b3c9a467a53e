import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asNumber, asText, countOf, defined, given, objectOf, without } from '../../../lib/json-value.ts';
import { completionTokensIn } from '../chat-answer.ts';

const COUNTS = new Set([
  ...['input_tokens', 'output_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'],
  ...['output_tokens_details', 'service_tier'],
]);

/**
 * Anthropic's usage as that of chat completions: `prompt_tokens` counts what was read from and written to the cache too, and the
 * details say how much of it that was. The rest, such as `cache_creation` and `server_tool_use`, stays as it is.
 */
export function decodeUsage(usage: JsonObject): JsonObject {
  const cached = countOf(usage.cache_read_input_tokens);
  const written = countOf(usage.cache_creation_input_tokens);
  const prompt = countOf(usage.input_tokens) + cached + written;
  const completion = countOf(usage.output_tokens);
  const thinking = asNumber(objectOf(usage.output_tokens_details).thinking_tokens);
  return defined({
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    completion_tokens_details: thinking === undefined ? undefined : { reasoning_tokens: thinking },
    ...given(without(usage, COUNTS)),
  });
}

/** The other way round. */
export function encodeUsage(usage: JsonObject): JsonObject {
  const details = objectOf(usage.prompt_tokens_details);
  const cached = countOf(details.cached_tokens);
  const written = countOf(details.cache_write_tokens);
  const thinking = asNumber(objectOf(usage.completion_tokens_details).reasoning_tokens);
  return defined({
    input_tokens: Math.max(0, countOf(usage.prompt_tokens) - cached - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
    output_tokens: completionTokensIn(usage),
    output_tokens_details: thinking === undefined ? undefined : { thinking_tokens: thinking },
    cache_creation: usage.cache_creation,
    server_tool_use: usage.server_tool_use,
  });
}

/** The tier that served the request, in OpenAI's words. */
export function decodeTier(usage: JsonObject): string | undefined {
  const tier = asText(usage.service_tier);
  return tier === 'standard' ? 'default' : tier;
}

/** The same in Anthropic's words; null where it is none of them. */
export function encodeTier(tier: JsonObject[string]): string | null {
  if (tier === 'default') return 'standard';
  return tier === 'priority' || tier === 'batch' ? tier : null;
}
