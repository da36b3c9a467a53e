import { GatewayError } from './errors.ts';
import { joinChunks } from './join-chunks.ts';
import type { JsonObject } from './json-rpc.ts';

/** One event of a stream with the bytes that it came in, so that it can be handed on as it is. */
export interface Frame {
  /** With the blank line at its end. */
  readonly raw: Buffer;
  /** The name of the event, where it has one. */
  readonly event: string | undefined;
  /** What is behind `data:`; empty for a comment. */
  readonly text: string;
}

const LF = 0x0a;
const CR = 0x0d;
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** Cuts the chunks of a `text/event-stream` into frames. */
export interface Framer {
  push(chunk: Buffer): Frame[];
  /** What is left when the stream ends without a blank line; readers take it for an event all the same. */
  end(): Frame[];
}

export function createFramer(): Framer {
  let rest: Buffer | undefined;

  return {
    push(chunk) {
      const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
      const frames: Frame[] = [];
      let from = 0;
      // What was held had no end yet; only its last three bytes can be part of one.
      let at = rest === undefined ? 0 : Math.max(0, rest.length - 3);
      for (;;) {
        const end = frameEnd(bytes, at);
        if (end === -1) break;
        frames.push(readFrame(bytes.subarray(from, end)));
        from = end;
        at = end;
      }
      rest = from === bytes.length ? undefined : bytes.subarray(from);
      if (rest !== undefined && rest.length > MAX_FRAME_BYTES)
        throw new GatewayError('provider_bad_reply', 'an event of the stream is larger than 64 MiB');
      return frames;
    },
    end() {
      const last = rest;
      rest = undefined;
      return last === undefined || last.toString().trim() === '' ? [] : [readFrame(last)];
    },
  };
}

/** A frame with this content; `event` is written when there is a name. */
export function writeFrame(data: JsonObject | string, event?: string): Frame {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return { raw: Buffer.from(`${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`), event, text };
}

/** The bytes of all frames. Those that came in one piece go on in it: nothing is copied. */
export function bytesOf(frames: readonly Frame[]): Buffer {
  const runs: Buffer[] = [];
  for (let at = 0; at < frames.length;) {
    const { raw } = frames[at] as Frame; // within the list
    let { length } = raw;
    for (at += 1; isNext(frames[at]?.raw, raw, length); at += 1) length += frames[at]?.raw.length ?? 0;
    runs.push(length === raw.length ? raw : Buffer.from(raw.buffer, raw.byteOffset, length));
  }
  return joinChunks(runs);
}

/** Whether these bytes lie right behind so many from the beginning of the others. */
function isNext(bytes: Buffer | undefined, before: Buffer, length: number): boolean {
  return bytes?.buffer === before.buffer && bytes.byteOffset === before.byteOffset + length;
}

/** The JSON object in a frame; undefined for comments, `[DONE]` and whatever else is none. */
export function dataOf({ text }: Pick<Frame, 'text'>): JsonObject | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return undefined;
  }
}

/** Behind the next blank line, whichever line ends are used; -1 when there is none yet. */
function frameEnd(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return -1;
}

const DATA = 'data: ';

/** One line of data and nothing else, as nearly all frames are: there is nothing to take apart. */
function isPlain(raw: Buffer): boolean {
  const end = raw.indexOf(LF);
  return end === raw.length - 2 && raw[end - 1] !== CR && isData(raw);
}

function isData(raw: Buffer): boolean {
  for (let at = 0; at < DATA.length; at += 1) if (raw[at] !== DATA.charCodeAt(at)) return false;
  return true;
}

function readFrame(raw: Buffer): Frame {
  if (isPlain(raw)) return { raw, event: undefined, text: raw.toString('utf8', DATA.length, raw.length - 2) };
  let event: string | undefined;
  let text: string | undefined;
  for (const line of raw.toString().split(/\r?\n/)) {
    if (line.startsWith('data:')) {
      const data = line.slice(line[5] === ' ' ? 6 : 5);
      text = text === undefined ? data : `${text}\n${data}`;
    } else if (line.startsWith('event:')) event = line.slice(6).trim();
  }
  return { raw, event, text: text ?? '' };
}
