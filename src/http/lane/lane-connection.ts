import type { Socket } from 'node:net';
import { pathOf, type HotHandler } from '../hot.ts';
import { LaneRequest } from './lane-request.ts';
import { LaneResponse } from './lane-response.ts';
import { readHead } from './read-head.ts';

/** What a connection needs of the lane. */
export interface LaneHost {
  /** What the lane serves, by exact path. */
  readonly routes: ReadonlyMap<string, HotHandler>;
  /** Lets Node's server have the connection. */
  readonly handOver: (socket: Socket) => void;
  readonly onClose: (connection: LaneConnection) => void;
  readonly keepAliveSeconds: number;
}

/** Of what follows a request before its answer, so much is read and no more. */
const MAX_AHEAD_BYTES = 64 * 1024;
const CR = 13;
const LF = 10;

/**
 * One connection: requests of the plainest kind are answered here, one after the other. The first other one goes to Node's
 * server, with all that follows.
 */
export class LaneConnection {
  readonly #socket: Socket;
  readonly #host: LaneHost;
  /** What was read and is not yet used. */
  #ahead: Buffer | undefined;
  #response: LaneResponse | undefined;
  /** When the last answer was sent, or the request began whose rest is awaited; by `performance.now()`. */
  quietSince = performance.now();
  isUsed = false;

  constructor(socket: Socket, host: LaneHost) {
    this.#socket = socket;
    this.#host = host;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('drain', this.#onDrain);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** A request is being answered. */
  get isBusy(): boolean {
    return this.#response !== undefined;
  }

  /** The rest of a request is awaited. */
  get isWaiting(): boolean {
    return this.#response === undefined && this.#ahead !== undefined;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Gives the connection away, with what was read of it. */
  leave(): void {
    const socket = this.#socket;
    const read = this.#ahead;
    this.#ahead = undefined;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('drain', this.#onDrain);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    this.#host.onClose(this);
    this.#host.handOver(socket);
    if (read !== undefined) socket.emit('data', read);
  }

  readonly #onData = (chunk: Buffer): void => {
    // After Connection: close nothing more is run (RFC 9112, 9.6); the client asks again elsewhere.
    if (!this.#socket.writable) return;
    const bytes = this.#ahead === undefined ? chunk : Buffer.concat([this.#ahead, chunk]);
    if (this.#response === undefined) {
      this.#take(bytes);
      // Whatever more comes of a request, its time runs from its beginning.
      if (bytes === chunk && this.isWaiting) this.quietSince = performance.now();
      return;
    }
    this.#ahead = bytes;
    if (bytes.length > MAX_AHEAD_BYTES) this.#socket.pause();
  };

  /** Like Node's server: a client that says no more hears no more. */
  readonly #onEnd = (): void => void this.#socket.end();

  readonly #onDrain = (): void => this.#response?.drain();

  /** The socket closes by itself. */
  readonly #onError = (): void => undefined;

  readonly #onClose = (): void => {
    this.#host.onClose(this);
    this.#response?.close(false);
  };

  /** Begins the next request, if the bytes hold one. An empty line before it is none of it (RFC 9112, 2.2). */
  #take(read: Buffer): void {
    const bytes = read[0] === CR && read[1] === LF ? read.subarray(2) : read;
    this.#ahead = bytes.length === 0 ? undefined : bytes;
    if (bytes.length === 0) return;
    const head = readHead(bytes);
    const handler = head === undefined ? undefined : this.#host.routes.get(pathOf(head));
    if (head === undefined || handler === undefined) return this.leave();
    this.isUsed = true;
    if (bytes.length < head.end) return;
    this.#ahead = bytes.length === head.end ? undefined : bytes.subarray(head.end);
    const request = new LaneRequest(head.url, head.headers, this.#socket, bytes.subarray(head.bodyAt, head.end));
    const response = new LaneResponse(request, this.#host.keepAliveSeconds, this.#onAnswered);
    this.#response = response;
    void handler(request, response);
  }

  readonly #onAnswered = (): void => {
    const socket = this.#socket;
    const isSent = socket.writableLength === 0;
    if (!isSent) socket.write('', () => this.#finish());
    if (this.#response?.isLast === true) socket.destroySoon();
    if (isSent) this.#finish();
  };

  /** The system has all of the answer. */
  #finish(): void {
    const response = this.#response;
    if (response === undefined || response.destroyed) return;
    this.#response = undefined;
    this.quietSince = performance.now();
    response.close(true);
    if (this.#ahead !== undefined) setImmediate(this.#goOn);
  }

  /** What was read ahead is the next request, unless more that came has begun it. */
  readonly #goOn = (): void => {
    const ahead = this.#ahead;
    if (ahead === undefined || this.isBusy || !this.#socket.writable) return;
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#take(ahead);
  };
}
