import type { ServerResponse } from 'node:http';

/** Writes the answer to one POST of a client: JSON, or an event stream from the first notification on. */
export interface McpResponse {
  /** Sends a notification before the answer. Dropped when the client cannot take a stream or reads too slowly. */
  notify(message: string): void;
  /** Ends the response. `member` is `"result"` or `"error"`. */
  end(id: string, member: 'result' | 'error', value: Buffer, status?: number): void;
  /** Ends the response without an answer: the client has cancelled and expects none. */
  abandon(): void;
}

const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};
/** Bytes that may wait for a client that reads slowly before notifications to it are dropped. */
const MAX_WAITING = 1024 * 1024;
const CLOSE = Buffer.from('}');

export function createMcpResponse(response: ServerResponse, acceptsStream: boolean): McpResponse {
  let isStream = false;
  return {
    notify(message) {
      if (!acceptsStream || response.destroyed || response.writableEnded || response.writableLength > MAX_WAITING)
        return;
      if (!isStream) response.writeHead(200, STREAM_HEADERS);
      isStream = true;
      response.write(`event: message\ndata: ${message}\n\n`);
    },
    end(id, member, value, status = 200) {
      if (response.destroyed || response.writableEnded) return;
      const head = `{"jsonrpc":"2.0","id":${id},"${member}":`;
      if (isStream) response.end(`event: message\ndata: ${head}${oneLine(value)}}\n\n`);
      else endJson(response, status, Buffer.from(head), value);
    },
    abandon() {
      if (!isStream && !response.headersSent) response.writeHead(200, STREAM_HEADERS);
      response.end();
    },
  };
}

/** Opens an event stream that is no answer to a request. */
export function openEventStream(response: ServerResponse): (message: string) => void {
  response.writeHead(200, STREAM_HEADERS);
  response.flushHeaders();
  return (message) => {
    // A client that does not read its stream is cut off; it will come back and list again.
    if (response.writableLength > MAX_WAITING) response.destroy();
    else response.write(message);
  };
}

/** A large value goes out as it is; a small one is cheaper copied into one buffer than sent as three. */
const COPY_LIMIT = 16 * 1024;

function endJson(response: ServerResponse, status: number, head: Buffer, value: Buffer): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': head.length + value.length + 1 });
  if (value.length <= COPY_LIMIT) return void response.end(Buffer.concat([head, value, CLOSE]));
  response.cork();
  response.write(head);
  response.write(value);
  response.end(CLOSE);
  response.uncork();
}

/** Inside JSON a line break can only be white space; in an event it would end the line. */
function oneLine(json: Buffer): string {
  const text = json.toString();
  return text.includes('\n') || text.includes('\r') ? text.replaceAll(/[\r\n]+/g, ' ') : text;
}
