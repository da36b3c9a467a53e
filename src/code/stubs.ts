import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';
import { isObject } from '../lib/json-value.ts';

/** Where a type is written: in which schema, how deep, and whether over several lines. */
interface Place {
  readonly root: JsonValue | undefined;
  readonly depth: number;
  /** How many more schemas may be looked at, everywhere together. */
  readonly budget: { left: number };
  /** The blanks before each line; undefined: all on one line. */
  readonly indent: string | undefined;
}

/** A schema that refers to itself has no end, and a deep one no reader. */
const MAX_DEPTH = 8;
const MAX_LITERALS = 40;
/** One that refers to itself twice would take twice as long with each level. */
const MAX_SCHEMAS = 1_000;
/** The longest type on one line; beyond, the inner parts are left out. */
const MAX_LINE = 600;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const PRIMITIVES: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
};

/** The TypeScript type of what a JSON schema admits, on one line. What it cannot say is `unknown`. */
export function typeOf(schema: JsonValue | undefined): string {
  for (let depth = MAX_DEPTH; depth > 1; depth -= 1) {
    const text = write(schema, { root: schema, depth, indent: undefined, budget: { left: MAX_SCHEMAS } });
    if (text.length <= MAX_LINE) return text;
  }
  return write(schema, { root: schema, depth: 1, indent: undefined, budget: { left: MAX_SCHEMAS } });
}

/** The same over several lines, with the descriptions of the fields. */
export function documentedTypeOf(schema: JsonValue | undefined): string {
  return write(schema, { root: schema, depth: MAX_DEPTH, indent: '', budget: { left: MAX_SCHEMAS } });
}

/** A comment that no text can end. */
export function asComment(text: string): string {
  return text.replaceAll('*/', '*\\/').replaceAll(/\s+/g, ' ').trim();
}

function write(schema: JsonValue | undefined, place: Place): string {
  if (schema === false) return 'never';
  if (!isObject(schema) || place.depth === 0 || place.budget.left <= 0) return 'unknown';
  place.budget.left -= 1;
  const inner = { ...place, depth: place.depth - 1 };
  if (typeof schema.$ref === 'string') return write(resolve(place.root, schema.$ref), inner);
  if (schema.const !== undefined) return literal(schema.const);
  if (Array.isArray(schema.enum)) return writeEnum(schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return join(choices, ' | ', inner);
  if (Array.isArray(schema.allOf)) return join(schema.allOf, ' & ', inner);
  const { type } = schema;
  if (Array.isArray(type)) return union(type.map((one) => writeTyped(one, schema, place)));
  return writeTyped(type, schema, place);
}

function writeTyped(type: JsonValue | undefined, schema: JsonObject, place: Place): string {
  if (typeof type === 'string' && Object.hasOwn(PRIMITIVES, type)) return PRIMITIVES[type] ?? 'unknown';
  if (type === 'array' || (type === undefined && schema.items !== undefined)) return writeArray(schema, place);
  if (type === 'object' || (type === undefined && schema.properties !== undefined)) return writeObject(schema, place);
  return 'unknown';
}

function writeArray({ prefixItems, items }: JsonObject, place: Place): string {
  const inner = { ...place, depth: place.depth - 1 };
  if (Array.isArray(prefixItems)) return `[${prefixItems.map((item) => write(item, inner)).join(', ')}]`;
  const item = write(items, inner);
  return /^[\w$]+$/.test(item) || item.endsWith('}') ? `${item}[]` : `Array<${item}>`;
}

function writeObject(schema: JsonObject, place: Place): string {
  const properties = isObject(schema.properties) ? Object.entries(schema.properties) : [];
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const { additionalProperties: more } = schema;
  const { indent, depth } = place;
  if (properties.length === 0) {
    if (more === false) return '{}';
    return `Record<string, ${isObject(more) ? write(more, { ...place, depth: depth - 1 }) : 'unknown'}>`;
  }
  const inside = indent === undefined ? undefined : `${indent}  `;
  const members = properties.map(([name, property]) => {
    const key = IDENTIFIER.test(name) ? name : JSON.stringify(name);
    const type = write(property, { ...place, depth: depth - 1, indent: inside });
    const comment = inside === undefined ? '' : commentOn(property, inside);
    return `${comment}${inside ?? ''}${key}${required.has(name) ? '' : '?'}: ${type}`;
  });
  if (inside === undefined) return `{ ${members.join('; ')} }`;
  return `{\n${members.map((member) => `${member};\n`).join('')}${indent}}`;
}

function commentOn(property: JsonValue | undefined, indent: string): string {
  if (!isObject(property)) return '';
  const facts = [
    typeof property.description === 'string' ? property.description : '',
    property.default === undefined ? '' : `Default: ${JSON.stringify(property.default)}.`,
  ];
  const text = asComment(facts.filter((fact) => fact !== '').join(' '));
  return text === '' ? '' : `${indent}/** ${text} */\n`;
}

function join(schemas: readonly JsonValue[], between: ' | ' | ' & ', place: Place): string {
  const types = schemas.map((schema) => write(schema, place));
  if (between === ' | ') return union(types);
  return types.map((type) => (type.includes(' | ') ? `(${type})` : type)).join(between) || 'unknown';
}

function writeEnum(values: readonly JsonValue[]): string {
  return values.length > MAX_LITERALS ? union(values.map((value) => typeofValue(value))) : union(values.map(literal));
}

function union(types: readonly string[]): string {
  const different = [...new Set(types)];
  // What admits anything swallows the rest.
  return different.length === 0 || different.includes('unknown') ? 'unknown' : different.join(' | ');
}

function literal(value: JsonValue): string {
  return typeof value === 'object' && value !== null ? 'unknown' : JSON.stringify(value);
}

function typeofValue(value: JsonValue): string {
  return value === null ? 'null' : typeof value === 'object' ? 'unknown' : typeof value;
}

/** Follows a reference inside the schema; others lead nowhere. */
function resolve(root: JsonValue | undefined, ref: string): JsonValue | undefined {
  if (!ref.startsWith('#')) return undefined;
  let current = root;
  for (const step of ref.split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!isObject(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return current;
}
