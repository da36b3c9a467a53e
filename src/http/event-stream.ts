import type { ServerResponse } from 'node:http';

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** Bytes that may wait for a client that reads slowly; then it is cut off, and comes back where it was. */
const MAX_WAITING = 4 * 1024 * 1024;

/** Writes to an open response, and cuts off a client that does not read. */
export function writeEvents(response: ServerResponse, text: string): void {
  if (response.destroyed || response.writableEnded) return;
  if (response.writableLength > MAX_WAITING) response.destroy();
  else response.write(text);
}

/** One message as an event. Inside JSON a line break can only be white space; in an event it would end the line. */
export function toEvent(message: string, id?: string): string {
  const line = message.includes('\n') || message.includes('\r') ? message.replaceAll(/[\r\n]+/g, ' ') : message;
  return `${id === undefined ? '' : `id: ${id}\n`}event: message\ndata: ${line}\n\n`;
}
