import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../lib/errors.ts';
import { backOff } from '../../lib/time.ts';
import { createAnswerReader, type AnswerReader } from './answer-reader.ts';
import { explainAnswer, explainError } from './failure.ts';
import type { Link, Target } from './link.ts';

interface Deps {
  readonly link: Link;
  readonly target: Target;
  readonly headers: () => readonly string[];
  readonly onMessage: (message: Buffer) => void;
  /** The stream is open again after a time in which messages may have been missed. */
  readonly onGap: () => void;
  /** The gateway does not know the session any more. */
  readonly onForgotten: () => void;
  readonly report: (sentence: string) => void;
}

/** The GET stream of a session, on which the gateway sends what belongs to no request of the client. */
export interface Listener {
  open(): void;
  close(): void;
}

/** A stream that lasted this long was a good one: the next loss begins a new count of attempts. */
const LASTED_MS = 10_000;
const MIN_DELAY_MS = 100;

/** Keeps the stream open and takes it up again after a loss, where the gateway offers one at all. */
export function createListener({ link, target, headers, onMessage, onGap, onForgotten, report }: Deps): Listener {
  let closed = new AbortController();

  async function listenOnce(signal: AbortSignal, lastEventId: string | undefined, isAgain: boolean) {
    const reader = createAnswerReader({
      onMessage,
      onStream: () => {
        if (isAgain && lastEventId === undefined) onGap();
      },
    });
    const exchange = link.listen(resumed(headers(), lastEventId), reader);
    const stop = (): void => exchange.abort(new GatewayError('call_cancelled', 'the stream is not wanted any more'));
    signal.addEventListener('abort', stop);
    const error: unknown = await exchange.done.then(
      () => undefined,
      (error: unknown) => error,
    );
    signal.removeEventListener('abort', stop);
    return { reader, error };
  }

  async function run(signal: AbortSignal): Promise<void> {
    let lastEventId: string | undefined;
    let hasBeenOpen = false;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const startedAt = Date.now();
      const { reader, error } = await listenOnce(signal, lastEventId, hasBeenOpen);
      if (signal.aborted) return;
      // On a stream that never was, 404 is just another way of saying that there is none.
      if (reader.status === 404 && hasBeenOpen) return onForgotten();
      if (isFinal(reader)) return;
      if (!reader.isStream) {
        report((error === undefined ? explainAnswer(reader, target) : explainError(error, target)).message);
      }
      hasBeenOpen ||= reader.isStream;
      lastEventId = reader.lastEventId ?? lastEventId;
      if (Date.now() - startedAt > LASTED_MS) attempt = 0;
      const delay = reader.retryMs === undefined ? backOff(attempt) : Math.max(reader.retryMs, MIN_DELAY_MS);
      await sleep(delay, undefined, { signal }).catch(() => undefined);
    }
  }

  return {
    open() {
      closed.abort();
      closed = new AbortController();
      void run(closed.signal);
    },
    close: () => closed.abort(),
  };
}

/** The headers that take a stream up where it broke. */
export function resumed(headers: readonly string[], lastEventId: string | undefined): readonly string[] {
  return lastEventId === undefined ? headers : [...headers, 'last-event-id', lastEventId];
}

/** A gateway that offers no stream is left in peace; one that is busy, or checks keys again, may offer it later. */
function isFinal({ status, isStream }: AnswerReader): boolean {
  return !isStream && status >= 200 && status < 500 && ![401, 403, 408, 425, 429].includes(status);
}
