import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asNumber, asObject, asText, given, objectsOf, textOf, without, type Maybe } from '../../../lib/json-value.ts';
import { writeCompletion, writeToolCall, writeUsage, type FinishReason } from '../chat-answer.ts';
import type { Facts } from '../format.ts';
import { writeDataUrl } from '../media.ts';
import { writeThought } from './reasoning.ts';

const REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool_calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  guardrail_intervened: 'content_filter',
  content_filtered: 'content_filter',
};
/** `p` is padding against guesses from the length of a message. */
const PLACED = new Set(['output', 'stopReason', 'usage', 'metrics', 'p']);

/** Converse's answer as a `chat.completion`. */
export function decodeAnswer(native: JsonObject, facts: Facts): JsonObject {
  const blocks = objectsOf(asObject(asObject(native.output)?.message)?.content);
  const reason = asText(native.stopReason);
  const choice = {
    index: 0,
    message: writeMessage(blocks, facts.model),
    logprobs: null,
    finish_reason: finishReason(reason),
    ...given({ native_finish_reason: reason, extra_content: bedrockExtras(native) }),
  };
  return writeCompletion(facts, [choice], { usage: readUsage(native.usage) });
}

function writeMessage(blocks: JsonObject[], model: string): JsonObject {
  const text = blocks.map(readText).join('');
  const reasoning = blocks.map((block) => asObject(block.reasoningContent)).filter((block) => block !== undefined);
  const details = reasoning.map((block, index) => writeThought(model, asObject(block.reasoningText) ?? block, index));
  const thoughts = details.map(({ text }) => textOf(text)).join('');
  const calls = blocks.flatMap((block) => {
    const use = asObject(block.toolUse);
    if (use === undefined) return [];
    return [writeToolCall(textOf(use.toolUseId), textOf(use.name), JSON.stringify(use.input ?? {}))];
  });
  const images = blocks.map(readImage).filter((image) => image !== undefined);
  return {
    role: 'assistant',
    content: text === '' ? null : text,
    refusal: null,
    ...given({
      reasoning: thoughts === '' ? undefined : thoughts,
      reasoning_details: details.length === 0 ? undefined : details,
      tool_calls: calls.length === 0 ? undefined : calls,
      images: images.length === 0 ? undefined : images,
    }),
  };
}

function readText(block: JsonObject): string {
  const cited = objectsOf(asObject(block.citationsContent)?.content);
  return textOf(block.text) + cited.map(({ text }) => textOf(text)).join('');
}

/** A picture that the model made. */
export function readImage(block: JsonObject): JsonObject | undefined {
  const image = asObject(block.image);
  const bytes = asText(asObject(image?.source)?.bytes);
  if (bytes === undefined) return undefined;
  return {
    type: 'image_url',
    image_url: { url: writeDataUrl({ mediaType: `image/${asText(image?.format) ?? 'png'}`, data: bytes }) },
  };
}

/** What Bedrock says beside the answer, such as the trace of a guardrail. */
export function bedrockExtras(native: JsonObject): JsonObject | undefined {
  const bedrock = given(without(native, PLACED));
  return bedrock === undefined ? undefined : { bedrock };
}

/** Why the answer ended, in the words of chat completions. */
export function finishReason(reason: string | undefined): FinishReason {
  return REASONS[reason ?? ''] ?? 'stop';
}

/** Bedrock counts what came from the cache, or went there, apart from the input; chat completions count it in. */
export function readUsage(value: Maybe): JsonObject | undefined {
  const usage = asObject(value);
  if (usage === undefined) return undefined;
  const cached = asNumber(usage.cacheReadInputTokens);
  const cacheWritten = asNumber(usage.cacheWriteInputTokens);
  const prompt = (asNumber(usage.inputTokens) ?? 0) + (cached ?? 0) + (cacheWritten ?? 0);
  return writeUsage({ prompt, completion: asNumber(usage.outputTokens) ?? 0, cached, cacheWritten });
}
