import type { IncomingHttpHeaders } from 'node:http';
import { COMMON_NAMES, SPACE, TAB, valueAt } from '../../lib/http-fields.ts';

/** The head of a request that the lane takes, and where it lies in the bytes. */
export interface RequestHead {
  /** The request target: path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Where the body begins, and where the request ends. */
  readonly bodyAt: number;
  readonly end: number;
}

/** As Node's server has it. */
const MAX_HEAD_BYTES = 16 * 1024;
/** What is larger is refused or read piece by piece, which Node's server does. */
const MAX_BODY_BYTES = 64 * 1024;

const VERSION = ' HTTP/1.1';
const TARGET = /^\/[\x21-\x7e]*$/;
/** Fewer than a token may have (RFC 9110, 5.6.2): no name that means something to JavaScript, none that CGI would confuse. */
const NAME = /^[a-z][a-z0-9-]*$/;
const LENGTH = /^\d{1,6}$/;
const LF = 10;
const CR = 13;
const DELETE = 127;

/**
 * Reads the head of a request (RFC 9112) if it is of the plainest kind: POST, HTTP/1.1, one Host, a Content-Length, no header
 * twice, nothing that concerns the connection. Undefined for all else, right or wrong, and for a head that is not all there:
 * that is for Node's server to understand or to refuse.
 */
export function readHead(bytes: Buffer): RequestHead | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1 || headEnd > MAX_HEAD_BYTES) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const firstEnd = head.indexOf('\r\n');
  if (firstEnd === -1 || !head.startsWith('POST /') || !head.startsWith(VERSION, firstEnd - VERSION.length))
    return undefined;
  const url = head.slice(5, firstEnd - VERSION.length);
  if (!TARGET.test(url)) return undefined;
  const headers = readHeaders(head, firstEnd + 2);
  if (headers?.host === undefined || headers['content-length'] === undefined) return undefined;
  const bodyAt = headEnd + 4;
  const length = Number(headers['content-length']);
  return length > MAX_BODY_BYTES ? undefined : { url, headers, bodyAt, end: bodyAt + length };
}

function readHeaders(head: string, start: number): IncomingHttpHeaders | undefined {
  const headers: Record<string, string> = {};
  for (let at = start; at <= head.length;) {
    const colon = head.indexOf(':', at);
    const name = colon === -1 ? undefined : readName(head.slice(at, colon));
    const end = endOfValue(head, colon + 1);
    if (name === undefined || end === -1 || headers[name] !== undefined) return undefined;
    const value = valueAt(head, colon + 1, end);
    if (!isPlain(name, value)) return undefined;
    headers[name] = value;
    at = end + 2;
  }
  return headers;
}

function readName(written: string): string | undefined {
  const common = COMMON_NAMES.get(written);
  if (common !== undefined) return common;
  const name = written.toLowerCase();
  return NAME.test(name) ? name : undefined;
}

/** Where the line ends; -1 if something is in it that must not be in a value (RFC 9110, 5.5). */
function endOfValue(head: string, from: number): number {
  for (let at = from; at < head.length; at += 1) {
    const code = head.charCodeAt(at);
    if ((code >= SPACE && code !== DELETE) || code === TAB) continue;
    return code === CR && head.charCodeAt(at + 1) === LF ? at : -1;
  }
  return head.length;
}

/** False for what says how the connection is to be used, beyond what is usual. */
function isPlain(name: string, value: string): boolean {
  switch (name) {
    case 'content-length':
      return LENGTH.test(value);
    case 'connection':
      return value.toLowerCase() === 'keep-alive';
    case 'transfer-encoding':
    case 'upgrade':
    case 'expect':
    case 'trailer':
      return false;
    default:
      return true;
  }
}
