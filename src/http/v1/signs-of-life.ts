import { createInFlight } from '../../lib/in-flight.ts';
import type { Dialect } from '../../llm/dialects/dialect.ts';
import { HEARTBEAT_MS } from '../event-stream.ts';
import type { HotResponse } from '../hot.ts';

/** A stream on its way to a caller. */
export interface LiveStream {
  readonly response: Pick<HotResponse, 'destroyed' | 'writableLength' | 'write'>;
  /** How many events were sent. */
  events: number;
  /** Undefined for a format without streams, which providers may stream all the same. */
  readonly dialect: Pick<Dialect, 'signOfLife'> | undefined;
}

/** Keeps streams alive while nothing comes for them: a model that thinks or a tool that runs may take minutes. */
export interface SignsOfLife {
  /** From now on until `end` of the number that it gives. */
  begin(stream: LiveStream): number;
  end(number: number): void;
}

interface Watched {
  readonly stream: LiveStream;
  /** Its events when it was looked at last; undefined: never. */
  events: number | undefined;
}

/**
 * One timer looks at all streams: what a stream sends costs nothing here. One of which nothing came from one look to the next gets
 * a sign, if its reader has taken everything before. Only whole events are sent, so a sign is never within one.
 */
export function createSignsOfLife(): SignsOfLife {
  const open = createInFlight<number, Watched>();
  let timer: NodeJS.Timeout | undefined;
  let last = 0;

  function look(): void {
    if (open.size() === 0) {
      clearInterval(timer);
      timer = undefined;
    }
    for (const watched of open.values()) {
      const { stream, events } = watched;
      const { response, dialect } = stream;
      watched.events = stream.events;
      const isSilent = events === stream.events && response.writableLength === 0 && !response.destroyed;
      if (isSilent && dialect !== undefined) response.write(dialect.signOfLife(events).wire, 'latin1');
    }
  }

  return {
    begin(stream) {
      timer ??= setInterval(look, HEARTBEAT_MS).unref();
      last += 1;
      open.set(last, { stream, events: undefined });
      return last;
    },
    end: (number) => void open.take(number),
  };
}
