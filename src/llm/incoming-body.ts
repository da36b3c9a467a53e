import { GatewayError } from '../lib/errors.ts';
import type { HttpExchange } from '../lib/http-client.ts';
import { joinChunks } from '../lib/join-chunks.ts';

/** Takes a piece of a body. A promise holds back the next one. */
export type TakeChunk = (chunk: Buffer) => void | Promise<void>;

/** So much may wait for its reader; more stays with the sender. */
const MAX_WAITING = 1024 * 1024;
const NOW = Promise.resolve();
const nobodyReads = (): void => undefined;

/** A body on its way from an exchange to its one reader, by calls: an iterator costs several promises for each piece. */
export class IncomingBody {
  /** When its sender was last let go on, by `performance.now()`; infinite while it is held for a reader. */
  heldUntil = 0;
  readonly #source: Pick<HttpExchange, 'pause' | 'resume' | 'abort'>;
  #waiting: Buffer[] = [];
  #size = 0;
  #take: TakeChunk | undefined;
  /** The reader is not done with a piece, or one is about to be handed on. */
  #isBusy = false;
  #end: { readonly failure: unknown } | undefined;
  #resolve: () => void = nobodyReads;
  #reject: (error: unknown) => void = nobodyReads;

  constructor(source: Pick<HttpExchange, 'pause' | 'resume' | 'abort'>) {
    this.#source = source;
  }

  push(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#size += chunk.length;
    if (this.#size > MAX_WAITING) this.#hold();
    if (this.#isBusy || this.#take === undefined) return;
    this.#isBusy = true;
    // What comes together goes on together: each piece by itself would take the whole way to the caller.
    void NOW.then(this.#advance);
  }

  /** Nothing more comes; with the failure if that is the reason. */
  end(failure?: unknown): void {
    this.#end = { failure };
    if (!this.#isBusy) this.#advance();
  }

  /**
   * Hands all pieces on, in their order, and settles after the last one. Rejects with what the body failed with, and with what
   * `take` throws, which ends the exchange. To be called once.
   */
  read(take: TakeChunk): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#take = take;
      this.#resolve = resolve;
      this.#reject = reject;
      this.#advance();
    });
  }

  readonly #advance = (): void => {
    this.#isBusy = false;
    if (this.#take === undefined) return;
    if (this.#waiting.length > 0) {
      const wasTooMuch = this.#size > MAX_WAITING;
      try {
        const taken = this.#take(this.#drain());
        if (taken !== undefined) {
          this.#isBusy = true;
          taken.then(this.#advance, this.#stop);
        }
      } catch (error) {
        return this.#stop(error);
      }
      if (wasTooMuch) this.#letGo();
      if (this.#isBusy) return;
    }
    if (this.#end === undefined) return;
    if (this.#end.failure === undefined) this.#resolve();
    else this.#reject(this.#end.failure);
  };

  readonly #stop = (error: unknown): void => {
    // Nothing is handed on any more.
    this.#isBusy = true;
    this.#waiting = [];
    this.#reject(error);
    this.#source.abort(new GatewayError('call_cancelled', 'nobody reads the answer any more'));
  };

  #hold(): void {
    if (this.#take !== undefined) this.heldUntil = Number.POSITIVE_INFINITY;
    this.#source.pause();
  }

  #letGo(): void {
    this.heldUntil = performance.now();
    // Behind a proxy more comes within this call.
    this.#source.resume();
  }

  #drain(): Buffer {
    const chunk = joinChunks(this.#waiting);
    this.#waiting = [];
    this.#size = 0;
    return chunk;
  }
}
