import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asObject, given, objectOf, without } from '../../../lib/json-value.ts';
import type { ProviderCodec } from '../format.ts';
import { refuseUnless } from '../refused.ts';
import { decodeAnswer } from './answer.ts';
import { encodeContents } from './contents.ts';
import { decodeError } from './errors.ts';
import { encodeGenerationConfig } from './generation-config.ts';
import { decodeStream } from './stream.ts';
import { encodeToolChoice, encodeTools } from './tools.ts';

/**
 * Fields of chat completions that have a place in Gemini's request, or that only speak of how OpenAI handles a request and
 * change nothing in the answer. Whatever else a caller sends stands in the request under its own name.
 */
const KNOWN = new Set(
  `model messages tools tool_choice web_search_options max_tokens max_completion_tokens temperature top_p top_k n stop seed
  presence_penalty frequency_penalty logprobs top_logprobs modalities response_format reasoning reasoning_effort extra_body
  generationConfig stream stream_options user store metadata service_tier safety_identifier prompt_cache_key
  prompt_cache_retention parallel_tool_calls prediction verbosity logit_bias truncation audio`.split(/\s+/),
);

/** Between chat completions and Gemini's generateContent, at Google's own API and on Vertex. */
export const geminiCodec: ProviderCodec = {
  encodeRequest(chat) {
    refuseUnless(Object.keys(objectOf(chat.logit_bias)).length === 0, 'logit_bias', 'Gemini');
    const { contents, systemInstruction } = encodeContents(chat);
    return {
      ...without(chat, KNOWN),
      contents,
      ...given({
        systemInstruction,
        tools: encodeTools(chat),
        toolConfig: mergeToolConfig(chat),
        generationConfig: encodeGenerationConfig(chat),
        cachedContent: chat.cachedContent ?? asObject(asObject(chat.extra_body)?.google)?.cached_content,
      }),
    };
  },
  decodeResponse: decodeAnswer,
  decodeStream,
  decodeError,
};

function mergeToolConfig(chat: JsonObject): JsonObject | undefined {
  return given({ ...encodeToolChoice(chat.tool_choice), ...asObject(chat.toolConfig) });
}
