import type { Dispatcher } from 'undici';
import { NOT_IN_VALUE, TOKEN } from '../http-fields.ts';

/** A request as it is sent: the head with a small body behind it, each letter a byte, or the head and a larger body. */
export interface RequestText {
  readonly text: string;
  readonly body: Uint8Array | undefined;
}

type Options = Dispatcher.DispatchOptions;

/** A body of up to so many bytes is sent as one piece with the head; copying a larger one would cost more than a second write. */
const SMALL = 16 * 1024;
/** Methods of requests whose body, even an empty one, is announced with a length. */
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);
const WITHOUT_BODY = new Set(['GET', 'DELETE', 'OPTIONS']);
const BAD_PATH = /[^\u0021-\u00ff]/;

/**
 * Writes a request that is as plain as nearly all are: text or bytes as its body, fields of which none is about the connection or the
 * length. Undefined for any other, correct or not.
 */
export function writeRequest(options: Options, hostLines: string): RequestText | undefined {
  const { path, method } = options;
  if (typeof path !== 'string' || path.charCodeAt(0) !== SLASH || BAD_PATH.test(path) || isSpecial(options)) {
    return undefined;
  }
  const fields = writeFields(options.headers);
  if (fields === undefined) return undefined;
  const head = `${method} ${path} HTTP/1.1\r\n${hostLines}${fields}`;
  if (WITHOUT_BODY.has(method)) return isEmpty(options.body) ? { text: `${head}\r\n`, body: undefined } : undefined;
  return WITH_BODY.has(method) ? withBody(head, options.body) : undefined;
}

const SLASH = 47;

/** What would have to be done otherwise, or is of no concern to HTTP/1.1 but must be checked. */
function isSpecial(options: Options): boolean {
  const { query, upgrade, headersTimeout, bodyTimeout, reset, blocking, idempotent } = options;
  const more = options as {
    servername?: unknown;
    throwOnError?: unknown;
    maxRedirections?: unknown;
    dispatcher?: unknown;
  };
  return Boolean(
    query ??
    reset ??
    blocking ??
    idempotent ??
    options.expectContinue ??
    options.typeOfService ??
    more.servername ??
    more.throwOnError ??
    more.dispatcher ??
    ((upgrade || headersTimeout || bodyTimeout || more.maxRedirections) && true),
  );
}

function isEmpty(body: Options['body']): boolean {
  return body === null || body === undefined || body === '' || (body instanceof Uint8Array && body.length === 0);
}

function withBody(head: string, body: Options['body']): RequestText | undefined {
  if (body === null || body === undefined) return { text: `${head}content-length: 0\r\n\r\n`, body: undefined };
  if (typeof body === 'string') {
    const length = Buffer.byteLength(body);
    // Each letter is a byte of its own.
    if (length === body.length && length <= SMALL) {
      return { text: `${head}content-length: ${length}\r\n\r\n${body}`, body: undefined };
    }
    return withBytes(head, Buffer.from(body));
  }
  return body instanceof Uint8Array ? withBytes(head, body) : undefined;
}

function withBytes(head: string, body: Uint8Array): RequestText {
  const text = `${head}content-length: ${body.length}\r\n\r\n`;
  if (body.length > SMALL) return { text, body };
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return { text: text + bytes.toString('latin1'), body: undefined };
}

/** What was written of lists that cannot change: a connection to a server sends the same one with every request. */
const written = new WeakMap<readonly unknown[], string>();

function writeFields(headers: Options['headers']): string | undefined {
  if (headers === null || headers === undefined) return '';
  if (Array.isArray(headers)) return written.get(headers) ?? writeList(headers);
  const prototype: unknown = Object.getPrototypeOf(headers);
  const isPlain = (prototype === Object.prototype || prototype === null) && !Object.hasOwn(headers, Symbol.iterator);
  return isPlain ? writeRecord(headers as Record<string, unknown>) : undefined;
}

function writeList(headers: readonly unknown[]): string | undefined {
  if (headers.length % 2 !== 0) return undefined;
  let text = '';
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index];
    const value = headers[index + 1];
    if (!isPlainField(name, value)) return undefined;
    text += `${name as string}: ${value as string}\r\n`;
  }
  if (Object.isFrozen(headers)) written.set(headers, text);
  return text;
}

function writeRecord(headers: Readonly<Record<string, unknown>>): string | undefined {
  let text = '';
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (!isPlainField(name, value)) return undefined;
    text += `${name}: ${value as string}\r\n`;
  }
  return text;
}

function isPlainField(name: unknown, value: unknown): boolean {
  return (
    typeof name === 'string' &&
    typeof value === 'string' &&
    TOKEN.test(name) &&
    !NOT_IN_VALUE.test(value) &&
    !isAboutMessage(name)
  );
}

/** Names that say where the message ends, to whom it goes or what becomes of the connection. */
function isAboutMessage(name: string): boolean {
  switch (name.length) {
    case 4:
      return name.toLowerCase() === 'host';
    case 6:
      return name.toLowerCase() === 'expect';
    case 7:
      return name.toLowerCase() === 'upgrade';
    case 10:
      return name.toLowerCase() === 'connection' || name.toLowerCase() === 'keep-alive';
    case 14:
      return name.toLowerCase() === 'content-length';
    case 17:
      return name.toLowerCase() === 'transfer-encoding';
    default:
      return false;
  }
}
