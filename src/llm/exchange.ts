import { GatewayError } from '../lib/errors.ts';
import type { HttpClient, HttpExchange, HttpRequest } from '../lib/http-client.ts';

/** An answer whose head has come; what follows comes when it is asked for. */
export interface Arrived {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** To be read once. Whoever stops reading ends the exchange. */
  readonly chunks: AsyncIterable<Buffer>;
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

/** So much of an answer may wait for its reader; more stays with the sender. */
const MAX_WAITING = 1024 * 1024;

/**
 * Sends a request and settles with the head of the answer. Rejects with `provider_unreachable`, also when the connection is lost
 * in the middle of an answer, with `provider_timeout`, and with `call_cancelled` when the signal is aborted.
 */
export function startExchange(
  client: HttpClient,
  request: HttpRequest,
  { provider, headMs, idleMs }: Patience,
  signal: AbortSignal,
): Promise<Arrived> {
  const { promise, resolve, reject } = Promise.withResolvers<Arrived>();
  const queue: Buffer[] = [];
  let waiting = 0;
  let isOver = false;
  let failure: unknown;
  let wake: (() => void) | undefined;

  const late = (what: string) =>
    new GatewayError('provider_timeout', `the provider (${request.url.origin}) ${what} in time`);
  let timer = setTimeout(() => exchange.abort(late('did not answer')), headMs).unref();
  const rearm = () => {
    clearTimeout(timer);
    timer = setTimeout(() => exchange.abort(late('did not go on')), idleMs).unref();
  };
  const giveUp = () => exchange.abort(new GatewayError('call_cancelled', 'the caller went away'));

  const exchange: HttpExchange = client.send(request, {
    onHead(status, headers) {
      rearm();
      resolve({ status, headers, chunks: read() });
    },
    onData(chunk) {
      timer.refresh();
      queue.push(chunk);
      waiting += chunk.length;
      if (waiting > MAX_WAITING) exchange.pause();
      wake?.();
    },
  });
  if (signal.aborted) giveUp();
  else signal.addEventListener('abort', giveUp, { once: true });
  exchange.done
    .catch((error: unknown) => {
      failure = connectionError(error, provider);
      reject(failure);
    })
    .finally(() => {
      isOver = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      wake?.();
    });

  async function* read(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const [first] = queue;
        if (first !== undefined) {
          // What came together goes on together: each piece by itself would take the whole way to the caller.
          const chunk = queue.length === 1 ? first : Buffer.concat(queue);
          queue.length = 0;
          if (waiting > MAX_WAITING) exchange.resume();
          waiting = 0;
          yield chunk;
        } else if (isOver) {
          if (failure !== undefined) throw failure as Error;
          return;
        } else {
          await new Promise<void>((ready) => (wake = ready));
        }
      }
    } finally {
      if (!isOver) exchange.abort(new GatewayError('call_cancelled', 'nobody reads the answer any more'));
    }
  }

  return promise;
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

/** All of a body, up to a limit. */
export async function readWhole(chunks: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limit) throw new GatewayError('provider_bad_reply', `the answer is larger than ${limit} bytes`);
    parts.push(chunk);
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}
