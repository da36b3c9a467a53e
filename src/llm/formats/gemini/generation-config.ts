import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asObject, asText, given, listOf, textOf } from '../../../lib/json-value.ts';
import { maxTokensOf, stopsOf, effortOf } from '../chat-request.ts';
import { refused } from '../refused.ts';
import { isOld } from './model.ts';

/** How Gemini 2.5 and older are told how hard to think: tokens, as Google's own chat completions endpoint gives them. */
const BUDGETS: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
};
/** The same for Gemini 3 and later. */
const LEVELS: Readonly<Record<string, string>> = {
  none: 'MINIMAL',
  minimal: 'MINIMAL',
  low: 'LOW',
  medium: 'MEDIUM',
  high: 'HIGH',
  xhigh: 'HIGH',
  max: 'HIGH',
};

/** How the answer shall be generated: length, randomness, form, thinking. What the caller said in Gemini's words wins. */
export function encodeGenerationConfig(chat: JsonObject): JsonObject | undefined {
  const isWithLogprobs = chat.logprobs === true;
  return given({
    maxOutputTokens: maxTokensOf(chat),
    temperature: chat.temperature,
    topP: chat.top_p,
    topK: chat.top_k,
    candidateCount: chat.n === 1 ? undefined : chat.n,
    stopSequences: stopsOf(chat),
    seed: chat.seed,
    presencePenalty: chat.presence_penalty,
    frequencyPenalty: chat.frequency_penalty,
    responseLogprobs: isWithLogprobs ? true : undefined,
    logprobs: isWithLogprobs ? chat.top_logprobs : undefined,
    responseModalities: modalitiesOf(chat),
    ...encodeResponseFormat(chat),
    thinkingConfig: encodeThinking(chat),
    ...asObject(chat.generationConfig),
  });
}

function modalitiesOf(chat: JsonObject): string[] | undefined {
  const modalities = listOf(chat.modalities).flatMap((modality) => asText(modality)?.toUpperCase() ?? []);
  return modalities.length === 0 || (modalities.length === 1 && modalities[0] === 'TEXT') ? undefined : modalities;
}

function encodeResponseFormat(chat: JsonObject): JsonObject {
  const format = asObject(chat.response_format);
  if (format === undefined || format.type === 'text') return {};
  if (format.type === 'json_object') return { responseMimeType: 'application/json' };
  if (format.type !== 'json_schema') throw refused('response_format.type', 'must be text, json_object or json_schema');
  const schema = asObject(format.json_schema)?.schema;
  return { responseMimeType: 'application/json', ...given({ responseJsonSchema: schema }) };
}

function encodeThinking(chat: JsonObject): JsonObject | undefined {
  const { effort, budget } = effortOf(chat);
  const own = readOwnThinking(chat);
  if (own !== undefined) return own;
  if (budget !== undefined) return { thinkingBudget: budget, includeThoughts: budget !== 0 };
  if (effort === undefined) return undefined;
  const model = textOf(chat.model);
  const includeThoughts = effort !== 'none';
  if (isOld(model)) return { ...thinkingBudget(model, effort), includeThoughts };
  return { thinkingLevel: thinkingLevel(model, effort), includeThoughts };
}

/** `extra_body.google.thinking_config`, as Google's own chat completions endpoint takes it. */
function readOwnThinking(chat: JsonObject): JsonObject | undefined {
  const config = asObject(asObject(asObject(chat.extra_body)?.google)?.thinking_config);
  if (config === undefined) return undefined;
  return given({
    thinkingBudget: config.thinking_budget ?? config.thinkingBudget,
    thinkingLevel: config.thinking_level ?? config.thinkingLevel,
    includeThoughts: config.include_thoughts ?? config.includeThoughts,
  });
}

function thinkingBudget(model: string, effort: string): JsonObject {
  const budget = BUDGETS[effort];
  if (budget === undefined) throw refused('reasoning_effort', `must be one of ${Object.keys(BUDGETS).join(', ')}`);
  // 2.5 Pro cannot stop thinking; this is the least it takes.
  return { thinkingBudget: budget === 0 && model.includes('pro') ? 128 : budget };
}

function thinkingLevel(model: string, effort: string): string {
  const level = LEVELS[effort];
  if (level === undefined) throw refused('reasoning_effort', `must be one of ${Object.keys(LEVELS).join(', ')}`);
  // The Pro models have no MINIMAL, and the first of them no MEDIUM.
  if (level === 'MINIMAL' && model.includes('pro')) return 'LOW';
  return level === 'MEDIUM' && model.includes('gemini-3-pro') ? 'HIGH' : level;
}
