import type { JsonObject } from '../../lib/json-rpc.ts';
import { asNumber, asObject, asText, listOf, type Maybe } from '../../lib/json-value.ts';
import { refused } from './refused.ts';

/** The messages of a chat completion request, each with the name of its field. */
export function messagesOf(chat: JsonObject): { message: JsonObject; field: string }[] {
  return listOf(chat.messages).map((message, index) => {
    const field = `messages[${index}]`;
    const object = asObject(message);
    if (object === undefined) throw refused(field, 'must be an object');
    return { message: object, field };
  });
}

/** The most tokens that a caller wants to get. */
export function maxTokensOf(chat: JsonObject): Maybe {
  return chat.max_completion_tokens ?? chat.max_tokens;
}

/** The texts at which a model shall stop, as a list. */
export function stopsOf(chat: JsonObject): string[] | undefined {
  const stops = typeof chat.stop === 'string' ? [chat.stop] : listOf(chat.stop).flatMap((stop) => asText(stop) ?? []);
  return stops.length === 0 ? undefined : stops;
}

/** How hard a model shall think, in either of the two places where callers say it. */
export function effortOf(chat: JsonObject): { effort: string | undefined; budget: number | undefined } {
  const reasoning = asObject(chat.reasoning);
  return {
    effort: asText(chat.reasoning_effort) ?? asText(reasoning?.effort),
    budget: asNumber(reasoning?.max_tokens),
  };
}

/** True for a caller who wants a tool to be called in any case, or one of its own choice. */
export function forcesTool({ tool_choice }: JsonObject): boolean {
  return tool_choice === 'required' || asObject(tool_choice)?.type === 'function';
}
