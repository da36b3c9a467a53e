import { Dispatcher, errors, Pool, type buildConnector } from 'undici';
import { Connection, type ConnectionOwner } from './connection.ts';
import { Exchange } from './exchange.ts';
import { createIdleConnections } from './idle-connections.ts';
import { writeRequest, type RequestText } from './request-text.ts';

interface Http1Options {
  /** Opens a socket, with TLS where the origin wants it. */
  readonly connect: buildConnector.connector;
  /** How long a connection may be idle when the server says nothing of it; default 4 s, as with undici. */
  readonly idleTime?: number;
}

type Handler = Dispatcher.DispatchHandler;
type Done = () => void;

const DEFAULT_IDLE_MS = 4_000;
const MAX_IDLE_MS = 600_000;
/** As undici has it: so much sooner than the server a connection is given up, that no request meets its end. */
const IDLE_MARGIN_MS = 2_000;

/**
 * HTTP/1.1 towards one origin with less work than undici's `Pool`, and in its place: a connection for every request that runs, kept for
 * a while afterwards. What is not plain (see `writeRequest`) goes through such a pool.
 */
export class Http1Client extends Dispatcher implements ConnectionOwner {
  readonly #url: URL;
  readonly #connect: buildConnector.connector;
  readonly #idleTime: number;
  readonly #hostLines: string;
  readonly #idle = createIdleConnections();
  readonly #connections: Connection[] = [];
  /** Waiting for a connection that is being opened. */
  readonly #connecting: Exchange[] = [];
  /** Waiting for the next turn, each with the connection at the same place in `#reserved`. */
  #waiting: Exchange[] = [];
  #reserved: Connection[] = [];
  #running = 0;
  #pool: Pool | undefined;
  #isClosed = false;
  #failure: Error | undefined;
  #onIdle: Done | undefined;
  #onGone: Done | undefined;
  #closing: Promise<void> | undefined;
  #end: Promise<void> | undefined;

