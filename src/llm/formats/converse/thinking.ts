import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asNumber, asObject, textOf } from '../../../lib/json-value.ts';
import { maxTokensOf, effortOf } from '../chat-request.ts';

/** Tokens to think with, for the models of Claude that want a number. */
const BUDGETS: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 24_576,
  max: 31_999,
};
const LEAST = 1024;
/** The part of all output that thoughts may take, at most. */
const SHARE = 0.8;

/** How hard to think. Converse has no word for it, so each family of models is told in its own. */
export function encodeThinking(chat: JsonObject): JsonObject {
  const { effort, budget } = effortOf(chat);
  const model = textOf(chat.model);
  if (effort === undefined && budget === undefined) return {};
  if (model.includes('claude')) return encodeClaude(chat, model);
  if (effort === undefined) return {};
  return model.includes('amazon.nova') ? encodeNova(effort) : { reasoning_effort: effort };
}

function encodeClaude(chat: JsonObject, model: string): JsonObject {
  const { effort, budget: wanted } = effortOf(chat);
  const isForced = chat.tool_choice === 'required' || asObject(chat.tool_choice)?.type === 'function';
  // A model that must call a tool may not think first.
  if (effort === 'none' || wanted === 0 || isForced) return {};
  if (thinksAdaptively(model)) {
    const level = effort === 'minimal' ? 'low' : effort;
    return { thinking: { type: 'adaptive' }, ...(level === undefined ? {} : { output_config: { effort: level } }) };
  }
  // Thoughts count as output and must leave room for the answer; where there is no room, the model answers at once.
  const most = Math.floor((asNumber(maxTokensOf(chat)) ?? Infinity) * SHARE);
  const budget = Math.min(Math.max(LEAST, wanted ?? BUDGETS[effort ?? ''] ?? LEAST), most);
  return budget < LEAST ? {} : { thinking: { type: 'enabled', budget_tokens: budget } };
}

/** From 4.6 on Claude decides itself how long it thinks; those before want a budget. */
function thinksAdaptively(model: string): boolean {
  const [, major, minor = '0'] = /claude-(?:[a-z]+-)*(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(model) ?? [];
  return major === undefined || Number(major) > 4 || (Number(major) === 4 && Number(minor) >= 6);
}

function encodeNova(effort: string): JsonObject {
  if (effort === 'none') return { reasoningConfig: { type: 'disabled' } };
  const level = effort === 'minimal' ? 'low' : effort === 'xhigh' || effort === 'max' ? 'high' : effort;
  return { reasoningConfig: { type: 'enabled', maxReasoningEffort: level } };
}
