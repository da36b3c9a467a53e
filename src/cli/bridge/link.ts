import { createHttpClient, type HttpExchange } from '../../lib/http-client.ts';
import type { AnswerReader } from './answer-reader.ts';
import type { Output } from './output.ts';

/** Where the gateway is and what every request to it carries. */
export interface Target {
  readonly url: URL;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/** HTTP towards the gateway's one address. A client that does not read holds the answers back. */
export interface Link {
  post(body: Buffer, headers: readonly string[], reader: AnswerReader): HttpExchange;
  /** Opens an event stream of a session. */
  listen(headers: readonly string[], reader: AnswerReader): HttpExchange;
  /** Ends a session. */
  end(headers: readonly string[], reader: AnswerReader): HttpExchange;
  close(): Promise<void>;
}

const POST_HEADERS = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'];
const LISTEN_HEADERS = ['accept', 'text/event-stream'];

export function createLink({ url, headers: always }: Target, output: Output): Link {
  const client = createHttpClient(url);

  function send(method: 'GET' | 'POST' | 'DELETE', headers: string[], reader: AnswerReader, body?: Buffer) {
    const request = { method, url, headers: [...always, ...headers], ...(body === undefined ? {} : { body }) };
    const exchange: HttpExchange = client.send(request, {
      onHead: reader.onHead,
      onData(chunk) {
        reader.onData(chunk);
        if (output.isFull) output.hold(exchange);
      },
    });
    return exchange;
  }

  return {
    post: (body, headers, reader) => send('POST', [...POST_HEADERS, ...headers], reader, body),
    listen: (headers, reader) => send('GET', [...LISTEN_HEADERS, ...headers], reader),
    end: (headers, reader) => send('DELETE', [...headers], reader),
    close: () => client.close(),
  };
}
