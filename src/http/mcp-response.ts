import type { Logger } from '../lib/logger.ts';
import { EVENT_STREAM_HEADERS, toEvent, writeEvents } from './event-stream.ts';
import type { HotResponse } from './hot.ts';
import { renderError, renderRpcError } from './render-error.ts';
import type { ReplayStream } from './replay.ts';
import { sendError } from './send-error.ts';

/** Where the answer to one request goes, and what is said before it. */
export interface McpResponse {
  /** Whether anything can be said before the answer. */
  readonly canSend: boolean;
  /** Sends a notification, or a request of the gateway, as JSON text. */
  send(message: string): void;
  /** Sends the answer. `id` is JSON text; the value too, in pieces that are sent as one. */
  end(id: string, member: 'result' | 'error', value: readonly Buffer[], status?: number): void;
  /** Ends without an answer: the client has cancelled and expects none. */
  abandon(): void;
}

interface ResponseOptions {
  /** Whether the client takes an event stream. */
  readonly acceptsStream: boolean;
  /** Makes the stream one that can be taken up again. */
  readonly openReplay: (() => ReplayStream) | undefined;
}

const CLOSE = Buffer.from('}');
/** A large value goes out as it is; the pieces of a small one are cheaper copied than sent one by one. */
const COPY_LIMIT = 16 * 1024;

/** The answer to a POST: JSON, or an event stream from the first message before the answer on. */
export function createMcpResponse(response: HotResponse, { acceptsStream, openReplay }: ResponseOptions): McpResponse {
  let sendEvent: ((message: string) => void) | undefined;
  let endStream = (): void => void response.end();
  let isEnded = false;

  function openStream(): (message: string) => void {
    response.writeHead(200, EVENT_STREAM_HEADERS);
    const replay = openReplay?.();
    if (replay === undefined) return (message) => writeEvents(response, toEvent(message));
    const sink = { write: (text: string) => writeEvents(response, text), end: () => void response.end() };
    replay.attach(sink);
    response.once('close', () => replay.detach(sink));
    replay.prime();
    endStream = () => replay.end();
    return (message) => replay.send(message);
  }

  return {
    canSend: acceptsStream,
    send(message) {
      // What a server says of a request that is answered comes too late.
      if (!acceptsStream || isEnded) return;
      sendEvent ??= openStream();
      sendEvent(message);
    },
    end(id, member, value, status = 200) {
      const head = `{"jsonrpc":"2.0","id":${id},"${member}":`;
      isEnded = true;
      if (sendEvent !== undefined) {
        sendEvent(`${head}${textOf(value)}}`);
        endStream();
      } else if (!response.destroyed && !response.writableEnded)
        endJson(response, status, [Buffer.from(head), ...value, CLOSE]);
    },
    abandon() {
      isEnded = true;
      if (sendEvent !== undefined) return endStream();
      if (!response.headersSent) response.writeHead(200, EVENT_STREAM_HEADERS);
      response.end();
    },
  };
}

function endJson(response: HotResponse, status: number, pieces: readonly Buffer[]): void {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length });
  if (length <= COPY_LIMIT) return void response.end(Buffer.concat(pieces, length));
  response.cork();
  for (const piece of pieces) response.write(piece);
  response.end();
  response.uncork();
}

function textOf(pieces: readonly Buffer[]): string {
  return pieces.length === 1 ? String(pieces[0]) : Buffer.concat(pieces).toString();
}

/** Answers that share one stream which somebody else ends: a batch, or the stream of HTTP+SSE. */
export function createSharedResponse(send: (message: string) => void): McpResponse {
  let isEnded = false;
  return {
    canSend: true,
    send(message) {
      if (!isEnded) send(message);
    },
    end(id, member, value) {
      isEnded = true;
      send(`{"jsonrpc":"2.0","id":${id},"${member}":${textOf(value)}}`);
    },
    abandon() {
      isEnded = true;
    },
  };
}

interface Refusal {
  /** Of the request, as JSON text. */
  readonly id?: string | undefined;
  /** `WWW-Authenticate` of a 401, where it says more than the scheme. */
  readonly challenge?: string | undefined;
}

/** Answers a POST whose message does not get as far as being handled. */
export function refuseMessage(
  response: HotResponse,
  error: unknown,
  logger: Logger,
  { id = 'null', challenge }: Refusal = {},
): void {
  sendError(response, () => {
    const { status, headers } = renderError(error, logger);
    const { error: said } = renderRpcError(null, error, logger);
    const signIn = status === 401 && challenge !== undefined ? { 'www-authenticate': challenge } : {};
    const body = `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(said)}}`;
    return { status, headers: { ...headers, ...signIn }, body };
  });
}
