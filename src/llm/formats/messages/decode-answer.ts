import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asText, asWord, defined, isObject, objectOf, objectsOf, textOf } from '../../../lib/json-value.ts';
import type { Facts, ProviderError } from '../format.ts';
import { CLAUDE_THOUGHTS, type Thought, writeThoughts } from '../reasoning.ts';
import { decodeStopReason } from './stop-reason.ts';
import { decodeTier, decodeUsage } from './usage.ts';

/** Anthropic's message as a `chat.completion`. */
export function decodeAnswer(native: JsonObject, facts: Facts): JsonObject {
  const blocks = objectsOf(native.content);
  const usage = objectOf(native.usage);
  return defined({
    id: asText(native.id) ?? facts.id,
    object: 'chat.completion',
    created: facts.created,
    model: asText(native.model) ?? facts.model,
    choices: [
      {
        index: 0,
        message: decodeMessage(blocks, native),
        logprobs: null,
        ...decodeStop(native),
      },
    ],
    usage: decodeUsage(usage),
    service_tier: decodeTier(usage),
  });
}

function decodeMessage(blocks: JsonObject[], native: JsonObject): JsonObject {
  const text = blocks.flatMap((block) => (block.type === 'text' ? [textOf(block.text)] : [])).join('');
  const calls = blocks.filter((block) => block.type === 'tool_use').map(decodeCall);
  return defined({
    role: 'assistant',
    content: text === '' ? null : text,
    refusal: explainRefusal(native) ?? null,
    ...writeThoughts(blocks.flatMap(decodeThought), CLAUDE_THOUGHTS),
    tool_calls: calls.length === 0 ? undefined : calls,
  });
}

function decodeCall(block: JsonObject): JsonObject {
  const called = { name: textOf(block.name), arguments: JSON.stringify(block.input ?? {}) };
  return { id: textOf(block.id), type: 'function', function: called };
}

/** A block of thinking as a thought; nothing for any other block. */
export function decodeThought(block: JsonObject): Thought[] {
  if (block.type === 'redacted_thinking') return [{ kind: 'sealed', data: textOf(block.data) }];
  if (block.type !== 'thinking') return [];
  return [{ kind: 'text', text: textOf(block.thinking), signature: asWord(block.signature) }];
}

/** The members of a choice that say why it ended; `native` is a message, or the `delta` of `message_delta`. */
export function decodeStop(native: JsonObject): JsonObject {
  const reason = asText(native.stop_reason);
  if (reason === undefined) return { finish_reason: null };
  return defined({
    finish_reason: decodeStopReason(reason),
    native_finish_reason: reason,
    stop_sequence: asText(native.stop_sequence),
  });
}

/** What Anthropic says of a refusal. */
export function explainRefusal(native: JsonObject): string | undefined {
  return native.stop_reason === 'refusal' ? asText(objectOf(native.stop_details).explanation) : undefined;
}

/** `{"type": "error", "error": {"type", "message"}}`, as Anthropic answers and as an event of a stream. */
export function decodeError(native: JsonObject): ProviderError {
  const error = isObject(native.error) ? native.error : native;
  const type = error === native ? undefined : asText(error.type);
  const details = isObject(error.details) ? error.details : undefined;
  return { message: asText(error.message) ?? 'the provider did not say what is wrong', type, details };
}
