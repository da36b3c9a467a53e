import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import { isObject, without } from '../../lib/json-value.ts';

/** What gateways have added to chat completions, and where it may stand. OpenAI itself refuses a request that has any of it. */
const IN_REQUEST = new Set(['top_k', 'thinking', 'reasoning']);
const IN_MESSAGE = new Set([
  'cache_control',
  'is_error',
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'extra_content',
]);
const IN_PART = new Set(['cache_control']);
const IN_CALL = new Set(['cache_control', 'extra_content']);

/** A chat completion request without what only other gateways and providers know, for one that takes nothing it does not know. */
export function plainChat(chat: JsonObject): JsonObject {
  return {
    ...without(chat, IN_REQUEST),
    ...listed('messages', chat.messages, plainMessage),
    ...listed('tools', chat.tools, (tool) => without(tool, IN_PART)),
  };
}

function plainMessage(message: JsonObject): JsonObject {
  return {
    ...without(message, IN_MESSAGE),
    ...listed('content', message.content, (part) => without(part, IN_PART)),
    ...listed('tool_calls', message.tool_calls, (call) => without(call, IN_CALL)),
  };
}

function listed(name: string, list: JsonValue | undefined, change: (item: JsonObject) => JsonObject): JsonObject {
  return Array.isArray(list) ? { [name]: list.map((item) => (isObject(item) ? change(item) : item)) } : {};
}
