import { randomUUID } from 'node:crypto';
import { toEvent } from './event-stream.ts';

/** A stream of messages to a client that can be taken up again where the connection was lost (2025-03-26 and later). */
export interface ReplayStream {
  send(message: string): void;
  /** Nothing more comes; what was sent can still be asked for again for a while. */
  end(): void;
  /** Lets the text of every event through to a connection, from now on. */
  attach(sink: Sink): void;
  detach(sink: Sink): void;
  /** The event without a message that a client of 2025-11-25 needs to resume a stream it has read nothing of yet. */
  prime(): void;
}

export interface Sink {
  write(text: string): void;
  end(): void;
}

/** All streams that can be taken up again. */
export interface Replays {
  open(owner: string): ReplayStream;
  /** Sends what came after an event to a new connection, which then gets the rest. False when that is no longer known. */
  resume(lastEventId: string, owner: string, sink: Sink): boolean;
}

interface Kept extends ReplayStream {
  readonly owner: string;
  resume(after: number, sink: Sink): boolean;
}

const KEEP_MS = 5 * 60_000;
const MAX_EVENTS = 512;
const MAX_STREAMS = 10_000;

export function createReplays(): Replays {
  const streams = new Map<string, Kept>();
  return {
    open(owner) {
      const id = randomUUID();
      const stream = createStream(id, owner, () => {
        setTimeout(() => streams.delete(id), KEEP_MS).unref();
      });
      if (streams.size >= MAX_STREAMS) streams.delete(streams.keys().next().value ?? '');
      streams.set(id, stream);
      return stream;
    },
    resume(lastEventId, owner, sink) {
      const at = lastEventId.lastIndexOf('.');
      const stream = streams.get(lastEventId.slice(0, at));
      return stream?.owner === owner && stream.resume(Number(lastEventId.slice(at + 1)), sink);
    },
  };
}

function createStream(id: string, owner: string, onEnd: () => void): Kept {
  const events: { number: number; text: string }[] = [];
  let sink: Sink | undefined;
  let last = 0;
  let isEnded = false;

  function push(text: (eventId: string) => string): void {
    last += 1;
    const event = { number: last, text: text(`${id}.${last}`) };
    events.push(event);
    if (events.length > MAX_EVENTS) events.shift();
    sink?.write(event.text);
  }

  return {
    owner,
    send: (message) => push((eventId) => toEvent(message, eventId)),
    prime: () => push((eventId) => `id: ${eventId}\ndata: \n\n`),
    end() {
      isEnded = true;
      sink?.end();
      onEnd();
    },
    attach: (next) => void (sink = next),
    detach(former) {
      if (sink === former) sink = undefined;
    },
    resume(after, next) {
      const first = events[0]?.number ?? last + 1;
      if (!Number.isInteger(after) || after < first - 1 || after > last) return false;
      for (const { number, text } of events) if (number > after) next.write(text);
      if (isEnded) next.end();
      else sink = next;
      return true;
    },
  };
}