  constructor(origin: string, { connect, idleTime = DEFAULT_IDLE_MS }: Http1Options) {
    super();
    this.#url = new URL(origin);
    this.#connect = connect;
    this.#idleTime = idleTime;
    this.#hostLines = `host: ${this.#url.host}\r\nconnection: keep-alive\r\n`;
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  get destroyed(): boolean {
    return this.#failure !== undefined;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Handler): boolean {
    if (this.#isClosed || this.#failure !== undefined) return refuse(handler, this.#failure !== undefined);
    const request = isPlain(handler) ? writeRequest(options, this.#hostLines) : undefined;
    if (request === undefined) return this.#openPool().dispatch(options, handler);
    this.#send(request, handler);
    return true;
  }

  /** Lets what runs come to its end. */
  override close(): Promise<void>;
  override close(callback: Done): void;
  override close(callback?: Done): Promise<void> | void {
    if (callback !== undefined) return whenDone(this.close(), callback);
    if (this.#failure !== undefined) return Promise.reject(new errors.ClientDestroyedError());
    this.#isClosed = true;
    return (this.#closing ??= this.#closeAll());
  }

  /** Ends all that runs with the error. */
  override destroy(): Promise<void>;
  override destroy(error: Error | null): Promise<void>;
  override destroy(callback: Done): void;
  override destroy(error: Error | null, callback: Done): void;
  override destroy(first?: Error | null | Done, callback?: Done): Promise<void> | void {
    if (typeof first === 'function') return whenDone(this.destroy(null), first);
    if (callback !== undefined) return whenDone(this.destroy(first ?? null), callback);
    return (this.#end ??= this.#destroyAll(first ?? new errors.ClientDestroyedError()));
  }

  onFree(connection: Connection, hint: number | undefined): void {
    const time = hint === undefined ? this.#idleTime : Math.min(hint - IDLE_MARGIN_MS, MAX_IDLE_MS);
    if (time <= 0 || this.#isClosed || this.#failure !== undefined) connection.destroy();
    else this.#idle.keep(connection, time);
  }

  onClosed(connection: Connection): void {
    this.#idle.remove(connection);
    remove(this.#connections, connection);
    if (this.#connections.length === 0) this.#onGone?.();
  }

  #openPool(): Pool {
    const options = { headersTimeout: 0, bodyTimeout: 0, connect: this.#connect };
    return (this.#pool ??= new Pool(this.#url.origin, options));
  }

  #send(request: RequestText, handler: Handler): void {
    this.#running += 1;
    const exchange = new Exchange(request, handler, this.#onEnded);
    const connection = this.#idle.take();
    if (connection === undefined) this.#open(exchange);
    else this.#reserve(exchange, connection);
  }

  /** In the rest of this turn comes what the server has sent unasked, or that it has closed (as in undici, GHSA-35p6-xmwp-9g52). */
  #reserve(exchange: Exchange, connection: Connection): void {
    this.#waiting.push(exchange);
    if (this.#reserved.push(connection) === 1) setImmediate(this.#begin);
  }

  readonly #begin = (): void => {
    const waiting = this.#waiting;
    const reserved = this.#reserved;
    this.#waiting = [];
    this.#reserved = [];
    for (let index = 0; index < waiting.length; index += 1) {
      const exchange = waiting[index];
      const connection = reserved[index];
      if (exchange !== undefined && connection !== undefined) this.#beginOn(exchange, connection);
    }
  };

  #beginOn(exchange: Exchange, connection: Connection): void {
    if (exchange.isEnded) connection.destroy();
    else if (!connection.isUsable) this.#open(exchange);
    else if (connection.isFresh) {
      connection.isFresh = false;
      this.#reserve(exchange, connection);
    } else connection.begin(exchange);
  }

  readonly #onEnded = (): void => {
    this.#running -= 1;
    if (this.#running === 0) this.#onIdle?.();
  };

  #open(exchange: Exchange): void {
    const { host, hostname, protocol, port } = this.#url;
    const target = { host, hostname: hostname.replace(/^\[|\]$/g, ''), protocol, port };
    this.#connecting.push(exchange);
    try {
      this.#connect(target, (error, socket) => {
        remove(this.#connecting, exchange);
        if (error !== null) return exchange.fail(error);
        if (exchange.isEnded) return void socket.on('error', () => undefined).destroy();
        const connection = new Connection(socket, this);
        this.#connections.push(connection);
        connection.begin(exchange);
      });
    } catch (error) {
      remove(this.#connecting, exchange);
      exchange.fail(error as Error);
    }
  }

  async #closeAll(): Promise<void> {
    const done = this.#running === 0 ? undefined : new Promise<void>((resolve) => (this.#onIdle = resolve));
    for (const connection of this.#idle.clear()) connection.destroy();
    await Promise.all([done, this.#pool?.close()]);
    await this.destroy();
  }

  async #destroyAll(error: Error): Promise<void> {
    this.#failure = error;
    for (const exchange of [...this.#connecting, ...this.#waiting]) exchange.fail(error);
    const gone = this.#connections.length === 0 ? undefined : new Promise<void>((resolve) => (this.#onGone = resolve));
    this.#idle.clear();
    for (const connection of [...this.#connections]) connection.destroy(error);
    await Promise.all([gone, this.#pool?.destroy(error)]);
  }
}

/** True unless it wants to hear of what is sent, or lacks what undici asks for. */
function isPlain(handler: Handler): boolean {
  return (
    typeof handler.onRequestStart === 'function' &&
    typeof handler.onResponseStart === 'function' &&
    typeof handler.onResponseData === 'function' &&
    typeof handler.onResponseEnd === 'function' &&
    typeof handler.onResponseError === 'function' &&
    handler.onBodySent === undefined &&
    handler.onRequestSent === undefined
  );
}

function refuse(handler: Handler, isDestroyed: boolean): false {
  const error = isDestroyed ? new errors.ClientDestroyedError() : new errors.ClientClosedError();
  if (typeof handler.onResponseError !== 'function') throw error;
  // There is no connection that a controller could be of; undici's types do not say so.
  handler.onResponseError(null as unknown as Dispatcher.DispatchController, error);
  return false;
}

/** The way of those who give a callback. */
function whenDone(work: Promise<void>, done: Done): void {
  const report = (): void => done();
  work.then(report, report);
}

function remove<T>(list: T[], item: T): void {
  const index = list.indexOf(item);
  if (index !== -1) list.splice(index, 1);
}
