import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asNumber, objectOf, objectsOf } from '../../../lib/json-value.ts';
import { effortOf, forcesTool } from '../chat-request.ts';
import { thinkingBudget, thinksAdaptively } from '../claude-model.ts';
import { CLAUDE_THOUGHTS, readThoughts, type Thought } from '../reasoning.ts';

/** How hard a chat completion request asks the model to think, in Anthropic's words. */
export interface ThinkingChoice {
  readonly thinking?: JsonObject;
  readonly effort?: string;
}

/**
 * `reasoning_effort`, or the object `reasoning` of other gateways, as Anthropic's `thinking` and `output_config.effort`. A request that
 * carries `thinking` itself is left alone.
 */
export function encodeThinking(chat: JsonObject, model: string, maxTokens: number): ThinkingChoice {
  if (chat.thinking !== undefined) return {};
  const { enabled } = objectOf(chat.reasoning);
  const { effort, budget } = effortOf(chat);
  if (effort === 'none' || enabled === false) return { thinking: { type: 'disabled' } };
  if (effort === undefined && budget === undefined && enabled !== true) return {};
  const level = effort === 'minimal' ? 'low' : effort;
  const isForced = forcesTool(chat);
  if (thinksAdaptively(model))
    return {
      // A model that must call a tool may not think first.
      ...(isForced ? {} : { thinking: { type: 'adaptive' } }),
      ...(level === undefined ? {} : { effort: level }),
    };
  if (isForced || calledToolsUnthinking(chat)) return {};
  const granted = thinkingBudget({ effort, budget }, maxTokens);
  return granted === undefined ? {} : { thinking: { type: 'enabled', budget_tokens: granted } };
}

/**
 * With a budget, Anthropic refuses to think when the turn of the model that is still going on called tools without the thoughts that
 * led to them, as it is with a history that another provider wrote.
 */
function calledToolsUnthinking(chat: JsonObject): boolean {
  const messages = objectsOf(chat.messages);
  const lastUser = messages.findLastIndex((message) => message.role === 'user');
  return messages
    .slice(lastUser + 1)
    .some((message) => objectsOf(message.tool_calls).length > 0 && claudeThoughts(message).length === 0);
}

/** The thoughts of a message that Claude wrote itself: it takes back no others, and none without its signature. */
export function claudeThoughts(message: JsonObject): Thought[] {
  const isClaudes = (format: string | undefined): boolean => format === undefined || format === CLAUDE_THOUGHTS;
  return readThoughts(message, isClaudes).filter(
    (thought) => thought.kind === 'sealed' || thought.signature !== undefined,
  );
}

/** `thinking` and `output_config.effort` as `reasoning_effort`; undefined where the caller leaves it to the model. */
export function decodeThinking(thinking: JsonObject, effort: string | undefined): string | undefined {
  if (thinking.type === 'disabled') return undefined; // most models do not know "none"
  if (effort !== undefined) return effort === 'max' ? 'xhigh' : effort;
  if (thinking.type !== 'enabled') return undefined;
  const budget = asNumber(thinking.budget_tokens) ?? 0;
  if (budget < 4096) return 'low';
  return budget < 16_384 ? 'medium' : 'high';
}
