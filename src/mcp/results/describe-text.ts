import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';

const MAX_KEYS = 20;
/** Longer texts are not parsed only to say what is in them. */
const MAX_PARSED = 8 * 1024 * 1024;

/** What a text is, in a few words: how long, and how JSON is built. */
export function describeText(text: string): string {
  const lines = countLines(text);
  const size = `${text.length} characters in ${lines} ${lines === 1 ? 'line' : 'lines'}`;
  const value = text.length > MAX_PARSED ? undefined : parseJson(text);
  return value === undefined ? size : `${size}, JSON: ${describeValue(value)}`;
}

/** The value of a JSON text that is an object or an array. */
export function parseJson(text: string): JsonValue | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function describeValue(value: JsonValue): string {
  if (Array.isArray(value)) {
    const [first] = value;
    return `an array of ${value.length}${first === undefined ? '' : `, the first ${describeShort(first, true)}`}`;
  }
  return typeof value === 'object' && value !== null ? `an object with ${keysOf(value, true)}` : typeof value;
}

function describeShort(value: JsonValue | undefined, isOpen: boolean): string {
  if (Array.isArray(value)) {
    const [first] = value;
    const inside = isOpen && first !== undefined ? `, the first ${describeShort(first, false)}` : '';
    return `an array of ${value.length}${inside}`;
  }
  if (value === null) return 'null';
  return typeof value === 'object' ? `an object with ${keysOf(value, false)}` : `a ${typeof value}`;
}

function keysOf(value: JsonObject, isOpen: boolean): string {
  const keys = Object.keys(value);
  const shown = keys.slice(0, MAX_KEYS).map((key) => {
    const name = key.slice(0, 60);
    return isOpen ? `${name} (${describeShort(value[key], true)})` : name;
  });
  return `${shown.join(', ')}${keys.length > MAX_KEYS ? ` and ${keys.length - MAX_KEYS} more` : ''}`;
}

function countLines(text: string): number {
  let lines = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < text.length - 1; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
