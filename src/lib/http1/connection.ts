import type { Socket } from 'node:net';
import { errors } from 'undici';
import type { Carrier, Exchange } from './exchange.ts';
import type { Fields } from './response-head.ts';
import { ResponseParser, type ResponseSink } from './response-parser.ts';

/** Who has the connections. */
export interface ConnectionOwner {
  /** Its response is complete, and another request may be sent; `idleTime` is what the server said of how long. */
  onFree(connection: Connection, idleTime: number | undefined): void;
  /** It is closed. */
  onClosed(connection: Connection): void;
}

/** One socket, with at most one exchange at a time. */
export class Connection implements Carrier, ResponseSink {
  /** Until when it may be idle, by `performance.now()`. */
  idleUntil = 0;
  /** The turn of the event loop in which it became idle. */
  freeSince = 0;
  /** True when it was taken in that same turn: nothing has been read from it since its last response. */
  isFresh = false;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #parser: ResponseParser;
  #exchange: Exchange | undefined;
  #isParsing = false;
  #isReported = false;
  /** The other side has sent all while the exchange was paused. */
  #hasEnded = false;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#parser = new ResponseParser(this);
    socket.on('data', (bytes: Buffer) => this.#onBytes(bytes));
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => this.#onError(error));
    socket.on('close', () => this.#onClose());
  }

  /** False once the other side has sent or closed anything while nothing was asked. */
  get isUsable(): boolean {
    const { destroyed, readableEnded, writable } = this.#socket;
    return !destroyed && !readableEnded && writable;
  }

  /** Sends the request of an exchange. Only for a connection without one. */
  begin(exchange: Exchange): void {
    this.#exchange = exchange;
    if (!exchange.start(this)) return;
    const { request } = exchange;
    if (request === undefined) return;
    exchange.request = undefined;
    const { text, body } = request;
    const socket = this.#socket;
    if (body === undefined) {
      socket.write(text, 'latin1');
      return;
    }
    socket.cork();
    socket.write(text, 'latin1');
    socket.write(body);
    socket.uncork();
  }

  /** An idle connection does not keep the process running. */
  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  /** Ends it; its exchange, if any, fails with the error. */
  destroy(error?: Error): void {
    if (this.#hasEnded && error !== undefined) this.#exchange?.fail(error);
    this.#socket.destroy(error);
  }

  hold(): void {
    // While something is being delivered, the parser looks for itself.
    if (!this.#isParsing) this.#socket.pause();
  }

  goOn(): void {
    if (this.#isParsing) return;
    // The end of a response may be all that is left of it.
    this.#parse(NOTHING);
    if (this.#exchange?.paused === true) return;
    if (this.#hasEnded) this.#lose(undefined);
    else this.#socket.resume();
  }

  drop(): void {
    this.#exchange = undefined;
    this.#socket.destroy();
    this.#reportClosed();
  }

  onHead(status: number, fields: Fields, reason: string): boolean {
    return this.#exchange?.takeHead(status, fields, reason) ?? false;
  }

  onBody(chunk: Buffer): boolean {
    return this.#exchange?.takeData(chunk) ?? false;
  }

  onEnd(trailers: Fields): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.complete(trailers);
  }

  #onBytes(bytes: Buffer): void {
    // Nobody asked: were this taken for a response, it would be that to the next request.
    if (this.#exchange === undefined) this.#socket.destroy();
    else this.#parse(bytes);
  }

  #parse(bytes: Buffer): void {
    const exchange = this.#exchange;
    let end: number;
    this.#isParsing = true;
    try {
      end = this.#parser.execute(bytes);
    } catch (error) {
      return exchange?.fail(error as Error);
    } finally {
      this.#isParsing = false;
    }
    if (this.#exchange === undefined) this.#finish(end === bytes.length);
    else if (this.#exchange.paused) {
      this.#socket.pause();
      if (end < bytes.length) this.#socket.unshift(bytes.subarray(end));
    }
  }

  /** The exchange is over: complete, or given up by its handler. */
  #finish(isAllTaken: boolean): void {
    const socket = this.#socket;
    const { keepsAlive, idleTime } = this.#parser;
    this.#parser.reset();
    // A request that is answered before it is sent would hold up the next one.
    if (isAllTaken && keepsAlive && this.isUsable && socket.writableLength === 0) this.#owner.onFree(this, idleTime);
    else socket.destroy();
  }

  #onEnd(): void {
    // Whoever has paused hears of it when they go on.
    if (this.#exchange?.paused === true) this.#hasEnded = true;
    else this.#lose(undefined);
  }

  #onError(error: NodeJS.ErrnoException): void {
    // Where the end of the connection is that of the response, as undici takes it.
    const isEnd = error.code === 'ECONNRESET' && !this.#parser.keepsAlive && this.#exchange?.paused !== true;
    this.#lose(isEnd && this.#exchange?.rawHeaders ? undefined : error);
  }

  /** Without an error the other side has just stopped sending, which ends some responses. */
  #lose(error: Error | undefined): void {
    const cause = error ?? (this.#exchange === undefined ? undefined : this.#parser.finish());
    if (cause !== undefined) this.#exchange?.fail(cause instanceof errors.SocketError ? this.#locate(cause) : cause);
    this.drop();
  }

  #onClose(): void {
    if (this.#hasEnded && this.#exchange?.paused === true) return;
    this.#exchange?.fail(this.#locate(new errors.SocketError('closed')));
    this.#reportClosed();
  }

  #reportClosed(): void {
    if (this.#isReported || !this.#socket.closed) return;
    this.#isReported = true;
    this.#owner.onClosed(this);
  }

  /** Says between whom it was, as undici does. */
  #locate(error: errors.SocketError): errors.SocketError {
    const { localAddress, localPort, remoteAddress, remotePort, remoteFamily, bytesWritten, bytesRead } = this.#socket;
    const socket = { localAddress, localPort, remoteAddress, remotePort, remoteFamily, bytesWritten, bytesRead };
    return Object.assign(error, { socket });
  }
}

const NOTHING = Buffer.alloc(0);
