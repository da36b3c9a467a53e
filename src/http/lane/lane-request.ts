import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

/** A request that is there with its whole body. */
export class LaneRequest {
  readonly method = 'POST';
  readonly complete = true;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Socket;
  readonly body: Buffer;

  constructor(url: string, headers: IncomingHttpHeaders, socket: Socket, body: Buffer) {
    this.url = url;
    this.headers = headers;
    this.socket = socket;
    this.body = body;
  }
}
