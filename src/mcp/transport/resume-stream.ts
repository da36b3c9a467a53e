import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../lib/errors.ts';
import type { HttpExchange } from '../../lib/http-client.ts';
import type { Incoming } from '../../lib/json-rpc.ts';
import { abortError } from '../../lib/unless-aborted.ts';
import { getStream, pauseOf, type StreamSource } from './get-stream.ts';
import type { HttpResponse, StreamPlace } from './http-response.ts';

interface ResumeOptions {
  readonly source: StreamSource;
  readonly place: StreamPlace;
  readonly onMessage: (incoming: Incoming) => void;
  /** Whether all that the stream was for has come. */
  readonly isComplete: () => boolean;
}

/**
 * Takes up the event stream of a POST where it ended (MCP 2025-11-25 Transports, resumability; SEP-1699): a server may close it
 * and let the client come back. Stands for the exchange of that POST from then on; goes on until all has come or it is aborted.
 */
export function resumeStream(options: ResumeOptions): Pick<HttpExchange, 'done' | 'abort'> {
  const { closed } = options.source;
  const aborted = new AbortController();
  let current: HttpExchange | undefined;

  function abort(reason: GatewayError): void {
    aborted.abort(reason);
    current?.abort(reason);
  }

  async function run(): Promise<void> {
    const { source, place, onMessage, isComplete } = options;
    let isReachable = true;
    for (let attempt = 0; ; attempt += 1) {
      const pause = pauseOf(place, attempt, isReachable);
      await sleep(pause, undefined, { signal: aborted.signal, ref: false }).catch(() => undefined);
      if (aborted.signal.aborted) throw abortError(aborted.signal);
      if (isComplete()) return;
      const before = place.lastEventId;
      const { exchange, response } = getStream(source, place, onMessage);
      current = exchange;
      const error = await exchange.done.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (isComplete()) return;
      if (error !== undefined && !isLoss(error)) throw error;
      if (isRefusal(response))
        throw new GatewayError(
          'upstream_lost',
          `the stream ended before the reply, and the server does not resume it (${response.describe()})`,
        );
      isReachable = response.isStream;
      if (place.lastEventId !== before) attempt = -1;
    }
  }

  const onClosed = (): void => abort(new GatewayError('upstream_lost', 'the connection was closed'));
  closed.addEventListener('abort', onClosed);
  return { done: run().finally(() => closed.removeEventListener('abort', onClosed)), abort };
}

/** The stream, or the way to the server, may be there again later. */
function isLoss(error: unknown): boolean {
  return error instanceof GatewayError && (error.code === 'upstream_lost' || error.code === 'upstream_unreachable');
}

/** 409 is said by servers that have not seen yet that the former stream is gone; it and a failure of the server pass. */
function isRefusal({ status, isStream }: HttpResponse): boolean {
  const isTemporary = status === 409 || status === 429 || status >= 500;
  return status > 0 && !isStream && !isTemporary;
}
