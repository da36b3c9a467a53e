import type { JsonObject } from '../../../lib/json-rpc.ts';
import { defined, objectOf, objectsOf, without } from '../../../lib/json-value.ts';

const CHOICES = ['oneOf', 'anyOf', 'allOf'];
const CHOICE_NAMES: ReadonlySet<string> = new Set(CHOICES);

/**
 * A JSON schema as Anthropic takes it for the input of a tool: an object, without a choice at the top, for which it refuses the whole
 * request. The members of all branches become members of one object; whether they go together is for the tool to check.
 */
export function inputSchema(schema: JsonObject): JsonObject {
  const rest = { ...without(schema, CHOICE_NAMES), type: 'object' };
  const branches = CHOICES.flatMap((name) => objectsOf(schema[name]));
  if (branches.length === 0) return rest;
  const properties = propertiesOf(schema);
  const required = [schema, ...objectsOf(schema.allOf)].flatMap((part) =>
    Array.isArray(part.required) ? part.required : [],
  );
  // It stood beside the choice and knew nothing of the members in it.
  const { additionalProperties: _, ...open } = rest as JsonObject;
  return defined({ ...open, properties, required: required.length === 0 ? undefined : [...new Set(required)] });
}

function propertiesOf(schema: JsonObject): JsonObject {
  const own = objectOf(schema.properties);
  const nested = CHOICES.flatMap((name) => objectsOf(schema[name])).map(propertiesOf);
  return Object.fromEntries([...nested, own].flatMap((part) => Object.entries(part)));
}
