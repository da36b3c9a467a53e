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
  /** Keeps nothing of what was sent, nor of what comes. */
  forget(): void;
}

const KEEP_MS = 5 * 60_000;
const MAX_EVENTS = 512;
const MAX_STREAMS = 10_000;
/** Characters of all streams together: a result may be as long as 64 MiB. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

export function createReplays(maxCharacters = MAX_CHARACTERS): Replays {
  const streams = new Map<string, Kept>();
  let kept = 0;

  /** The oldest streams can no longer be taken up again when too much is kept. */
  function account(characters: number): void {
    kept += characters;
    for (const id of streams.keys()) {
      if (kept <= maxCharacters) return;
      forget(id);
    }
  }

  function forget(id: string): void {
    const stream = streams.get(id);
    streams.delete(id);
    stream?.forget();
  }

  return {
    open(owner) {
      const id = randomUUID();
      const onEnd = (): void => void setTimeout(() => forget(id), KEEP_MS).unref();
      const stream = createStream({ id, owner, onEnd, account });
      if (streams.size >= MAX_STREAMS) forget(streams.keys().next().value ?? '');
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

interface StreamOptions {
  readonly id: string;
  readonly owner: string;
  readonly onEnd: () => void;
  /** Told by how much what is kept grows or shrinks. */
  readonly account: (characters: number) => void;
}

function createStream({ id, owner, onEnd, account }: StreamOptions): Kept {
  let events: { number: number; text: string }[] = [];
  let sink: Sink | undefined;
  let last = 0;
  let isEnded = false;
  let isForgotten = false;

  function push(text: (eventId: string) => string): void {
    last += 1;
    const event = { number: last, text: text(`${id}.${last}`) };
    sink?.write(event.text);
    if (!isForgotten) keep(event);
  }

  function keep(event: { number: number; text: string }): void {
    events.push(event);
    const dropped = events.length > MAX_EVENTS ? events.shift() : undefined;
    account(event.text.length - (dropped?.text.length ?? 0));
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
    forget() {
      if (isForgotten) return;
      isForgotten = true;
      const characters = events.reduce((sum, { text }) => sum + text.length, 0);
      events = [];
      account(-characters);
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
