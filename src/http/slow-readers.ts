import type { Socket } from 'node:net';

interface SlowReaderOptions {
  /** Bytes that may wait for all clients together. */
  readonly maxBytes?: number;
  /** How long a client for whom something waits may read nothing. */
  readonly stallMs?: number;
  readonly checkMs?: number;
}

/** Cuts off clients that do not read what they asked for, before it fills the memory. */
export interface SlowReaders {
  watch(socket: Socket): void;
  close(): void;
}

/** How far a client has read, and since when. */
interface Place {
  readonly sent: number;
  readonly since: number;
}

/** Looks at all connections now and then: an answer that is read at once, as nearly all are, costs nothing. */
export function createSlowReaders({
  maxBytes = 128 * 1024 * 1024,
  stallMs = 60_000,
  checkMs = 250,
}: SlowReaderOptions = {}): SlowReaders {
  const places = new Map<Socket, Place | undefined>();
  const timer = setInterval(check, checkMs).unref();

  function check(): void {
    const waiting: { readonly socket: Socket; readonly place: Place }[] = [];
    let bytes = 0;
    for (const [socket, before] of places) {
      const place = placeOf(socket, before);
      if (place !== before) places.set(socket, place);
      if (place === undefined) continue;
      if (performance.now() - place.since > stallMs) socket.destroy();
      else {
        waiting.push({ socket, place });
        bytes += socket.writableLength;
      }
    }
    if (bytes > maxBytes) makeRoom(waiting, bytes);
  }

  /** Those go first who have read nothing for longest. */
  function makeRoom(waiting: readonly { socket: Socket; place: Place }[], bytes: number): void {
    let left = bytes;
    for (const { socket } of waiting.toSorted((a, b) => a.place.since - b.place.since)) {
      if (left <= maxBytes) return;
      left -= socket.writableLength;
      socket.destroy();
    }
  }

  return {
    watch(socket) {
      places.set(socket, undefined);
      socket.once('close', () => places.delete(socket));
    },
    close: () => clearInterval(timer),
  };
}

/** Undefined when nothing waits. */
function placeOf(socket: Socket, before: Place | undefined): Place | undefined {
  if (socket.writableLength === 0) return undefined;
  // What waits counts as written.
  const sent = socket.bytesWritten - socket.writableLength;
  return before?.sent === sent ? before : { sent, since: performance.now() };
}
