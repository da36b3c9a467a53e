import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import { isObject } from '../../lib/json-value.ts';
import { inputSchema } from './messages/input-schema.ts';

/** Where schemas stand in a schema: by themselves or in a list, and under names. */
const INNER = new Set(['items', 'prefixItems', 'anyOf', 'oneOf', 'allOf', 'not', 'additionalProperties']);
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions']);

/**
 * The schema of a tool's arguments as providers of models take it. MCP demands no more than an object; OpenAI refuses a whole request
 * for one tool whose object has no `properties`, with a choice at its top, or with a list that does not say of what.
 */
export function offeredSchema(schema: JsonObject): JsonObject {
  return fill({ properties: {}, ...inputSchema(schema) });
}

function fill(schema: JsonObject): JsonObject {
  const filled = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, fillMember(name, value)]));
  const isOpen = schema.type === 'array' && schema.items === undefined && schema.prefixItems === undefined;
  return isOpen ? { ...filled, items: {} } : filled;
}

function fillMember(name: string, value: JsonValue | undefined): JsonValue | undefined {
  if (INNER.has(name)) return Array.isArray(value) ? value.map(fillInner) : fillInner(value);
  if (!NAMED.has(name) || !isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillInner(inner)]));
}

function fillInner<T extends JsonValue | undefined>(value: T): T | JsonObject {
  return isObject(value) ? fill(value) : value;
}
