import type { HotResponse } from './hot.ts';

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** Bytes that may wait for a client that reads slowly; then it is cut off, and comes back where it was. */
const MAX_WAITING = 4 * 1024 * 1024;

/** Writes to an open response, and cuts off a client that does not read. */
export function writeEvents(response: HotResponse, text: string): void {
  if (response.destroyed || response.writableEnded) return;
  if (response.writableLength > MAX_WAITING) response.destroy();
  else response.write(text);
}

/** One message as an event. Inside JSON a line break can only be white space; in an event it would end the line. */
export function toEvent(message: string, id?: string): string {
  const line = message.includes('\n') || message.includes('\r') ? message.replaceAll(/[\r\n]+/g, ' ') : message;
  return `${id === undefined ? '' : `id: ${id}\n`}event: message\ndata: ${line}\n\n`;
}

/** The streams that stay open for as long as their clients want. */
export interface OpenStreams {
  /** Keeps a stream alive, and has it ended by `end` when the gateway closes. */
  hold(response: HotResponse, end: () => void): void;
  close(): void;
}

/** How long a stream may be silent at least before it says that it is alive. */
export const HEARTBEAT_MS = 15_000;

/** Sends comments on silent streams, so that nothing on the way takes them for dead. */
export function createOpenStreams(): OpenStreams {
  const open = new Map<HotResponse, () => void>();
  let isClosed = false;
  const heartbeat = setInterval(() => {
    for (const response of open.keys()) writeEvents(response, ': ping\n\n');
  }, HEARTBEAT_MS).unref();
  return {
    hold(response, end) {
      if (isClosed) return end(); // it came on a connection from before
      open.set(response, end);
      response.once('close', () => open.delete(response));
    },
    close() {
      isClosed = true;
      clearInterval(heartbeat);
      for (const end of open.values()) end();
    },
  };
}
