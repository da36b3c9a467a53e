import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asNumber, asObject, asText, given, listOf, objectOf, without } from '../../../lib/json-value.ts';
import { maxTokensOf, stopsOf } from '../chat-request.ts';
import type { ProviderCodec } from '../format.ts';
import { refused, refuseUnless } from '../refused.ts';
import { decodeAnswer } from './answer.ts';
import { encodeMessages } from './messages.ts';
import { decodeStream } from './stream.ts';
import { encodeThinking } from './thinking.ts';
import { encodeToolConfig } from './tools.ts';

/** Fields of chat completions with a place of their own, or that only speak of how OpenAI handles a request. */
const KNOWN = new Set(
  `model messages tools tool_choice max_tokens max_completion_tokens temperature top_p stop n logprobs top_logprobs logit_bias
  modalities response_format reasoning reasoning_effort stream stream_options user store metadata service_tier
  safety_identifier prompt_cache_key prompt_cache_retention parallel_tool_calls prediction verbosity truncation audio
  web_search_options`.split(/\s+/),
);
/** Fields of Converse itself: they stand where they are. */
const NATIVE = new Set(
  `guardrailConfig performanceConfig requestMetadata promptVariables additionalModelRequestFields
  additionalModelResponseFieldPaths serviceTier outputConfig`.split(/\s+/),
);

/** Between chat completions and Bedrock's Converse and ConverseStream. */
export const converseCodec: ProviderCodec = {
  encodeRequest(chat) {
    refuseInexpressible(chat);
    const { messages, system, called } = encodeMessages(chat);
    const rest = without(chat, KNOWN);
    const additional = {
      ...encodeThinking(chat),
      ...dropNeutral(without(rest, NATIVE)),
      ...asObject(rest.additionalModelRequestFields),
    };
    return {
      messages,
      ...given({
        system,
        toolConfig: encodeToolConfig(chat, called),
        inferenceConfig: encodeInferenceConfig(chat),
        outputConfig: encodeResponseFormat(chat),
        serviceTier: encodeServiceTier(chat),
        ...Object.fromEntries(Object.entries(rest).filter(([name]) => NATIVE.has(name))),
        additionalModelRequestFields: given(additional),
      }),
    };
  },
  decodeResponse: decodeAnswer,
  decodeStream,
  decodeError: (native) => ({
    message: asText(native.message) ?? asText(native.Message) ?? 'the provider gave no reason',
    type: asText(native.__type)?.replace(/^.*#/, ''),
  }),
};

function refuseInexpressible(chat: JsonObject): void {
  refuseUnless((asNumber(chat.n) ?? 1) === 1, 'n', 'Bedrock');
  refuseUnless(chat.logprobs !== true, 'logprobs', 'Bedrock');
  refuseUnless(Object.keys(objectOf(chat.logit_bias)).length === 0, 'logit_bias', 'Bedrock');
  refuseUnless(
    listOf(chat.modalities).every((modality) => modality === 'text'),
    'modalities',
    'Bedrock',
  );
}

function encodeInferenceConfig(chat: JsonObject): JsonObject | undefined {
  return given({
    maxTokens: maxTokensOf(chat),
    temperature: chat.temperature,
    topP: chat.top_p,
    stopSequences: stopsOf(chat),
  });
}

/** Clients send penalties of 0 without meaning anything; models that know no penalties refuse even those. */
function dropNeutral(fields: JsonObject): JsonObject {
  const isNeutral = (name: string): boolean => name.endsWith('_penalty') && fields[name] === 0;
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !isNeutral(name)));
}

function encodeResponseFormat(chat: JsonObject): JsonObject | undefined {
  const format = asObject(chat.response_format);
  if (format === undefined || format.type === 'text') return undefined;
  const described = asObject(format.json_schema);
  const schema = asObject(described?.schema);
  if (format.type !== 'json_schema' || schema === undefined)
    throw refused('response_format', 'must be of type text, or of type json_schema with a schema, for Bedrock');
  const { name, description } = described ?? {};
  const jsonSchema = { schema: JSON.stringify(schema), ...given({ name, description }) };
  return { textFormat: { type: 'json_schema', structure: { jsonSchema } } };
}

function encodeServiceTier(chat: JsonObject): JsonObject | undefined {
  const tier = asText(chat.service_tier);
  return tier === undefined || tier === 'auto' ? undefined : { type: tier };
}
