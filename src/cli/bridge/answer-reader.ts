import { GatewayError } from '../../lib/errors.ts';
import type { HttpSink } from '../../lib/http-client.ts';
import { createSseParser, type SseParser } from '../../lib/sse.ts';

/** What came back for one HTTP request: the messages of an event stream are handed on as they come, any other body is collected. */
export interface AnswerReader extends HttpSink {
  /** 0 until there is a head. */
  readonly status: number;
  readonly type: string;
  readonly isStream: boolean;
  readonly sessionId: string | undefined;
  readonly location: string | undefined;
  /** Where a broken stream can be taken up again. */
  readonly lastEventId: string | undefined;
  /** How long the server wants to be left alone before that. */
  readonly retryMs: number | undefined;
  body(): Buffer;
}

interface Listener {
  readonly onMessage: (message: Buffer) => void;
  /** An event stream has begun. */
  readonly onStream?: () => void;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;

export function createAnswerReader({ onMessage, onStream }: Listener): AnswerReader {
  const seen = { status: 0, type: '', isStream: false };
  const known: { sessionId?: string; location?: string; lastEventId?: string; retryMs?: number } = {};
  let parser: SseParser | undefined;
  let chunks: Buffer[] = [];
  let size = 0;

  function listen(): SseParser {
    return createSseParser(
      ({ data, id }) => {
        // Only what can go back in a header is of use.
        if (id !== undefined && /^[\x21-\x7e]+$/.test(id)) known.lastEventId = id;
        if (data.length > 0) onMessage(data); // an event without data only carries an id (2025-11-25)
      },
      (milliseconds) => (known.retryMs = milliseconds),
    );
  }

  return {
    get status() {
      return seen.status;
    },
    get type() {
      return seen.type;
    },
    get isStream() {
      return seen.isStream;
    },
    get sessionId() {
      return known.sessionId;
    },
    get location() {
      return known.location;
    },
    get lastEventId() {
      return known.lastEventId;
    },
    get retryMs() {
      return known.retryMs;
    },
    body() {
      if (chunks.length > 1) chunks = [Buffer.concat(chunks)];
      return chunks[0] ?? Buffer.alloc(0);
    },
    onHead(status, headers) {
      const { 'mcp-session-id': session, location } = headers;
      seen.status = status;
      seen.type = String(headers['content-type'] ?? '').toLowerCase();
      seen.isStream = status < 300 && seen.type.startsWith('text/event-stream');
      if (typeof session === 'string') known.sessionId = session;
      if (typeof location === 'string') known.location = location;
      if (!seen.isStream) return;
      parser = listen();
      onStream?.();
    },
    onData(chunk) {
      if (parser !== undefined) return parser.push(chunk);
      size += chunk.length;
      if (size > MAX_BODY_BYTES) throw new GatewayError('upstream_bad_reply', 'the answer is larger than 64 MiB');
      chunks.push(chunk);
    },
  };
}
