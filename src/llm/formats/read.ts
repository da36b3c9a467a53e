import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';

/** True for a JSON object: not null, not a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member that should be an object; an empty one where it is something else. */
export function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** The objects of a list; an empty list for what is none. */
export function objectsOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** A member that should be a text; undefined where it is something else. */
export function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A member that should be a number; undefined where it is something else. */
export function numberOf(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** A member that counts something; 0 where it does not say. */
export function countOf(value: JsonValue | undefined): number {
  return typeof value === 'number' && value > 0 ? value : 0;
}

/** The object without the named members, and without those that are undefined. */
export function without(object: JsonObject, names: Iterable<string>): JsonObject {
  const left = new Set(names);
  return Object.fromEntries(Object.entries(object).filter(([name, value]) => value !== undefined && !left.has(name)));
}

/** The members that are not undefined. */
export function defined(object: JsonObject): JsonObject {
  return without(object, []);
}

/** The text of a message's content, which is a text or parts. */
export function joinTexts(content: JsonValue | undefined): string {
  if (typeof content === 'string') return content;
  return objectsOf(content)
    .map((part) => textOf(part.text) ?? '')
    .join('');
}

/** What is thrown for a request that the other format cannot express. */
export function inexpressible(field: string, rule: string): GatewayError {
  return new GatewayError('invalid_request', `${field}: ${rule}`, { details: { field } });
}

/** The items of a list that must be there, each an object. */
export function requireObjects(value: JsonValue | undefined, field: string): JsonObject[] {
  if (!Array.isArray(value)) throw inexpressible(field, 'must be a list');
  return value.map((item, index) => {
    if (!isObject(item)) throw inexpressible(`${field}[${index}]`, 'must be an object');
    return item;
  });
}

/**
 * The arguments of a tool call as an object. A model may write broken JSON, or be cut off in it; the conversation must be able to go
 * on all the same, so the text is kept under the name that Anthropic's documentation gives it.
 */
export function parseArguments(text: string | undefined): JsonObject {
  if (text === undefined || text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  return { INVALID_JSON: text };
}
