import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asText, defined, objectOf, objectsOf, textOf } from '../../../lib/json-value.ts';
import { joinTexts, parseArguments } from '../chat-message.ts';
import type { Facts } from '../format.ts';
import { readThoughts, type Thought } from '../reasoning.ts';
import { encodeStopReason } from './stop-reason.ts';
import { encodeTier, encodeUsage } from './usage.ts';

/** A `chat.completion` as Anthropic's message. */
export function encodeAnswer(chat: JsonObject, _request: JsonObject, facts: Facts): JsonObject {
  const choice = objectsOf(chat.choices)[0] ?? {};
  const message = objectOf(choice.message);
  const calls = objectsOf(message.tool_calls);
  const head = { id: asText(chat.id) ?? facts.id, model: asText(chat.model) ?? facts.model };
  return {
    ...messageHead(head),
    content: [
      ...readThoughts(message, () => true).map(encodeThought),
      ...encodeText(joinTexts(message.content) || asText(message.refusal)),
      ...calls.map((call, index) => encodeCall(call, asText(call.id) || fallbackCallId(head.id, index))),
    ],
    ...encodeStop(choice, calls.length > 0, asText(message.refusal)),
    usage: { ...encodeUsage(objectOf(chat.usage)), service_tier: encodeTier(chat.service_tier) },
  };
}

/** The members that a message has before it says anything. */
export function messageHead({ id, model }: { id: string; model: string }): JsonObject {
  return { id, type: 'message', role: 'assistant', model };
}

/** The id of a call to which the provider gave none. */
export function fallbackCallId(id: string, index: number): string {
  return `call_${id.replaceAll(/[^\w-]/g, '_')}_${index}`;
}

/** A thought as a block. One that nobody signed has an empty signature, and is told apart by it when it comes back. */
export function encodeThought(thought: Thought): JsonObject {
  return thought.kind === 'sealed'
    ? { type: 'redacted_thinking', data: thought.data }
    : { type: 'thinking', thinking: thought.text, signature: thought.signature ?? '' };
}

function encodeText(text: string | undefined): JsonObject[] {
  return text === undefined || text === '' ? [] : [{ type: 'text', text }];
}

function encodeCall(call: JsonObject, id: string): JsonObject {
  const { name, arguments: text } = objectOf(call.function);
  return encodeToolUse({ id, name: textOf(name), input: parseArguments(asText(text)), call });
}

/** A call as a block; what its provider wants back with it stays beside it, and most clients send blocks back as they came. */
export function encodeToolUse({
  call,
  ...use
}: {
  id: string;
  name: string;
  input: JsonObject;
  call: JsonObject;
}): JsonObject {
  return defined({ type: 'tool_use', ...use, extra_content: call.extra_content });
}

/** Why the message ended. */
export function encodeStop(choice: JsonObject, hasCalls: boolean, refusal: string | undefined): JsonObject {
  const reason = encodeStopReason(textOf(choice.finish_reason), hasCalls);
  const sequence = asText(choice.stop_sequence);
  if (refusal !== undefined && refusal !== '')
    return {
      stop_reason: 'refusal',
      stop_sequence: null,
      stop_details: { type: 'refusal', category: null, explanation: refusal },
    };
  if (reason === 'end_turn' && sequence !== undefined) return { stop_reason: 'stop_sequence', stop_sequence: sequence };
  return { stop_reason: reason, stop_sequence: null };
}
