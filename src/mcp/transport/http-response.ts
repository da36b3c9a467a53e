import { GatewayError } from '../../lib/errors.ts';
import type { HttpRequest, HttpSink } from '../../lib/http-client.ts';
import { joinChunks } from '../../lib/join-chunks.ts';
import { readIncoming, type Incoming } from '../../lib/json-rpc.ts';
import { scrub } from '../../lib/scrub.ts';
import { createSseParser, type SseParser } from '../../lib/sse.ts';

const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** How far event streams were read that go on from one another, and what the server said of coming back. */
export interface StreamPlace {
  lastEventId?: string | undefined;
  retryMs?: number;
}

/** The response to one request of Streamable HTTP: a JSON body is collected, an event stream is handed on message by message. */
export class HttpResponse implements HttpSink {
  status = 0;
  isJson = false;
  isStream = false;
  sessionId: string | undefined;
  /** The `WWW-Authenticate` header. */
  challenge: string | undefined;
  readonly #onMessage: (incoming: Incoming) => void;
  readonly #place: StreamPlace;
  #request: HttpRequest | undefined;
  #parser: SseParser | undefined;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(onMessage: (incoming: Incoming) => void, place: StreamPlace = {}) {
    this.#onMessage = onMessage;
    this.#place = place;
  }

  onRequest(request: HttpRequest): void {
    this.#request = request;
  }

  onHead(status: number, headers: Record<string, string | string[] | undefined>): void {
    this.status = status;
    const type = String(headers['content-type'] ?? '');
    this.isJson = type.startsWith('application/json');
    this.isStream = status < 300 && type.startsWith('text/event-stream');
    if (this.isStream)
      this.#parser = createSseParser(
        (event) => this.#takeEvent(event.data),
        (milliseconds) => (this.#place.retryMs = milliseconds),
      );
    const session = headers['mcp-session-id'];
    if (typeof session === 'string') this.sessionId = session;
    const challenge = headers['www-authenticate'];
    if (challenge !== undefined) this.challenge = String(challenge);
  }

  onData(chunk: Buffer): void {
    if (this.#parser !== undefined) return this.#read(this.#parser, chunk);
    this.#length += chunk.length;
    if (this.#length > MAX_BODY_BYTES) throw new GatewayError('upstream_bad_reply', 'the reply is larger than 64 MiB');
    this.#chunks.push(chunk);
  }

  get body(): Buffer {
    return joinChunks(this.#chunks);
  }

  /** The status and what the server said beside it, for an error message. */
  describe(): string {
    const said = this.body.toString('utf8', 0, 4096);
    // Before it is cut to length, so that no half of a secret is left at the end.
    const clean = this.#request === undefined ? said : scrub(said, this.#request);
    const text = clean.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
    return text === '' ? `HTTP ${this.status}` : `HTTP ${this.status}: ${text}`;
  }

  #read(parser: SseParser, chunk: Buffer): void {
    try {
      parser.push(chunk);
    } finally {
      // Also after an event that cannot be read: it would come again and again.
      this.#place.lastEventId = parser.lastEventId() ?? this.#place.lastEventId;
    }
  }

  /** An empty data field primes a resumable stream (2025-11-25) and carries no message. */
  #takeEvent(data: Buffer): void {
    if (data.length > 0) this.#onMessage(readIncoming(data));
  }
}
