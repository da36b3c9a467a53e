import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asNumber, asText, defined, given, isObject, objectOf, textOf, without } from '../../../lib/json-value.ts';
import { defaultMaxTokens } from '../claude-model.ts';
import { refused } from '../refused.ts';
import { encodeTools, encodeToolChoice } from './encode-tools.ts';
import { encodeTurns, shorten } from './encode-turns.ts';
import { encodeThinking } from './thinking.ts';

/**
 * What chat completions know and this codec writes in another way, or leaves out because it is a hint that Anthropic has no word for
 * and would refuse. Everything else is handed on.
 */
const CHAT_FIELDS = new Set(
  (
    'messages max_tokens max_completion_tokens tools tool_choice parallel_tool_calls stop temperature response_format user metadata ' +
    'service_tier reasoning reasoning_effort stream_options n logprobs top_logprobs modalities audio functions function_call ' +
    'frequency_penalty presence_penalty logit_bias seed store prediction prompt_cache_key prompt_cache_retention safety_identifier ' +
    'verbosity web_search_options truncation output_config'
  ).split(' '),
);

/** What the answer could not be without, and Anthropic cannot give. */
const REFUSED: readonly (readonly [string, (value: JsonObject[string]) => boolean, string])[] = [
  ['n', (value) => asNumber(value) !== undefined && value !== 1, 'Anthropic gives one answer; send 1 or leave it out'],
  ['logprobs', (value) => value === true, 'Anthropic gives no log probabilities; leave it out'],
  ['modalities', (value) => Array.isArray(value) && value.includes('audio'), 'Anthropic answers in text only'],
  ['audio', isObject, 'Anthropic answers in text only'],
  ['functions', Array.isArray, 'is the former name of tools; send tools'],
  [
    'web_search_options',
    isObject,
    'Anthropic searches with a tool; send {"type": "web_search_20260209", ...} in tools',
  ],
];

const AS_JSON = 'Answer with one JSON object and nothing else.';

/** A chat completion request as Anthropic's Messages API takes it. */
export function encodeRequest(chat: JsonObject): JsonObject {
  for (const [field, isRefused, rule] of REFUSED) if (isRefused(chat[field])) throw refused(field, rule);
  const model = textOf(chat.model);
  const maxTokens = asNumber(chat.max_completion_tokens) ?? asNumber(chat.max_tokens) ?? defaultMaxTokens(model);
  const { thinking, effort } = encodeThinking(chat, model, maxTokens);
  const { system, turns } = encodeTurns(chat);
  const tools = encodeTools(chat);
  if (objectOf(chat.response_format).type === 'json_object') system.push({ type: 'text', text: AS_JSON });
  return defined({
    // In chat completions null stands for "not given"; Anthropic mostly refuses it.
    ...given(without(chat, CHAT_FIELDS)),
    max_tokens: maxTokens,
    system: system.length === 0 ? undefined : shorten(system),
    messages: turns,
    tools: tools.length === 0 ? undefined : tools,
    tool_choice: tools.length === 0 ? undefined : encodeToolChoice(chat),
    stop_sequences: stopSequences(chat.stop),
    temperature: temperatureOf(chat.temperature),
    thinking: thinking ?? chat.thinking,
    output_config: outputConfig(chat, effort),
    metadata: metadataOf(chat),
    service_tier: tierOf(chat.service_tier),
  });
}

function stopSequences(stop: JsonObject[string]): string[] | undefined {
  const list = typeof stop === 'string' ? [stop] : Array.isArray(stop) ? stop : [];
  // One that is only white space is refused there.
  const sequences = list.filter((text): text is string => typeof text === 'string' && text.trim() !== '');
  return sequences.length === 0 ? undefined : sequences;
}

/** Chat completions count up to 2, Anthropic up to 1. */
function temperatureOf(value: JsonObject[string]): number | undefined {
  const temperature = asNumber(value);
  return temperature === undefined ? undefined : Math.min(1, Math.max(0, temperature));
}

function outputConfig(chat: JsonObject, effort: string | undefined): JsonObject | undefined {
  const format = objectOf(chat.response_format);
  const schema = format.type === 'json_schema' ? objectOf(format.json_schema).schema : undefined;
  const config = defined({
    ...objectOf(chat.output_config),
    ...(effort === undefined ? {} : { effort }),
    ...(schema === undefined ? {} : { format: { type: 'json_schema', schema } }),
  });
  return Object.keys(config).length === 0 ? undefined : config;
}

/** Anthropic's metadata is about the user; that of chat completions is for a store that is not there. */
function metadataOf(chat: JsonObject): JsonObject | undefined {
  const user = asText(chat.user) ?? asText(chat.safety_identifier) ?? asText(objectOf(chat.metadata).user_id);
  return user === undefined || user === '' ? undefined : { user_id: user };
}

function tierOf(tier: JsonObject[string]): string | undefined {
  switch (textOf(tier)) {
    case 'auto':
    case 'priority':
      return 'auto';
    case 'default':
    case 'standard_only':
      return 'standard_only';
    default:
      return undefined; // flex and scale: OpenAI's own
  }
}
