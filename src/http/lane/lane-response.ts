import { STATUS_CODES, type OutgoingHttpHeaders } from 'node:http';
import { COMMON_NAMES, NOT_IN_VALUE, TOKEN } from '../../lib/http-fields.ts';
import type { HotResponse } from '../hot.ts';
import { httpDate } from './http-date.ts';
import type { LaneRequest } from './lane-request.ts';

type Listener = () => void;
/** A text has a letter for each byte. */
type Bytes = Buffer | string;

/** Below this, the pieces of a message are cheaper joined than sent one by one. */
const JOIN_LIMIT = 15 * 1024;
const EMPTY = Buffer.alloc(0);

/** The answer to one request of the lane: a head, and a body of known length or in chunks (RFC 9112). */
export class LaneResponse implements HotResponse {
  readonly req: LaneRequest;
  statusCode = 200;
  headersSent = false;
  writableEnded = false;
  writableFinished = false;
  destroyed = false;
  /** The connection ends with this answer. */
  isLast = false;
  readonly #keepAliveSeconds: number;
  readonly #onEnd: () => void;
  #headers: OutgoingHttpHeaders = {};
  /** What waits to go with what follows: the head for the first part of the body, small parts for the end of this turn. */
  #held = '';
  /** The end of this turn sends what is held. */
  #isDue = false;
  #isHeadMade = false;
  #isChunked = false;
  #closeListeners: Listener[] = [];
  #drainListeners: Listener[] = [];

  /** `onEnd` hears that the connection has been given all of it. */
  constructor(request: LaneRequest, keepAliveSeconds: number, onEnd: () => void) {
    this.req = request;
    this.#keepAliveSeconds = keepAliveSeconds;
    this.#onEnd = onEnd;
  }

  get writableLength(): number {
    return this.req.socket.writableLength + this.#held.length;
  }

