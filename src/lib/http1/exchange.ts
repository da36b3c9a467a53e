import { errors, type Dispatcher } from 'undici';
import type { RequestText } from './request-text.ts';
import type { Fields } from './response-head.ts';

/** What carries an exchange. */
export interface Carrier {
  /** Stops reading after what is being delivered. */
  hold(): void;
  goOn(): void;
  /** Drops the exchange and the connection with it. */
  drop(): void;
}

type Controller = Dispatcher.DispatchController;

/** One request with its response: what its handler is told, exactly once each, and what the handler may do to it. */
export class Exchange implements Controller {
  /** Undefined once it is sent. */
  request: RequestText | undefined;
  /** For those who want the fields as they came: names and values are those of the response, letter case apart. */
  rawHeaders: Fields | null = null;
  rawTrailers: Fields | null = null;
  isEnded = false;
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #onEnded: () => void;
  #carrier: Carrier | undefined;
  #isStarted = false;
  #isAborted = false;
  #isPaused = false;
  #reason: Error | null = null;

  constructor(request: RequestText, handler: Dispatcher.DispatchHandler, onEnded: () => void) {
    this.request = request;
    this.#handler = handler;
    this.#onEnded = onEnded;
  }

  get aborted(): boolean {
    return this.#isAborted;
  }

  get paused(): boolean {
    return this.#isPaused;
  }

  get reason(): Error | null {
    return this.#reason;
  }

  abort(reason: Error): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    this.fail(reason ?? new errors.RequestAbortedError());
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#carrier?.hold();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#carrier?.goOn();
  }

  /** The connection is there, and nothing is sent yet. `false` when the handler does not want it any more. */
  start(carrier: Carrier): boolean {
    this.#carrier = carrier;
    this.#isStarted = true;
    try {
      this.#handler.onRequestStart?.(this, null);
    } catch (error) {
      this.fail(error as Error);
    }
    return !this.isEnded;
  }

  /** `false` when nothing more may be delivered for now, here and in {@link Exchange.takeData}. */
  takeHead(status: number, fields: Fields, reason: string): boolean {
    this.rawHeaders = fields;
    try {
      this.#handler.onResponseStarted?.();
      this.#handler.onResponseStart?.(this, status, fields, reason);
    } catch (error) {
      this.fail(error as Error);
    }
    return !this.#isPaused && !this.isEnded;
  }

  takeData(chunk: Buffer): boolean {
    try {
      this.#handler.onResponseData?.(this, chunk);
    } catch (error) {
      this.fail(error as Error);
    }
    return !this.#isPaused && !this.isEnded;
  }

  complete(trailers: Fields): void {
    if (this.isEnded) return;
    this.#end();
    this.rawTrailers = trailers;
    try {
      this.#handler.onResponseEnd?.(this, trailers);
    } catch (error) {
      this.#report(error as Error);
    }
  }

  fail(error: Error): void {
    if (this.isEnded) return;
    const carrier = this.#carrier;
    this.#end();
    carrier?.drop();
    this.#report(error);
  }

  #end(): void {
    this.isEnded = true;
    this.request = undefined;
    this.#carrier = undefined;
    this.#onEnded();
  }

  /** What a handler throws now nobody is left to hear of; whoever called must go on all the same. */
  #report(error: Error): void {
    try {
      // There is no controller before there is a connection; undici's types do not say so.
      this.#handler.onResponseError?.(this.#isStarted ? this : (null as unknown as Controller), error);
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }
}
