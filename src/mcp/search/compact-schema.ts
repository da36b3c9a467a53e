import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';

/** Schemas come from servers; whoever wants to see all of a large one asks for that tool. */
const MAX_DEPTH = 3;
const MAX_PROPERTIES = 30;
const MAX_CHOICES = 12;
const MAX_NOTE = 80;

/** A JSON Schema in the words of TypeScript, which models read and which is a third as long. */
export function compactSchema(schema: JsonValue | undefined): string {
  return render(schema, { root: schema, depth: 0 });
}

interface Place {
  /** What references are looked up in. */
  readonly root: JsonValue | undefined;
  readonly depth: number;
}

function render(schema: JsonValue | undefined, place: Place): string {
  if (!isObject(schema)) return 'any';
  if (place.depth > MAX_DEPTH) return nameOf(schema.type);
  const deeper = { ...place, depth: place.depth + 1 };
  if (typeof schema.$ref === 'string') return render(lookUp(schema.$ref, place.root), deeper);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return choices(schema.enum.map((value) => JSON.stringify(value)));
  const either = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(either)) return choices(either.map((one) => render(one, deeper)));
  if (isObject(schema.properties)) return renderObject(schema, schema.properties, deeper);
  if (schema.type === 'array' || schema.items !== undefined) return arrayOf(render(schema.items, deeper));
  if (isObject(schema.additionalProperties)) return `{ [name]: ${render(schema.additionalProperties, deeper)} }`;
  return nameOf(schema.type);
}

function renderObject({ required }: JsonObject, properties: JsonObject, place: Place): string {
  const needed = new Set(Array.isArray(required) ? required : []);
  const entries = Object.entries(properties);
  // What is needed first: it is what a long list is cut down to.
  const sorted = [
    ...entries.filter(([name]) => needed.has(name)),
    ...entries.filter(([name]) => !needed.has(name)),
  ].slice(0, Math.max(MAX_PROPERTIES, needed.size));
  const members = sorted.map(([name, property]) => {
    const key = /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) ? name : JSON.stringify(name);
    return `${key}${needed.has(name) ? '' : '?'}: ${render(property, place)}${noteOn(property)}`;
  });
  if (entries.length > sorted.length) members.push('…');
  return members.length === 0 ? '{}' : `{ ${members.join('; ')} }`;
}

/** What a server says about a property, and what it is when it is left out. */
function noteOn(property: JsonValue | undefined): string {
  if (!isObject(property)) return '';
  const said = typeof property.description === 'string' ? oneLine(property.description, MAX_NOTE) : '';
  const fallback =
    property.default === undefined ? '' : `default ${oneLine(JSON.stringify(property.default), MAX_NOTE)}`;
  const note = [said, fallback].filter((part) => part !== '').join('; ');
  return note === '' ? '' : ` /* ${note.replaceAll('*/', '')} */`;
}

/** A text on one line, cut where it gets long. */
export function oneLine(text: string, most: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= most
    ? line
    : `${line
        .slice(0, most - 1)
        .toWellFormed()
        .trimEnd()}…`;
}

function choices(all: readonly string[]): string {
  const different = [...new Set(all)];
  const shown = different.slice(0, MAX_CHOICES).join(' | ');
  return different.length > MAX_CHOICES ? `${shown} | …` : shown;
}

function arrayOf(item: string): string {
  return /[|\s]/.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
}

function nameOf(type: JsonValue | undefined): string {
  const names = [type].flat().filter((name) => typeof name === 'string');
  return names.length === 0 ? 'any' : choices(names);
}

/** Only what is in the schema itself: nothing is fetched. */
function lookUp(reference: string, root: JsonValue | undefined): JsonValue | undefined {
  if (!reference.startsWith('#/')) return undefined;
  let value = root;
  for (const part of reference.slice(2).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
