import { GatewayError } from '../../lib/errors.ts';
import { scanArray, scanObject } from '../../lib/json-scan.ts';

/** Deeper than any tool wants its arguments. */
const MAX_DEPTH = 100;

/**
 * A JSON text without white space and with the members of its objects in order, so that the same arguments give the same text.
 * Scalars stay as they are written: parsed, two long numbers could pass for each other. A key that is there twice stays so,
 * because nobody knows which of them a server takes.
 */
export function sameJson(text: string): string {
  const bytes = Buffer.from(text);
  return write(bytes, 0, bytes.length, 0);
}

function write(bytes: Buffer, start: number, end: number, depth: number): string {
  if (depth > MAX_DEPTH)
    throw new GatewayError('invalid_request', `params.arguments: must not be nested deeper than ${MAX_DEPTH} levels`);
  const parts: string[] = [];
  const first = bytes[start];
  if (first === 0x5b) {
    scanArray(bytes, (from, to) => parts.push(write(bytes, from, to, depth + 1)), start);
    return `[${parts.join(',')}]`;
  }
  if (first !== 0x7b) return bytes.toString('utf8', start, end);
  const members: [key: string, value: string][] = [];
  scanObject(bytes, (key, from, to) => members.push([key, write(bytes, from, to, depth + 1)]), start);
  // Sorting is stable: the order of two members with the same key stays, and counts.
  for (const [key, value] of members.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
    parts.push(`${JSON.stringify(key)}:${value}`);
  return `{${parts.join(',')}}`;
}
