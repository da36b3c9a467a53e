import { GatewayError } from '../../lib/errors.ts';
import type { HttpSink } from '../../lib/http-client.ts';
import { joinChunks } from '../../lib/join-chunks.ts';
import { createSseParser, type SseParser } from '../../lib/sse.ts';

/** What came back for one HTTP request: the messages of an event stream are handed on as they come, any other body is collected. */
export interface AnswerReader extends HttpSink, Readonly<Seen> {
  body(): Buffer;
}

/** What an answer has said of itself so far. */
interface Seen {
  /** 0 until there is a head. */
  status: number;
  type: string;
  isStream: boolean;
  sessionId: string | undefined;
  location: string | undefined;
  /** Where a broken stream can be taken up again. */
  lastEventId: string | undefined;
  /** How long the server wants to be left alone before that. */
  retryMs: number | undefined;
}

interface Listener {
  readonly onMessage: (message: Buffer) => void;
  /** An event stream has begun. */
  readonly onStream?: () => void;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;

export function createAnswerReader({ onMessage, onStream }: Listener): AnswerReader {
  const seen: Seen = {
    status: 0,
    type: '',
    isStream: false,
    sessionId: undefined,
    location: undefined,
    lastEventId: undefined,
    retryMs: undefined,
  };
  let parser: SseParser | undefined;
  let chunks: Buffer[] = [];
  let size = 0;

  function listen(): SseParser {
    return createSseParser(
      ({ data, id }) => {
        // Only what can go back in a header is of use.
        if (id !== undefined && /^[\x21-\x7e]+$/.test(id)) seen.lastEventId = id;
        if (data.length > 0) onMessage(data); // an event without data only carries an id (2025-11-25)
      },
      (milliseconds) => (seen.retryMs = milliseconds),
    );
  }

  return Object.assign(seen, {
    body() {
      const whole = joinChunks(chunks);
      chunks = [whole];
      return whole;
    },
    onHead(status, headers) {
      const { 'mcp-session-id': session, location } = headers;
      seen.status = status;
      seen.type = String(headers['content-type'] ?? '').toLowerCase();
      seen.isStream = status < 300 && seen.type.startsWith('text/event-stream');
      if (typeof session === 'string') seen.sessionId = session;
      if (typeof location === 'string') seen.location = location;
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
  } satisfies Pick<AnswerReader, 'body' | 'onHead' | 'onData'>);
}
