import { maxHeaderSize } from 'node:http';
import { errors } from 'undici';
import { COMMON_NAMES, NOT_IN_VALUE, SPACE, TOKEN, valueAt } from '../http-fields.ts';

/** Fields as undici gives them: names in lower case, a list where a name came several times. */
export type Fields = Record<string, string | string[]>;

/** How the end of a body is found (RFC 9112, 6.3): a length in bytes, or one of these. */
export const CHUNKED = -1;
export const UNTIL_CLOSE = -2;

/** What the fields of a response say about its body and about the connection after it. */
export interface Framing {
  /** Bytes, {@link CHUNKED} or {@link UNTIL_CLOSE}. */
  readonly body: number;
  readonly keepsAlive: boolean;
  /** What Content-Length said, for a peer that ends early; undefined where it does not count. */
  readonly declared: number | undefined;
}

/** Text and digits of one response line; `minor` is that of HTTP/1.x. */
export interface StatusLine {
  readonly minor: number;
  readonly status: number;
  readonly reason: string;
}

/** As undici counts: the letters of names and values of one block of fields, less than what Node takes. */
export const MAX_FIELDS = maxHeaderSize;

const BEYOND_ASCII = /[\x80-\xff]/;
const DIGITS = /^\d{1,16}$/;
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const KEEP_ALIVE = /(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/i;
const ENDS_CHUNKED = /(?:^|,)[\t ]*chunked$/i;
const TIMEOUT = /(?:^|,)[\t ]*timeout=(\d+)/i;
const STATUS = /^[1-9]\d\d$/;
const ZERO = 48;

/** What undici throws when a response is none. */
export function malformed(code: string, reason: string): Error {
  const error = new errors.HTTPParserError(`Response does not match the HTTP/1.1 protocol (${reason})`);
  return Object.assign(error, { code: `HPE_${code}` });
}

/** Parses a status line without its end (RFC 9112, 4). Throws HTTPParserError. */
export function parseStatusLine(line: string): StatusLine {
  const minor = line.charCodeAt(7) - ZERO;
  if (!line.startsWith('HTTP/1.') || (minor !== 0 && minor !== 1) || line.charCodeAt(8) !== SPACE) {
    throw malformed('INVALID_CONSTANT', 'Expected HTTP/1.0 or HTTP/1.1');
  }
  const digits = line.slice(9, 12);
  const status = STATUS.test(digits) ? Number(digits) : 0;
  if (status === 0 || (line.length > 12 && line.charCodeAt(12) !== SPACE)) {
    throw malformed('INVALID_STATUS', 'Invalid response status');
  }
  const reason = line.slice(13);
  if (NOT_IN_VALUE.test(reason)) throw malformed('INVALID_STATUS', 'Invalid character in reason');
  return { minor, status, reason: BEYOND_ASCII.test(reason) ? Buffer.from(reason, 'latin1').toString() : reason };
}

/** Throws HTTPParserError when what came of a line so far can become no status line, so that nobody waits for its end. */
export function checkBeginning(line: string): void {
  const known = 'HTTP/1.';
  if (!known.startsWith(line.slice(0, known.length))) throw malformed('INVALID_CONSTANT', 'Expected HTTP/');
}

/** Throws HTTPParserError for an end of line that is not CR LF, which would be waited for in vain. */
export function checkUnfinished(line: string): void {
  const cr = line.indexOf('\r');
  if (line.includes('\n')) throw malformed('CR_EXPECTED', 'Missing expected CR before LF');
  if (cr !== -1 && cr !== line.length - 1) throw malformed('LF_EXPECTED', 'Missing expected LF after CR');
}

/**
 * Adds the field in `text` from `start` to `end` and gives how many letters its name and value have. Throws HTTPParserError, also for
 * lines that go on with the one before (obs-fold).
 */
export function addField(fields: Fields, text: string, start: number, end: number): number {
  const colon = text.indexOf(':', start);
  const name = colon === -1 || colon > end ? '' : text.slice(start, colon);
  const key = COMMON_NAMES.get(name) ?? toKey(name);
  const value = valueAt(text, colon + 1, end);
  if (NOT_IN_VALUE.test(value)) throw malformed('INVALID_HEADER_TOKEN', 'Invalid character in header value');
  if (fields[key] === undefined) fields[key] = value;
  else addAgain(fields, key, value);
  return name.length + value.length;
}

function toKey(name: string): string {
  if (!TOKEN.test(name)) throw malformed('INVALID_HEADER_TOKEN', 'Invalid header token');
  return name.toLowerCase();
}

/** Either the name came before, or every object has something of that name, such as `constructor`. */
function addAgain(fields: Fields, key: string, value: string): void {
  const before = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (Array.isArray(before)) before.push(value);
  else {
    const now = before === undefined ? value : [before, value];
    Object.defineProperty(fields, key, { value: now, enumerable: true, configurable: true, writable: true });
  }
}

/**
 * Where the body of a response to a request other than HEAD or CONNECT ends, and whether another one may follow on the connection.
 * Throws HTTPParserError for what leaves it open (RFC 9112, 6.3), as two lengths do.
 */
export function framingOf({ minor, status }: StatusLine, fields: Fields): Framing {
  const { 'content-length': length, 'transfer-encoding': coding, connection } = fields;
  const keepsAlive = connection === undefined ? minor === 1 : staysOpen(minor, oneLine(connection));
  if (length !== undefined && coding !== undefined) {
    throw malformed('INVALID_TRANSFER_ENCODING', "Transfer-Encoding can't be present with Content-Length");
  }
  const declared = length === undefined ? undefined : parseLength(length);
  if (status === 204 || status === 304) {
    // Content that must not be there would be read as the next response.
    const isEmpty = coding === undefined && (declared ?? 0) === 0;
    return { body: 0, keepsAlive: keepsAlive && isEmpty, declared: undefined };
  }
  if (coding !== undefined) {
    const isChunked = ENDS_CHUNKED.test(oneLine(coding));
    // Whoever speaks HTTP/1.0 may have passed on what it did not understand (RFC 9112, 6.1).
    return { body: isChunked ? CHUNKED : UNTIL_CLOSE, keepsAlive: keepsAlive && isChunked && minor === 1, declared };
  }
  return { body: declared ?? UNTIL_CLOSE, keepsAlive: keepsAlive && declared !== undefined, declared };
}

function staysOpen(minor: number, connection: string): boolean {
  if (connection === 'keep-alive') return true;
  return !CLOSE.test(connection) && (minor === 1 || KEEP_ALIVE.test(connection));
}

/** A field that came several times is one list (RFC 9110, 5.2). */
function oneLine(value: string | string[]): string {
  return typeof value === 'string' ? value : value.join(',');
}

function parseLength(value: string | string[]): number {
  if (Array.isArray(value)) throw malformed('UNEXPECTED_CONTENT_LENGTH', 'Content-Length already present');
  const length = DIGITS.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(length)) throw malformed('INVALID_CONTENT_LENGTH', 'Invalid character in Content-Length');
  return length;
}

/** How long a server keeps an idle connection, as it hints with Keep-Alive; undefined when it does not. */
export function idleTimeOf({ 'keep-alive': hint }: Fields): number | undefined {
  if (hint === undefined) return undefined;
  const found = TIMEOUT.exec(oneLine(hint))?.[1];
  return found === undefined ? undefined : Number(found) * 1000;
}
