import type { CallSignal } from '../lib/call-signal.ts';
import { GatewayError } from '../lib/errors.ts';
import type { HttpClient, HttpExchange, HttpRequest, HttpSink } from '../lib/http-client.ts';
import { joinChunks } from '../lib/join-chunks.ts';
import { IncomingBody } from './incoming-body.ts';

/** An answer whose head has come; what follows comes when it is asked for. */
export interface Arrived {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly read: IncomingBody['read'];
}

/** Who is asked, and how long they have; in milliseconds. */
export interface Patience {
  /** The provider's name, for what is said of a connection that fails. */
  readonly provider: string;
  /** Until the head of the answer. */
  readonly headMs: number;
  /** From one piece of the body to the next. */
  readonly idleMs: number;
}

/**
 * Sends a request and settles with the head of the answer. Rejects with `provider_unreachable`, also when the connection is lost
 * in the middle of an answer, with `provider_timeout`, and with `call_cancelled` when the signal is aborted.
 */
export function startExchange(
  client: HttpClient,
  request: HttpRequest,
  patience: Patience,
  signal: CallSignal,
): Promise<Arrived> {
  return new Promise((resolve, reject) => {
    new Asking(patience, signal, { resolve, reject }).begin(client, request);
  });
}

interface Settle {
  readonly resolve: (arrived: Arrived) => void;
  readonly reject: (error: unknown) => void;
}

/** A class, because a request then makes one object where closures would make eight. */
class Asking implements HttpSink {
  readonly #patience: Patience;
  readonly #signal: CallSignal;
  readonly #settle: Settle;
  #origin = '';
  #exchange: HttpExchange | undefined;
  #body: IncomingBody | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When something came last. The timer is not set anew for each piece: it looks when its time has come. */
  #cameAt = 0;
  #hasHead = false;

  constructor(patience: Patience, signal: CallSignal, settle: Settle) {
    this.#patience = patience;
    this.#signal = signal;
    this.#settle = settle;
  }

  begin(client: HttpClient, request: HttpRequest): void {
    const exchange = client.send(request, this);
    this.#origin = request.url.origin;
    this.#exchange = exchange;
    this.#body = new IncomingBody(exchange);
    this.#cameAt = performance.now();
    this.#setTimer(this.#patience.headMs);
    if (this.#signal.aborted) this.handleEvent();
    else this.#signal.addEventListener('abort', this);
    exchange.done.then(
      () => this.#end(),
      (error: unknown) => {
        const failure = connectionError(error, this.#patience.provider);
        this.#settle.reject(failure);
        this.#end(failure);
      },
    );
  }

  onHead(status: number, headers: Arrived['headers']): void {
    const { headMs, idleMs } = this.#patience;
    this.#hasHead = true;
    this.#cameAt = performance.now();
    if (idleMs < headMs) this.#setTimer(idleMs);
    this.#settle.resolve({ status, headers, read: (take) => this.#opened().read(take) });
  }

  onData(chunk: Buffer): void {
    this.#cameAt = performance.now();
    this.#opened().push(chunk);
  }

  /** The caller gave up. */
  handleEvent(): void {
    this.#exchange?.abort(new GatewayError('call_cancelled', 'the caller went away'));
  }

  /** Nothing comes before it is sent. */
  #opened(): IncomingBody {
    if (this.#body === undefined) throw new Error('an answer came before the request was sent');
    return this.#body;
  }

  #setTimer(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#look, ms).unref();
  }

  readonly #look = (): void => {
    const { headMs, idleMs } = this.#patience;
    const limit = this.#hasHead ? idleMs : headMs;
    // While it is held for a slow reader, a provider cannot go on.
    const since = Math.max(this.#cameAt, this.#body?.heldUntil ?? 0);
    const left = Math.min(since + limit - performance.now(), limit);
    // A timer may come a little early.
    if (left >= 1) return this.#setTimer(left);
    const what = this.#hasHead ? 'did not go on' : 'did not answer';
    const message = `the provider (${this.#origin}) ${what} in time`;
    this.#exchange?.abort(new GatewayError('provider_timeout', message));
  };

  #end(failure?: unknown): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this);
    this.#body?.end(failure);
  }
}

/** What a connection met with, in the words of somebody who asked a provider of models. */
export function connectionError(error: unknown, provider: string): unknown {
  if (!(error instanceof GatewayError)) return error;
  if (error.code !== 'upstream_unreachable' && error.code !== 'upstream_lost') return error;
  return new GatewayError('provider_unreachable', `provider ${provider}: ${error.message}`, {
    cause: error,
    details: { provider },
  });
}

/** The most that is read of an answer that is not streamed. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** All of a body, up to a limit. */
export async function readWhole({ read }: Pick<Arrived, 'read'>, limit = MAX_ANSWER_BYTES): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  await read((chunk) => {
    size += chunk.length;
    if (size > limit) throw new GatewayError('provider_bad_reply', `the answer is larger than ${limit} bytes`);
    parts.push(chunk);
  });
  return joinChunks(parts);
}
