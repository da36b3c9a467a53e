import { TOKEN } from '../../lib/http-fields.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import { isObject } from '../../lib/json-value.ts';
import type { Listed, Offer } from '../../store/mcp-clients.ts';

/** An argument of a tool that every call repeats in a header, for routers on the way (`x-mcp-header`, SEP-2243). */
export interface ParamHeader {
  /** The name of the header in lower case: `mcp-param-region`. */
  readonly name: string;
  /** The properties that lead to the argument. */
  readonly path: readonly string[];
}

/** What a tool's definition says of such headers. */
export type ParamHeaders =
  | { readonly valid: true; readonly headers: readonly ParamHeader[] }
  | { readonly valid: false; readonly reason: string };

/** What all headers of this kind begin with. */
export const PARAM_PREFIX = 'mcp-param-';

const ANNOTATION = 'x-mcp-header';
const NONE: ParamHeaders = { valid: true, headers: [] };
/** ASCII that hides behind an escape could spell the annotation. */
const ESCAPED_ASCII = /\\u00[2-7]/i;
const PRIMITIVES = new Set<unknown>(['string', 'integer', 'boolean']);
/** No caller nests arguments deeper; paths of unlimited depth would let a server fill our memory. */
const MAX_DEPTH = 64;

/** Keywords of JSON Schema, 2020-12 and before, whose value is a schema or an array of schemas. */
const SCHEMA_KEYWORDS = new Set([
  'items',
  'prefixItems',
  'additionalItems',
  'unevaluatedItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'contentSchema',
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
]);
/** Keywords whose value is an object of schemas. */
const MAP_KEYWORDS = new Set(['patternProperties', 'dependentSchemas', 'dependencies', '$defs', 'definitions']);

/** A schema within a schema. Without a path it cannot be reached by `properties` alone. */
interface Place {
  readonly schema: JsonValue | undefined;
  readonly path: readonly string[] | undefined;
}

const known = new WeakMap<Listed, ParamHeaders>();

/** {@link readParamHeaders} for a listed tool, read once for as long as the tool is listed like this. */
export function paramHeadersOf(tool: Listed): ParamHeaders {
  let headers = known.get(tool);
  if (headers === undefined) known.set(tool, (headers = readParamHeaders(tool.json)));
  return headers;
}

/** Reads and checks the annotations of a tool's definition (MCP 2026-07-28, Streamable HTTP, Schema Extension). */
export function readParamHeaders(toolJson: string): ParamHeaders {
  // Nearly all tools end here, unparsed.
  if (!toolJson.includes(ANNOTATION) && !ESCAPED_ASCII.test(toolJson)) return NONE;
  const { inputSchema } = JSON.parse(toolJson) as JsonObject;
  const headers = new Map<string, ParamHeader>();
  for (const { schema, path } of placesIn(inputSchema)) {
    if (!isObject(schema) || !Object.hasOwn(schema, ANNOTATION)) continue;
    const name = schema[ANNOTATION];
    const where = path === undefined || path.length === 0 ? 'outside of properties' : `at ${path.join('.')}`;
    const refused = (why: string): ParamHeaders => ({ valid: false, reason: `${ANNOTATION} ${where}: ${why}` });
    if (path === undefined || path.length === 0) return refused('only `properties` may lead to it');
    if (typeof name !== 'string' || !TOKEN.test(name)) return refused(`${JSON.stringify(name)} is no header name`);
    if (!isPrimitive(schema.type)) return refused('the type must be string, integer or boolean');
    const header = PARAM_PREFIX + name.toLowerCase();
    if (headers.has(header)) return refused(`the name ${JSON.stringify(name)} is taken, whatever the case`);
    headers.set(header, { name: header, path });
  }
  return headers.size === 0 ? NONE : { valid: true, headers: [...headers.values()] };
}

/** Every schema within a schema, itself first. Instance data (`default`, `const`, `enum`, `examples`) holds none. */
function placesIn(inputSchema: JsonValue | undefined): readonly Place[] {
  // A list that grows under the loop instead of recursion: a deep schema must not end in a stack overflow.
  const places: Place[] = [{ schema: inputSchema, path: [] }];
  for (const place of places) for (const child of childrenOf(place)) places.push(child);
  return places;
}

function* childrenOf({ schema, path }: Place): Generator<Place> {
  if (!isObject(schema)) return;
  const isReachable = path !== undefined && path.length < MAX_DEPTH;
  for (const [keyword, value] of Object.entries(schema)) {
    const named = isObject(value) ? Object.entries(value) : [];
    if (keyword === 'properties')
      for (const [name, child] of named) yield { schema: child, path: isReachable ? [...path, name] : undefined };
    else if (MAP_KEYWORDS.has(keyword)) for (const [, child] of named) yield { schema: child, path: undefined };
    else if (SCHEMA_KEYWORDS.has(keyword)) for (const child of [value].flat()) yield { schema: child, path: undefined };
  }
}

/** One primitive type, or several; null beside it only says that the header may be missing. */
function isPrimitive(type: JsonValue | undefined): boolean {
  const types = [type].flat().filter((name) => name !== 'null');
  return types.length > 0 && types.every((name) => PRIMITIVES.has(name));
}

/**
 * Makes a filter for the offers of one server: tools whose annotations break the rules are left out, as a client over HTTP
 * must not offer them. `onRejected` hears of each once, for as long as it stays as it is.
 */
export function createToolFilter(onRejected: (tool: string, reason: string) => void): (offer: Offer) => Offer {
  let told: ReadonlyMap<string, string> = new Map();
  return (offer) => {
    const rejected = new Map<string, string>();
    const tools = offer.tools.filter((tool) => {
      const read = paramHeadersOf(tool);
      if (!read.valid) rejected.set(tool.name, read.reason);
      return read.valid;
    });
    for (const [name, reason] of rejected) if (told.get(name) !== reason) onRejected(name, reason);
    told = rejected;
    return rejected.size === 0 ? offer : { ...offer, tools };
  };
}