  setHeader(name: string, value: string): this {
    this.#demandUnsent();
    keep(this.#headers, name, value);
    return this;
  }

  writeHead(status: number, headers: OutgoingHttpHeaders = {}): this {
    this.#demandUnsent();
    const all = { ...this.#headers }; // a head that is refused leaves nothing behind
    for (const name in headers) keep(all, name, headers[name]);
    this.#headers = all;
    this.statusCode = status;
    this.headersSent = true;
    return this;
  }

  flushHeaders(): void {
    if (this.destroyed || this.writableEnded) return;
    this.#send(EMPTY, undefined);
    this.flush();
  }

  write(chunk: string | Uint8Array, encoding?: 'latin1'): boolean {
    if (this.destroyed || this.writableEnded) return true;
    return this.#send(encoding === 'latin1' && typeof chunk === 'string' ? chunk : toBuffer(chunk), undefined);
  }

  end(chunk: string | Uint8Array = EMPTY): this {
    if (this.destroyed || this.writableEnded) return this;
    this.writableEnded = true;
    const bytes = toBuffer(chunk);
    this.#send(bytes, bytes.length);
    if (!this.#isDue) this.#onEnd();
    return this;
  }

  cork(): void {
    this.req.socket.cork();
  }

  uncork(): void {
    this.req.socket.uncork();
  }

  destroy(): this {
    this.flush();
    this.req.socket.destroy();
    return this;
  }

  once(event: 'close' | 'drain', listener: Listener): this {
    (event === 'close' ? this.#closeListeners : this.#drainListeners).push(listener);
    return this;
  }

  off(event: 'close' | 'drain', listener: Listener): this {
    const listeners = event === 'close' ? this.#closeListeners : this.#drainListeners;
    const at = listeners.indexOf(listener);
    if (at !== -1) listeners.splice(at, 1);
    return this;
  }

  /** The connection takes more. */
  drain(): void {
    const listeners = this.#drainListeners;
    this.#drainListeners = [];
    for (const listener of listeners) listener();
  }

  /** All was sent, or the connection is gone before. */
  close(isSent: boolean): void {
    if (this.destroyed) return;
    this.writableFinished = isSent;
    this.destroyed = true;
    const listeners = this.#closeListeners;
    this.#closeListeners = [];
    for (const listener of listeners) listener();
  }

  #demandUnsent(): void {
    if (this.headersSent) throw new Error('the head of the response was sent before');
  }

  /** `length` is that of the whole body, if this is all of it or the rest. */
  #send(bytes: Bytes, length: number | undefined): boolean {
    if (!this.#isHeadMade) this.#makeHead(length);
    let before = this.#held;
    let after = '';
    this.#held = '';
    if (this.#isChunked) {
      if (bytes.length > 0) {
        before += `${bytes.length.toString(16)}\r\n`;
        after = '\r\n';
      }
      if (length !== undefined) after += '0\r\n\r\n';
    }
    const isSmall = before.length + bytes.length <= JOIN_LIMIT;
    return isSmall && (length === undefined || this.#isDue)
      ? this.#hold(before, bytes, after)
      : sendJoined(this.req.socket, before, bytes, after);
  }

  /**
   * Keeps parts of a stream for the end of this turn. The end of a stream often comes in the same turn as its last part: together they
   * cost one call of the system. And parts of several streams then go one right after the other, so that a client whom the first one
   * wakes is awake for the rest: to wake somebody costs more than to send.
   */
  #hold(before: string, bytes: Bytes, after: string): boolean {
    this.#held = before + lettersOf(bytes) + after;
    if (!this.#isDue && due.push(this) === 1) setImmediate(flushAll);
    this.#isDue = true;
    return !this.req.socket.writableNeedDrain;
  }

  /** Sends what is held. */
  flush(): void {
    const held = this.#held;
    this.#held = '';
    if (held !== '' && !this.destroyed) this.req.socket.write(held, 'latin1');
    if (!this.#isDue) return;
    this.#isDue = false;
    if (this.writableEnded) this.#onEnd();
  }

  #makeHead(length: number | undefined): void {
    const { statusCode } = this;
    this.#isHeadMade = true;
    this.headersSent = true;
    let head = `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? 'unknown'}\r\n`;
    for (const name in this.#headers) {
      const value = this.#headers[name];
      if (Array.isArray(value)) for (const each of value) head += `${name}: ${each}\r\n`;
      else head += `${name}: ${value}\r\n`;
    }
    const { 'content-length': given, connection, date } = this.#headers;
    if (date === undefined) head += `date: ${httpDate()}\r\n`;
    if (connection === undefined) head += `connection: keep-alive\r\nkeep-alive: timeout=${this.#keepAliveSeconds}\r\n`;
    else this.isLast = connection !== 'keep-alive';
    const hasBody = statusCode !== 204 && statusCode !== 304;
    if (hasBody && given === undefined) {
      this.#isChunked = length === undefined;
      head += this.#isChunked ? 'transfer-encoding: chunked\r\n' : `content-length: ${length}\r\n`;
    }
    this.#held = `${head}\r\n`;
  }
}

/** What the end of this turn sends. */
let due: LaneResponse[] = [];

function flushAll(): void {
  const responses = due;
  due = [];
  for (const response of responses) response.flush();
}

/** Throws for a field that must not be sent. */
function keep(headers: OutgoingHttpHeaders, name: string, value: OutgoingHttpHeaders[string]): void {
  if (value === undefined) return;
  const key = COMMON_NAMES.get(name) ?? name.toLowerCase();
  demandClean(key, value);
  headers[key] = value;
}

/** Nothing that was handed on may end a line of the head, or say where the body ends. */
function demandClean(key: string, value: number | string | readonly string[]): void {
  const isName = key === 'transfer-encoding' ? false : COMMON_NAMES.has(key) || TOKEN.test(key);
  const isValue =
    typeof value === 'string'
      ? !NOT_IN_VALUE.test(value)
      : typeof value === 'number' || value.every((each) => !NOT_IN_VALUE.test(each));
  if (!isName || !isValue)
    throw new TypeError(`the response must not have header ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
}

function sendJoined(socket: LaneRequest['socket'], before: string, bytes: Bytes, after: string): boolean {
  if (bytes.length <= JOIN_LIMIT) {
    const text = before + lettersOf(bytes) + after;
    return text === '' ? true : socket.write(text, 'latin1');
  }
  socket.cork();
  if (before !== '') socket.write(before, 'latin1');
  let canTakeMore = socket.write(bytes, 'latin1');
  if (after !== '') canTakeMore = socket.write(after, 'latin1');
  socket.uncork();
  return canTakeMore;
}

function lettersOf(bytes: Bytes): string {
  if (typeof bytes === 'string') return bytes;
  return bytes.length === 0 ? '' : bytes.toString('latin1');
}

function toBuffer(chunk: string | Uint8Array): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
