import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import { asList, asObject, asText, objectsOf, refused, type Maybe } from './json-access.ts';

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

/** Bytes inside a JSON text. */
export interface InlineData {
  readonly mimeType: string;
  /** Base64. */
  readonly data: string;
}

const DATA_URL = /^data:([^;,]*)((?:;[^;,]*)*),(.*)$/s;

/** The messages of a chat completion request, each with the name of its field. */
export function messagesOf(chat: JsonObject): { message: JsonObject; field: string }[] {
  return asList(chat.messages).map((message, index) => {
    const field = `messages[${index}]`;
    const object = asObject(message);
    if (object === undefined) throw refused(field, 'must be an object');
    return { message: object, field };
  });
}

/** The content of a message as parts: a text is one part, nothing is none. */
export function partsOf(content: Maybe, field: string): ContentPart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ field, type: 'text', part: { text: content } }];
  return asList(content).map((value, index) => {
    const at = `${field}[${index}]`;
    if (typeof value === 'string') return { field: at, type: 'text', part: { text: value } };
    const part = asObject(value);
    if (part === undefined) throw refused(at, 'must be an object');
    return { field: at, type: asText(part.type) ?? 'text', part };
  });
}

/** The text of a part, if it is one: a refusal counts, since it is what the assistant said. */
export function textOf({ type, part }: ContentPart): string | undefined {
  if (type === 'text' || type === 'input_text' || type === 'output_text') return asText(part.text) ?? '';
  return type === 'refusal' ? (asText(part.refusal) ?? '') : undefined;
}

/** The tool calls of an assistant's message. */
export function callsOf(message: JsonObject, field: string): CalledTool[] {
  return objectsOf(message.tool_calls).map((call, index) => {
    const at = `${field}.tool_calls[${index}]`;
    const called = asObject(call.function);
    const name = asText(called?.name);
    if (called === undefined || name === undefined) throw refused(at, 'only calls of functions can be sent here');
    return {
      id: asText(call.id) ?? '',
      name,
      input: parseArguments(called.arguments),
      call,
    };
  });
}

/** A model may write broken JSON, or be cut off in it. The conversation must be able to go on, so the text is kept. */
function parseArguments(value: Maybe): JsonObject {
  const object = asObject(value);
  if (object !== undefined) return object;
  const text = asText(value) ?? '';
  if (text.trim() === '') return {};
  return parseObject(text) ?? { INVALID_JSON: text };
}

/** The object that a JSON text holds; undefined for anything else. */
export function parseObject(text: string): JsonObject | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return asObject(JSON.parse(text) as JsonValue);
  } catch {
    return undefined;
  }
}

/** What a `data:` URL holds; undefined for any other address. */
export function readDataUrl(url: string): InlineData | undefined {
  const [, mimeType = '', parameters = '', data = ''] = DATA_URL.exec(url) ?? [];
  if (!url.startsWith('data:')) return undefined;
  const isBase64 = parameters.toLowerCase().endsWith(';base64');
  return {
    mimeType: mimeType === '' ? 'text/plain' : mimeType.toLowerCase(),
    data: isBase64 ? data : Buffer.from(decodePercent(data)).toString('base64'),
  };
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of an `image_url` part, in either of its two spellings. */
export function imageAddress({ part, field }: ContentPart): string {
  const url = asText(part.image_url) ?? asText(asObject(part.image_url)?.url);
  if (url === undefined) throw refused(`${field}.image_url.url`, 'is missing');
  return url;
}

/** The most tokens that a caller wants to get. */
export function maxTokensOf(chat: JsonObject): Maybe {
  return chat.max_completion_tokens ?? chat.max_tokens;
}

/** The texts at which a model shall stop, as a list. */
export function stopsOf(chat: JsonObject): string[] | undefined {
  const stops = typeof chat.stop === 'string' ? [chat.stop] : asList(chat.stop).flatMap((stop) => asText(stop) ?? []);
  return stops.length === 0 ? undefined : stops;
}

/** How hard a model shall think, in either of the two places where callers say it. */
export function effortOf(chat: JsonObject): { effort: string | undefined; budget: number | undefined } {
  const reasoning = asObject(chat.reasoning);
  const budget = reasoning?.max_tokens;
  return {
    effort: asText(chat.reasoning_effort) ?? asText(reasoning?.effort),
    budget: typeof budget === 'number' ? budget : undefined,
  };
}

/** Refuses what changes an answer and has no counterpart at the provider: better an error than an answer to something else. */
export function refuseUnless(isExpressible: boolean, field: string, provider: string): void {
  if (!isExpressible) throw refused(field, `cannot be expressed for ${provider}; leave it out`);
}
