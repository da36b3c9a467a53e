import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asText, objectOf, objectsOf, textOf } from '../../../lib/json-value.ts';
import { parseArguments } from '../chat-message.ts';
import { refused, requireObjects } from '../refused.ts';
import { encodeParts, keepCache } from './encode-parts.ts';
import { claudeThoughts } from './thinking.ts';

/** A conversation as Anthropic has it: instructions apart, and turns of user and assistant that alternate. */
export interface Conversation {
  readonly system: JsonObject[];
  readonly turns: JsonObject[];
}

/**
 * Chat messages as Anthropic's turns. Instructions are gathered wherever they stand, because most models take none between turns.
 * Neighbours of one role become one turn, so that the results of parallel tool calls stand together, as Anthropic demands.
 */
export function encodeTurns(chat: JsonObject): Conversation {
  const system: JsonObject[] = [];
  const turns: { role: string; content: JsonObject[] }[] = [];
  for (const [index, message] of requireObjects(chat.messages, 'messages').entries()) {
    const field = `messages[${index}]`;
    if (message.role === 'system' || message.role === 'developer') {
      system.push(...markLast(encodeParts(message.content, `${field}.content`), message));
      continue;
    }
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const content = encodeMessage(message, field);
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else if (content.length > 0) turns.push({ role, content });
  }
  return { system, turns: turns.map(({ role, content }) => ({ role, content: shorten(content) })) };
}

function encodeMessage(message: JsonObject, field: string): JsonObject[] {
  switch (textOf(message.role)) {
    case 'user':
      return markLast(encodeParts(message.content, `${field}.content`), message);
    case 'assistant':
      return markLast(encodeAssistant(message, field), message);
    case 'tool':
    case 'function':
      return [encodeToolResult(message, field)];
    default:
      throw refused(`${field}.role`, 'must be system, developer, user, assistant or tool');
  }
}

function encodeAssistant(message: JsonObject, field: string): JsonObject[] {
  const thoughts = claudeThoughts(message).map((thought) =>
    thought.kind === 'sealed'
      ? { type: 'redacted_thinking', data: thought.data }
      : { type: 'thinking', thinking: thought.text, signature: thought.signature },
  );
  const refusal = encodeParts(asText(message.refusal), `${field}.refusal`);
  const calls = objectsOf(message.tool_calls).map((call, index) => {
    const called = objectOf(call.function);
    const name = asText(called.name);
    if (name === undefined) throw refused(`${field}.tool_calls[${index}].function.name`, 'must be a text');
    const input = parseArguments(asText(called.arguments));
    return keepCache({ type: 'tool_use', id: toolId(textOf(call.id)), name, input }, call);
  });
  return [...thoughts, ...encodeParts(message.content, `${field}.content`), ...refusal, ...calls];
}

function encodeToolResult(message: JsonObject, field: string): JsonObject {
  const content = encodeParts(message.content, `${field}.content`);
  const result: JsonObject = { type: 'tool_result', tool_use_id: toolId(textOf(message.tool_call_id)) };
  if (content.length > 0) result.content = shorten(content);
  if (message.is_error === true) result.is_error = true;
  return keepCache(result, message);
}

/** Anthropic takes letters, digits, _ and - in the id of a call; other providers make ids of other characters. */
function toolId(id: string): string {
  return id.replaceAll(/[^\w-]/g, '_');
}

/** A mark on a whole message belongs to its last block. */
function markLast(blocks: JsonObject[], message: JsonObject): JsonObject[] {
  const last = blocks.at(-1);
  return last === undefined || last.cache_control !== undefined
    ? blocks
    : [...blocks.slice(0, -1), keepCache(last, message)];
}

/** One plain text is written as such. */
export function shorten(blocks: JsonObject[]): JsonObject[] | string {
  const [only, ...others] = blocks;
  const isPlain =
    only !== undefined && others.length === 0 && Object.keys(only).every((key) => key === 'type' || key === 'text');
  return isPlain && typeof only.text === 'string' ? only.text : blocks;
}
