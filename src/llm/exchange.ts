import type { CallSignal } from '../lib/call-signal.ts';
import { GatewayError } from '../lib/errors.ts';
import type { HttpClient, HttpExchange, HttpRequest } from '../lib/http-client.ts';
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
  { provider, headMs, idleMs }: Patience,
  signal: CallSignal,
): Promise<Arrived> {
  const { promise, resolve, reject } = Promise.withResolvers<Arrived>();
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
      resolve({ status, headers, read: (take) => body.read(take) });
    },
    onData(chunk) {
      timer.refresh();
      body.push(chunk);
    },
  });
  const body = new IncomingBody(exchange);
  const end = (failure?: unknown) => {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
    body.end(failure);
  };
  if (signal.aborted) giveUp();
  else signal.addEventListener('abort', giveUp);
  exchange.done.then(
    () => end(),
    (error: unknown) => {
      const failure = connectionError(error, provider);
      reject(failure);
      end(failure);
    },
  );
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
