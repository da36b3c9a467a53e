import type { JsonObject } from '../../lib/json-rpc.ts';
import { asObject, asText, listOf, objectsOf, parseObject, textOf, type Maybe } from '../../lib/json-value.ts';
import { refused } from './refused.ts';

/** A part of a message, with the name of its field for complaints. */
export interface ContentPart {
  readonly field: string;
  readonly type: string;
  readonly part: JsonObject;
}

/** A call of a tool as an assistant's message carries it. */
export interface CalledTool {
  readonly id: string;
  readonly name: string;
  readonly input: JsonObject;
  /** The call itself: what else stands in it is not lost. */
  readonly call: JsonObject;
}

/** The content of a message as parts: a text is one part, nothing is none. */
export function partsOf(content: Maybe, field: string): ContentPart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ field, type: 'text', part: { text: content } }];
  return listOf(content).map((value, index) => {
    const at = `${field}[${index}]`;
    if (typeof value === 'string') return { field: at, type: 'text', part: { text: value } };
    const part = asObject(value);
    if (part === undefined) throw refused(at, 'must be an object');
    return { field: at, type: asText(part.type) ?? 'text', part };
  });
}

/** The text of a part, if it is one: a refusal counts, since it is what the assistant said. */
export function partText({ type, part }: ContentPart): string | undefined {
  if (type === 'text' || type === 'input_text' || type === 'output_text') return textOf(part.text);
  return type === 'refusal' ? textOf(part.refusal) : undefined;
}

/** The text of a message's content, which is a text or parts. */
export function joinTexts(content: Maybe): string {
  if (typeof content === 'string') return content;
  return objectsOf(content)
    .map((part) => textOf(part.text))
    .join('');
}

/** The address of an `image_url` part, in either of its two spellings. */
export function imageAddress({ part, field }: ContentPart): string {
  const url = asText(part.image_url) ?? asText(asObject(part.image_url)?.url);
  if (url === undefined) throw refused(`${field}.image_url.url`, 'is missing');
  return url;
}

/** The tool calls of an assistant's message. */
export function callsOf(message: JsonObject, field: string): CalledTool[] {
  return objectsOf(message.tool_calls).map((call, index) => {
    const called = asObject(call.function);
    const name = asText(called?.name);
    if (called === undefined || name === undefined)
      throw refused(`${field}.tool_calls[${index}]`, 'only calls of functions can be sent here');
    return { id: textOf(call.id), name, input: parseArguments(called.arguments), call };
  });
}

/**
 * The arguments of a tool call as an object. A model may write broken JSON, or be cut off in it; the conversation must be able to go
 * on all the same, so the text is kept under the name that Anthropic's documentation gives it.
 */
export function parseArguments(value: Maybe): JsonObject {
  const object = asObject(value);
  if (object !== undefined) return object;
  const text = textOf(value);
  if (text.trim() === '') return {};
  return parseObject(text) ?? { INVALID_JSON: text };
}
