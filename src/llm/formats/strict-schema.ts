import type { JsonValue } from '../../lib/json-rpc.ts';
import { isObject } from '../../lib/json-value.ts';

/**
 * True when OpenAI can hold a model strictly to this JSON schema: every object in it names all of its members as required and allows
 * no others. Any other schema is refused there if `strict` is set.
 */
export function fitsStrict(schema: JsonValue | undefined): boolean {
  if (Array.isArray(schema)) return schema.every(fitsStrict);
  if (!isObject(schema)) return true;
  const { properties } = schema;
  if (schema.type === 'object' || isObject(properties)) {
    const names = isObject(properties) ? Object.keys(properties) : [];
    const required = new Set(Array.isArray(schema.required) ? schema.required : []);
    if (schema.additionalProperties !== false || names.some((name) => !required.has(name))) return false;
  }
  return Object.values(schema).every(fitsStrict);
}
