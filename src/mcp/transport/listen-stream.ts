import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../lib/errors.ts';
import type { Incoming } from '../../lib/json-rpc.ts';
import { getStream, pauseOf, type StreamSource } from './get-stream.ts';
import type { StreamPlace } from './http-response.ts';

/** The GET stream on which a server of 2025-03-26 to 2025-11-25 sends what belongs to no request of ours. */
export interface ListenStream {
  open(): void;
}

/**
 * Keeps the stream open until the connection is closed, and resumes it after a loss. A server that offers none (405 and the
 * like) is left in peace.
 */
export function createListenStream(source: StreamSource, onMessage: (incoming: Incoming) => void): ListenStream {
  const { closed } = source;
  const place: StreamPlace = {};
  let isOpen = false;

  /** Tells how it went: a refusal is final; a lost connection or a garbled event is not. */
  async function listenOnce(): Promise<'refused' | 'unreachable' | 'ended'> {
    const { exchange, response } = getStream(source, place, onMessage);
    const stop = (): void => exchange.abort(new GatewayError('upstream_lost', 'the connection was closed'));
    closed.addEventListener('abort', stop);
    let isUnreachable = false;
    await exchange.done.catch((error: unknown) => {
      isUnreachable = error instanceof GatewayError && error.code === 'upstream_unreachable';
    });
    closed.removeEventListener('abort', stop);
    if (response.isStream) return 'ended';
    return isUnreachable ? 'unreachable' : 'refused';
  }

  async function run(): Promise<void> {
    for (let attempt = 0; !closed.aborted; attempt += 1) {
      const startedAt = performance.now();
      const outcome = await listenOnce();
      if (outcome === 'refused') return;
      if (performance.now() - startedAt > 10_000) attempt = 0;
      const pause = pauseOf(place, attempt, outcome === 'ended');
      await sleep(pause, undefined, { signal: closed, ref: false }).catch(() => undefined);
    }
  }

  return {
    open() {
      if (isOpen) return;
      isOpen = true;
      void run();
    },
  };
}
