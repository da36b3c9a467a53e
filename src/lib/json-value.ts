import type { JsonObject, JsonValue } from './json-rpc.ts';

// Somebody else's JSON may hold anything anywhere. `asText` is the text, or undefined where there is none; `textOf` is an empty one
// instead. So with objects; lists are `listOf` and `objectsOf`.

/** A value of somebody else's JSON that may be anything, or absent. */
export type Maybe = JsonValue | undefined;

/** True for a JSON object: not null, not a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value if it is an object, else undefined. */
export function asObject(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

/** The value if it is an object, else an empty one. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The value if it is a list, else an empty one. */
export function listOf(value: Maybe): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

/** The objects of a list; what else it holds is left out. */
export function objectsOf(value: Maybe): JsonObject[] {
  return listOf(value).filter(isObject);
}

/** The value if it is a text, else undefined. */
export function asText(value: Maybe): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The value if it is a text, else an empty one. */
export function textOf(value: Maybe): string {
  return typeof value === 'string' ? value : '';
}

/** The value if it is a text that says something, else undefined. */
export function asWord(value: Maybe): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The value if it is a number, else undefined. */
export function asNumber(value: Maybe): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** The value if it counts something, else 0. */
export function countOf(value: Maybe): number {
  return typeof value === 'number' && value > 0 ? value : 0;
}

/** The object that a JSON text holds; undefined for anything else. */
export function parseObject(text: string): JsonObject | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The members of an object that are not named, without those that are undefined. */
export function without(object: JsonObject, names: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name, value]) => value !== undefined && !names.has(name)));
}

/** The members of an object that are not undefined. */
export function defined(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** The members of an object that say something, null being nothing; undefined when none does, so that empty objects are not sent. */
export function given(object: JsonObject): JsonObject | undefined {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined && value !== null);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
