import { errors } from 'undici';
import {
  addField,
  checkBeginning,
  checkUnfinished,
  CHUNKED,
  framingOf,
  idleTimeOf,
  malformed,
  MAX_FIELDS,
  parseStatusLine,
  UNTIL_CLOSE,
  type Fields,
  type Framing,
  type StatusLine,
} from './response-head.ts';

/** Takes a response while it is parsed. `false` means: nothing more until the parser is called again. */
export interface ResponseSink {
  onHead(status: number, fields: Fields, reason: string): boolean;
  onBody(chunk: Buffer): boolean;
  onEnd(trailers: Fields): void;
}

const HEAD = 0;
const BODY = 1;
const BODY_UNTIL_CLOSE = 2;
const CHUNK_SIZE = 3;
const CHUNK_EXTENSION = 4;
const CHUNK_SIZE_LF = 5;
const CHUNK_DATA = 6;
const CHUNK_CR = 7;
const CHUNK_LF = 8;
const TRAILERS = 9;
const DONE = 10;

/** Bytes that are looked at as text at once; most heads are shorter. */
const GLANCE = 2048;
/** More than ": " and CR of an unfinished line. */
const SLACK = 16;
const MAX_EXTENSION = 16 * 1024;
const CR = 13;
const LF = 10;

/**
 * Parses the responses of one connection (RFC 9112), each to a request other than HEAD or CONNECT. It is as strict as llhttp is for
 * undici: whoever reads the end of a response elsewhere than its server takes a part of it for the next one.
 */
export class ResponseParser {
  readonly #sink: ResponseSink;
  #state = HEAD;
  #isHeld = false;
  /** The unfinished line. */
  #line = '';
  #statusLine: StatusLine | undefined;
  #framing: Framing | undefined;
  #fields: Fields = {};
  #letters = 0;
  /** Bytes to come of the body or chunk. */
  #remaining = 0;
  #digits = 0;
  #extension = 0;
  #idleTime: number | undefined;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** True when the connection may be used again after this response. */
  get keepsAlive(): boolean {
    return this.#framing?.keepsAlive === true;
  }

  /** Milliseconds for which the server keeps the connection, where it says so. */
  get idleTime(): number | undefined {
    return this.#idleTime;
  }

  /** Makes ready for the next response, and lets go of this one. */
  reset(): void {
    this.#state = HEAD;
    this.#line = '';
    this.#statusLine = undefined;
    this.#framing = undefined;
    this.#fields = {};
    this.#letters = 0;
    this.#idleTime = undefined;
  }

