/**
 * Finds the members of a JSON object or array in bytes without building objects, so that what a server sent can be handed on
 * byte for byte: numbers keep their digits, unknown fields stay, key order stays. It checks the structure (brackets, strings,
 * separators), not the spelling of every scalar.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * Calls back with the key and the byte range of each member's value. `look` may read a value itself, given where it begins, and
 * says where it ends. Returns the position behind the object.
 */
export function scanObject(
  bytes: Buffer,
  onMember: (key: string, start: number, end: number) => void,
  from = 0,
  look?: (key: string, start: number) => number | undefined,
): number {
  let at = skipSpace(bytes, from);
  if (bytes[at] !== OPEN_BRACE) throw new SyntaxError(`expected an object at byte ${at}`);
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === CLOSE_BRACE) return at + 1;
  for (;;) {
    if (bytes[at] !== QUOTE) throw new SyntaxError(`expected a key at byte ${at}`);
    const keyEnd = skipString(bytes, at);
    const key = readKey(bytes, at, keyEnd);
    at = skipSpace(bytes, keyEnd);
    if (bytes[at] !== COLON) throw new SyntaxError(`expected ":" at byte ${at}`);
    const start = skipSpace(bytes, at + 1);
    const end = look?.(key, start) ?? skipValue(bytes, start);
    onMember(key, start, end);
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_BRACE) return at + 1;
    if (bytes[at] !== COMMA) throw new SyntaxError(`expected "," or "}" at byte ${at}`);
    at = skipSpace(bytes, at + 1);
  }
}

/** Calls back with the byte range of each element, with `look` as in {@link scanObject}. Returns the position behind the array. */
export function scanArray(
  bytes: Buffer,
  onElement: (start: number, end: number) => void,
  from = 0,
  look?: (start: number) => number | undefined,
): number {
  let at = skipSpace(bytes, from);
  if (bytes[at] !== OPEN_BRACKET) throw new SyntaxError(`expected an array at byte ${at}`);
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === CLOSE_BRACKET) return at + 1;
  for (;;) {
    const end = look?.(at) ?? skipValue(bytes, at);
    onElement(at, end);
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_BRACKET) return at + 1;
    if (bytes[at] !== COMMA) throw new SyntaxError(`expected "," or "]" at byte ${at}`);
    at = skipSpace(bytes, at + 1);
  }
}

/** The first position at or after `at` that is not white space. */
export function skipSpace(bytes: Buffer, at: number): number {
  for (;;) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}

/**
 * Keys that were read of late, each in the slot that its bytes add up to: a protocol has few, which come with every message, and
 * to make a string of bytes costs more than to compare them.
 */
const lateKeys: (string | undefined)[] = Array.from({ length: 256 });
const LONGEST_KEPT = 32;

function readKey(bytes: Buffer, start: number, end: number): string {
  let sum = 0;
  for (let at = start + 1; at < end - 1; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === BACKSLASH) return JSON.parse(bytes.toString('utf8', start, end)) as string;
    sum = (31 * sum + byte) & 0xff;
  }
  const length = end - start - 2;
  const late = lateKeys[sum];
  if (late?.length === length && standsAt(late, bytes, start + 1)) return late;
  const key = bytes.toString('utf8', start + 1, end - 1);
  if (key.length === length && length <= LONGEST_KEPT) lateKeys[sum] = key;
  return key;
}

/** Whether a text of ASCII is what the bytes from there on say. */
function standsAt(text: string, bytes: Buffer, from: number): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) !== bytes[from + at]) return false;
  return true;
}

function skipValue(bytes: Buffer, at: number): number {
  const first = bytes[at];
  if (first === QUOTE) return skipString(bytes, at);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipContainer(bytes, at);
  let end = at;
  while (isScalarByte(bytes[end])) end += 1;
  if (end === at) throw new SyntaxError(`expected a value at byte ${at}`);
  return end;
}

/** Digits, sign, point, exponent and the letters of true, false and null. */
function isScalarByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x2b ||
    byte === 0x45
  );
}

function skipContainer(bytes: Buffer, from: number): number {
  const length = bytes.length;
  let depth = 0;
  for (let at = from; at < length;) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = skipString(bytes, at);
      continue;
    }
    at += 1;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) return at;
  }
  throw new SyntaxError('unexpected end');
}

/** Long strings (images in base64) are searched by memchr, which is many times faster than a loop. */
const LOOP_LIMIT = 48;

function skipString(bytes: Buffer, from: number): number {
  for (let at = from + 1; at < bytes.length;) {
    const limit = Math.min(bytes.length, at + LOOP_LIMIT);
    while (at < limit) {
      const byte = bytes[at];
      if (byte === QUOTE) return at + 1;
      at += byte === BACKSLASH ? 2 : 1;
    }
    const quote = bytes.indexOf(QUOTE, at);
    if (quote === -1) break;
    let run = quote;
    while (run > at && bytes[run - 1] === BACKSLASH) run -= 1;
    if ((quote - run) % 2 === 0) return quote + 1;
    // Where one quote is escaped more follow soon, as in JSON that is sent as text: a loop is faster there.
    at = quote + 1;
  }
  throw new SyntaxError('unexpected end of a string');
}
