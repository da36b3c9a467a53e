import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asNumber, textOf } from '../../../lib/json-value.ts';
import { effortOf, forcesTool, maxTokensOf } from '../chat-request.ts';
import { thinkingBudget, thinksAdaptively } from '../claude-model.ts';

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
  const { effort, budget } = effortOf(chat);
  // A model that must call a tool may not think first.
  if (effort === 'none' || budget === 0 || forcesTool(chat)) return {};
  if (thinksAdaptively(model)) {
    const level = effort === 'minimal' ? 'low' : effort;
    return { thinking: { type: 'adaptive' }, ...(level === undefined ? {} : { output_config: { effort: level } }) };
  }
  const granted = thinkingBudget({ effort, budget }, asNumber(maxTokensOf(chat)) ?? Infinity);
  return granted === undefined ? {} : { thinking: { type: 'enabled', budget_tokens: granted } };
}

function encodeNova(effort: string): JsonObject {
  if (effort === 'none') return { reasoningConfig: { type: 'disabled' } };
  const level = effort === 'minimal' ? 'low' : effort === 'xhigh' || effort === 'max' ? 'high' : effort;
  return { reasoningConfig: { type: 'enabled', maxReasoningEffort: level } };
}
