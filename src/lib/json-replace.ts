import { scanArray, scanObject } from './json-scan.ts';

/** Where a string stands: the keys that lead to it, the last one its own; an array adds an empty one. */
export type JsonPath = readonly string[];

const QUOTE = 0x22;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

/**
 * Puts other strings in the place of members that are strings, wherever they stand in a JSON text. Every other byte stays as it
 * was, so that numbers keep their digits; the same bytes come back when nothing is replaced.
 */
export function replaceStrings(bytes: Buffer, replace: (path: JsonPath, value: string) => string | undefined): Buffer {
  const path: string[] = [];
  const pieces: Buffer[] = [];
  let kept = 0;

  function read(start: number): number | undefined {
    if (bytes[start] === OPEN_BRACE) return scanObject(bytes, onMember, start, onKey);
    if (bytes[start] === OPEN_BRACKET) return within('', () => scanArray(bytes, () => undefined, start, read));
    return undefined;
  }
  function onKey(key: string, start: number): number | undefined {
    return within(key, () => read(start));
  }
  function onMember(key: string, start: number, end: number): void {
    if (bytes[start] !== QUOTE) return;
    const value = within(key, () => replace(path, JSON.parse(bytes.toString('utf8', start, end)) as string));
    if (value === undefined) return;
    pieces.push(bytes.subarray(kept, start), Buffer.from(JSON.stringify(value)));
    kept = end;
  }
  function within<T>(key: string, run: () => T): T {
    path.push(key);
    const result = run();
    path.pop();
    return result;
  }

  read(0);
  return kept === 0 ? bytes : Buffer.concat([...pieces, bytes.subarray(kept)]);
}
