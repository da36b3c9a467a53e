import { GatewayError } from './errors.ts';

/** One server-sent event (WHATWG HTML, section 9.2). */
export interface SseEvent {
  /** `message` when the stream named none. */
  readonly event: string;
  readonly data: Buffer;
  readonly id: string | undefined;
}

const LF = 0x0a;
const CR = 0x0d;
const MAX_EVENT_BYTES = 64 * 1024 * 1024;

export interface SseParser {
  /** The id of the last complete event, also of one without data: from here on the stream can be taken up again. */
  lastEventId(): string | undefined;
  push(chunk: Buffer): void;
}

/** Turns the chunks of a `text/event-stream` body into events. Data of one line is not copied when it fits one chunk. */
export function createSseParser(
  onEvent: (event: SseEvent) => void,
  onRetry?: (milliseconds: number) => void,
): SseParser {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let skipLf = false;
  let event = 'message';
  let data: Buffer[] = [];
  let id: string | undefined;
  let lastEventId: string | undefined;
  let isBeginning = true;

  function take(given: Buffer): void {
    const line = isBeginning ? withoutMark(given) : given;
    isBeginning = false;
    if (line.length === 0) {
      lastEventId = id;
      if (data.length > 0) onEvent({ event, data: join(data), id });
      event = 'message';
      data = [];
      return;
    }
    const colon = line.indexOf(0x3a);
    if (colon === 0) return; // a comment, used as heart-beat
    const field = line.toString('latin1', 0, colon === -1 ? line.length : colon);
    const from = colon === -1 ? line.length : colon + (line[colon + 1] === 0x20 ? 2 : 1);
    if (field === 'data') data.push(line.subarray(from));
    else if (field === 'event') event = line.toString('utf8', from);
    else if (field === 'id') id = line.toString('utf8', from);
    else if (field === 'retry' && onRetry !== undefined) {
      const milliseconds = Number(line.toString('latin1', from));
      if (Number.isInteger(milliseconds) && milliseconds >= 0) onRetry(milliseconds);
    }
  }

  return {
    lastEventId: () => lastEventId,
    push(chunk) {
      let at = skipLf && chunk[0] === LF ? 1 : 0;
      if (chunk.length > 0) skipLf = false;
      for (;;) {
        const end = lineEnd(chunk, at);
        if (end === -1) break;
        const piece = chunk.subarray(at, end);
        take(held.length === 0 ? piece : Buffer.concat([...held, piece]));
        held = [];
        heldBytes = 0;
        at = end + 1;
        if (chunk[end] === CR) {
          if (at === chunk.length) skipLf = true;
          else if (chunk[at] === LF) at += 1;
        }
      }
      if (at === chunk.length) return;
      held.push(chunk.subarray(at));
      heldBytes += chunk.length - at;
      if (heldBytes > MAX_EVENT_BYTES)
        throw new GatewayError('upstream_bad_reply', 'an event of the stream is larger than 64 MiB');
    },
  };
}

/** A stream may begin with a byte order mark, which is none of its text. */
function withoutMark(line: Buffer): Buffer {
  return line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? line.subarray(3) : line;
}

function lineEnd(chunk: Buffer, from: number): number {
  const lf = chunk.indexOf(LF, from);
  const cr = chunk.subarray(from, lf === -1 ? chunk.length : lf).indexOf(CR);
  return cr === -1 ? lf : from + cr;
}

function join(lines: Buffer[]): Buffer {
  const [first] = lines;
  if (first !== undefined && lines.length === 1) return first;
  const newline = Buffer.from('\n');
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [newline, line])));
}

/** One event as bytes. Each line of the data becomes a `data:` line. */
export function writeSseEvent(data: string, id?: string): string {
  const lines = data.includes('\n') ? data.split(/\r\n|\n|\r/).join('\ndata: ') : data;
  return `${id === undefined ? '' : `id: ${id}\n`}event: message\ndata: ${lines}\n\n`;
}
