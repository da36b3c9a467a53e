import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../lib/errors.ts';
import type { HttpClient, HttpExchange } from '../../lib/http-client.ts';
import { readIncoming, type Incoming } from '../../lib/json-rpc.ts';
import { createSseParser } from '../../lib/sse.ts';
import { backOff } from '../../lib/time.ts';

interface ListenOptions {
  readonly client: HttpClient;
  readonly url: URL;
  /** The headers of the moment, in turn name and value. */
  readonly headers: () => string[];
  readonly onMessage: (incoming: Incoming) => void;
}

/** The GET stream on which a server of 2025-03-26 to 2025-11-25 sends what belongs to no request of ours. */
export interface ListenStream {
  open(): void;
  close(): void;
}

/** Keeps the stream open and resumes it after a loss. A server that offers none (405 and the like) is left in peace. */
export function createListenStream({ client, url, headers, onMessage }: ListenOptions): ListenStream {
  const closed = new AbortController();
  let current: HttpExchange | undefined;
  let lastEventId: string | undefined;
  let retryMs: number | undefined;

  /** Resolves with false when the server offers no stream, with true when a stream ended. */
  async function listenOnce(): Promise<boolean> {
    let offered = false;
    const parser = createSseParser(
      (event) => {
        lastEventId = event.id ?? lastEventId;
        if (event.data.length > 0) onMessage(readIncoming(event.data));
      },
      (milliseconds) => (retryMs = milliseconds),
    );
    const own = ['accept', 'text/event-stream', ...(lastEventId === undefined ? [] : ['last-event-id', lastEventId])];
    current = client.send(
      { method: 'GET', url, headers: [...withoutAccept(headers()), ...own] },
      {
        onHead(status, { 'content-type': type }) {
          offered = status === 200 && String(type).startsWith('text/event-stream');
          if (!offered) throw new GatewayError('upstream_bad_reply', `no event stream (HTTP ${status})`);
        },
        onData: (chunk) => parser.push(chunk),
      },
    );
    await current.done.catch((error: unknown) => {
      // A refusal is final; a lost connection or a garbled event is not.
      if (!offered && error instanceof GatewayError && error.code === 'upstream_unreachable') offered = true;
    });
    return offered;
  }

  async function run(): Promise<void> {
    for (let attempt = 0; !closed.signal.aborted; attempt += 1) {
      const startedAt = Date.now();
      if (!(await listenOnce())) return;
      if (Date.now() - startedAt > 10_000) attempt = 0;
      await sleep(retryMs ?? backOff(attempt), undefined, { signal: closed.signal, ref: false }).catch(() => undefined);
    }
  }

  return {
    open() {
      if (current === undefined) void run();
    },
    close() {
      closed.abort();
      current?.abort(new GatewayError('upstream_lost', 'the connection was closed'));
    },
  };
}

function withoutAccept(headers: string[]): string[] {
  return headers.filter(
    (_, index) => headers[index - (index % 2)] !== 'accept' && headers[index - (index % 2)] !== 'content-type',
  );
}
