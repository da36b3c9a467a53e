import { GatewayError } from '../../lib/errors.ts';
import type { HttpClient, HttpExchange } from '../../lib/http-client.ts';
import type { Incoming } from '../../lib/json-rpc.ts';
import { backOff } from '../../lib/time.ts';
import { HttpResponse, type StreamPlace } from './http-response.ts';

/** A server that event streams can be asked of. */
export interface StreamSource {
  readonly client: HttpClient;
  readonly url: URL;
  /** The headers of the moment, in turn name and value. */
  readonly headers: () => readonly string[];
  /** Aborted when the connection is closed. */
  readonly closed: AbortSignal;
}

const MIN_PAUSE_MS = 20;
/** A longer timer would fire at once. */
const MAX_PAUSE_MS = 2 ** 31 - 1;

/** Asks for an event stream, from the place on if there is one. Whether it came stands in `response.isStream`. */
export function getStream(
  { client, url, headers }: StreamSource,
  place: StreamPlace,
  onMessage: (incoming: Incoming) => void,
): { readonly exchange: HttpExchange; readonly response: HttpResponse } {
  const response = new HttpResponse(onMessage, place);
  const own = ['accept', 'text/event-stream'];
  // An empty id takes the former one back (WHATWG HTML, section 9.2). Headers are bytes, ids are UTF-8.
  if (place.lastEventId) own.push('last-event-id', Buffer.from(place.lastEventId).toString('latin1'));
  const exchange = client.send(
    { method: 'GET', url, headers: [...withoutContent(headers()), ...own] },
    {
      onHead(status, head) {
        response.onHead(status, head);
        if (status < 300 && !response.isStream)
          throw new GatewayError('upstream_lost', `the server sent no event stream (HTTP ${status})`);
      },
      onData: (chunk) => response.onData(chunk),
    },
  );
  return { exchange, response };
}

/** How long to stay away before the next attempt: as long as the server said, and longer while it cannot be reached. */
export function pauseOf({ retryMs }: StreamPlace, attempt: number, isReachable: boolean): number {
  if (retryMs === undefined) return backOff(attempt);
  const pause = isReachable ? retryMs : Math.max(retryMs, backOff(attempt - 1));
  return Math.min(Math.max(pause, MIN_PAUSE_MS), MAX_PAUSE_MS);
}

function withoutContent(headers: readonly string[]): string[] {
  return headers.filter((_, index) => {
    const name = headers[index - (index % 2)];
    return name !== 'accept' && name !== 'content-type';
  });
}