  /**
   * Parses bytes and gives where it ended: at their end unless the response has ended or the sink wants no more for now. What is before
   * that belongs to the parser and the sink, and may be moved. Throws HTTPParserError, HeadersOverflowError, SocketError.
   */
  execute(bytes: Buffer, start = 0): number {
    let at = start;
    this.#isHeld = false;
    while (!this.#isHeld && this.#state !== DONE) {
      if (at === bytes.length && !(this.#state === BODY && this.#remaining === 0)) break;
      at = this.#step(bytes, at);
    }
    return at;
  }

  /** The peer sends nothing more. Gives the error of a response that is not complete. */
  finish(): Error | undefined {
    const isComplete = this.#state === BODY_UNTIL_CLOSE || (this.#state === BODY && this.#remaining === 0);
    if (isComplete) this.#end();
    if (this.#state === DONE) return undefined;
    if (this.#framing === undefined || this.keepsAlive) return new errors.SocketError('other side closed');
    if (this.#framing.declared !== undefined) return new errors.ResponseContentLengthMismatchError();
    return malformed('INVALID_EOF_STATE', 'Invalid EOF state');
  }

  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case HEAD:
      case TRAILERS:
        return this.#takeLines(bytes, at);
      case BODY:
      case CHUNK_DATA:
        return this.#takeBody(bytes, at);
      case BODY_UNTIL_CLOSE:
        this.#deliver(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
      case CHUNK_SIZE:
        return this.#takeWholeChunks(bytes, at);
      default:
        this.#takeFrame(bytes[at] ?? 0);
        return at + 1;
    }
  }

  #takeLines(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + GLANCE);
    const known = this.#line.length;
    const read = bytes.toString('latin1', at, end);
    const text = known === 0 ? read : this.#line + read;
    for (let start = 0; ;) {
      const stop = text.indexOf('\r\n', start);
      if (stop === -1) {
        this.#keepLine(text.slice(start));
        return end;
      }
      if (stop === start && (this.#statusLine !== undefined || this.#state === TRAILERS)) {
        this.#line = '';
        this.#endBlock();
        return at + stop + 2 - known;
      }
      this.#takeLine(text, start, stop);
      start = stop + 2;
    }
  }

  #keepLine(line: string): void {
    if (this.#letters + line.length > MAX_FIELDS + SLACK) throw new errors.HeadersOverflowError();
    if (this.#state === HEAD && this.#statusLine === undefined) checkBeginning(line);
    checkUnfinished(line);
    this.#line = line;
  }

  #takeLine(text: string, start: number, end: number): void {
    if (this.#state === HEAD && this.#statusLine === undefined) {
      this.#statusLine = parseStatusLine(text.slice(start, end));
      return;
    }
    this.#letters += addField(this.#fields, text, start, end);
    if (this.#letters >= MAX_FIELDS) throw new errors.HeadersOverflowError();
  }

  /** After the empty line. */
  #endBlock(): void {
    if (this.#state === TRAILERS) this.#endTrailers();
    else if (this.#statusLine !== undefined) this.#endHead(this.#statusLine);
  }

  #endHead(line: StatusLine): void {
    const fields = this.#fields;
    if (line.status === 101) throw new errors.SocketError('bad upgrade');
    // Nothing was asked for that an interim response could be about.
    if (line.status < 200) return this.reset();
    const framing = framingOf(line, fields);
    this.#framing = framing;
    this.#idleTime = idleTimeOf(fields);
    this.#fields = {};
    this.#letters = 0;
    this.#begin(framing.body);
    if (!this.#sink.onHead(line.status, fields, line.reason)) this.#isHeld = true;
  }

  #begin(body: number): void {
    if (body === CHUNKED) this.#beginChunk();
    else if (body === UNTIL_CLOSE) this.#state = BODY_UNTIL_CLOSE;
    else {
      this.#state = BODY;
      this.#remaining = body;
    }
  }

  #takeBody(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#remaining);
    this.#remaining -= end - at;
    if (end > at) this.#deliver(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (this.#remaining === 0) {
      if (this.#state === CHUNK_DATA) this.#state = CHUNK_CR;
      else if (!this.#isHeld) this.#end();
    }
    return end;
  }

  #deliver(chunk: Buffer): void {
    if (!this.#sink.onBody(chunk)) this.#isHeld = true;
  }

  /**
   * Delivers the chunks that lie here from end to end as one piece, closed up where they are: by itself each would go all the way to whoever
   * reads the body. Anything else is taken byte by byte.
   */
  #takeWholeChunks(bytes: Buffer, at: number): number {
    let behind = at;
    let from = 0;
    let to = 0;
    for (let chunk = this.#digits === 0 && wholeChunk(bytes, at); chunk; chunk = wholeChunk(bytes, behind)) {
      const { start, end } = chunk;
      if (behind === at) [from, to] = [start, start];
      else bytes.copyWithin(to, start, end);
      to += end - start;
      behind = end + 2;
    }
    if (behind > at) this.#deliver(bytes.subarray(from, to));
    else this.#takeFrame(bytes[behind++] ?? 0);
    return behind;
  }

  #beginChunk(): void {
    this.#state = CHUNK_SIZE;
    this.#remaining = 0;
    this.#digits = 0;
    this.#extension = 0;
  }

  /** One byte of what is around the data of chunks (RFC 9112, 7.1). */
  #takeFrame(byte: number): void {
    switch (this.#state) {
      case CHUNK_SIZE:
        return this.#takeSize(byte);
      case CHUNK_EXTENSION:
        return this.#takeExtension(byte);
      case CHUNK_SIZE_LF:
        expect(byte, LF);
        this.#state = this.#remaining === 0 ? TRAILERS : CHUNK_DATA;
        return;
      case CHUNK_CR:
        expect(byte, CR);
        this.#state = CHUNK_LF;
        return;
      default:
        expect(byte, LF);
        this.#beginChunk();
    }
  }

  #takeSize(byte: number): void {
    const digit = hexValue(byte);
    if (digit !== -1) {
      this.#digits += 1;
      this.#remaining = this.#remaining * 16 + digit;
      if (!Number.isSafeInteger(this.#remaining)) throw malformed('INVALID_CHUNK_SIZE', 'Chunk size overflow');
      return;
    }
    const isEnd = byte === CR || byte === SEMICOLON;
    if (!isEnd || this.#digits === 0) throw malformed('INVALID_CHUNK_SIZE', 'Invalid character in chunk size');
    this.#state = byte === CR ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
  }

  #takeExtension(byte: number): void {
    this.#extension += 1;
    if (byte === CR) this.#state = CHUNK_SIZE_LF;
    else if ((byte < SPACE && byte !== TAB) || byte === DELETE || this.#extension > MAX_EXTENSION) {
      throw malformed('INVALID_CHUNK_SIZE', 'Invalid character in chunk extensions');
    }
  }

  #endTrailers(): void {
    const { 'content-length': length, 'transfer-encoding': coding } = this.#fields;
    if (length !== undefined || coding !== undefined) {
      throw malformed('INVALID_CONTENT_LENGTH', "Content-Length can't be present with chunked encoding");
    }
    this.#end();
  }

  #end(): void {
    const trailers = this.#fields;
    this.#fields = {};
    this.#state = DONE;
    this.#sink.onEnd(trailers);
  }
}

/** Of the size of a chunk that can be all there. */
const MAX_DIGITS = 8;
const SEMICOLON = 59;
const SPACE = 32;
const TAB = 9;
const DELETE = 127;

function hexValue(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Where the data of a chunk lies that is all there, but for the last one of a body; undefined for any other. */
function wholeChunk(bytes: Buffer, at: number): { readonly start: number; readonly end: number } | undefined {
  let size = 0;
  let behind = at;
  for (; behind < at + MAX_DIGITS; behind += 1) {
    const digit = hexValue(bytes[behind] ?? 0);
    if (digit === -1) break;
    size = size * 16 + digit;
  }
  const start = behind + 2;
  const end = start + size;
  const isWhole = size > 0 && hasLineEnd(bytes, behind) && hasLineEnd(bytes, end);
  return isWhole ? { start, end } : undefined;
}

function hasLineEnd(bytes: Buffer, at: number): boolean {
  return bytes[at] === CR && bytes[at + 1] === LF;
}

function expect(byte: number, wanted: number): void {
  if (byte !== wanted) throw malformed('STRICT', `Expected ${wanted === CR ? 'CR' : 'LF'} of a chunk`);
}
