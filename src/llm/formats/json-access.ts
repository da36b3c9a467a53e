import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';

/** A value of somebody else's JSON that may be anything, or absent. */
export type Maybe = JsonValue | undefined;

/** The value if it is an object, else undefined. */
export function asObject(value: Maybe): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

/** The value if it is a list, else an empty one. */
export function asList(value: Maybe): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

/** The objects of a list; what else it holds is left out. */
export function objectsOf(value: Maybe): JsonObject[] {
  return asList(value)
    .map((item) => asObject(item))
    .filter((item) => item !== undefined);
}

/** The value if it is a text, else undefined. */
export function asText(value: Maybe): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The value if it is a number, else undefined. */
export function asNumber(value: Maybe): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** The members of an object that are there; undefined when none is, so that empty objects are not sent. */
export function given(object: JsonObject): JsonObject | undefined {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined && value !== null);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** The members of an object that are not named: what a translation has found no place for yet. */
export function without(object: JsonObject, names: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.has(name)));
}

/** What a caller sent and a provider cannot be told, by the name of its field. */
export function refused(field: string, rule: string): GatewayError {
  return new GatewayError('invalid_request', `${field}: ${rule}`, { details: { field } });
}
