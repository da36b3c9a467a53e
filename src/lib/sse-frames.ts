import { isAscii } from 'node:buffer';
import { GatewayError } from './errors.ts';
import { joinChunks } from './join-chunks.ts';
import type { JsonObject } from './json-rpc.ts';

/** One event of a stream, or a run of them, as it came, so that it can be handed on as it is. */
export interface Frame {
  /** Its bytes with the blank line at its end, a letter (latin1) for each. */
  readonly wire: string;
  /** The name of the event, where it has one. */
  readonly event: string | undefined;
  /** What is behind `data:`; empty for a comment and for a run. */
  readonly text: string;
  /** The JSON object in the text; undefined for comments, `[DONE]` and whatever else is none. Of a run, what its events say together. */
  readonly data: JsonObject | undefined;
}

/** Several events in turn. */
export interface Run {
  /** Behind the last one. */
  readonly to: number;
  /** What they say together. */
  readonly data: JsonObject;
}

/** Reads what the events of a stream say. */
export interface EventReader {
  /** The events from here on that need not be looked at each by itself; undefined when there are none. */
  takeRun(letters: Letters, from: number): Run | undefined;
  /** What any other event says. */
  read(event: Unread): JsonObject | undefined;
}

/** An event of which only the text is known. */
export type Unread = Omit<Frame, 'data'>;

/** Looks at each event. */
const EACH: EventReader = { takeRun: () => undefined, read: ({ text }) => dataOf(text) };

const LF = 0x0a;
const CR = 0x0d;
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** Cuts the chunks of a `text/event-stream` into frames. */
export interface Framer {
  push(chunk: Buffer): Frame[];
  /** What is left when the stream ends without a blank line; readers take it for an event all the same. */
  end(): Frame[];
}

export function createFramer(reader = EACH): Framer {
  let held: Buffer[] = [];
  let size = 0;
  let isFirst = true;

  return {
    push(chunk) {
      const before = size;
      held.push(chunk);
      size += chunk.length;
      // An event of megabytes is put together once, when its end has come, and not for each piece of it.
      const frames = before > 0 && !chunk.includes(LF) ? [] : cut(joinChunks(held), before);
      if (size > MAX_FRAME_BYTES)
        throw new GatewayError('provider_bad_reply', 'an event of the stream is larger than 64 MiB');
      return frames;
    },
    end() {
      const bytes = joinChunks(held);
      held = [];
      return bytes.toString().trim() === '' ? [] : [readAlone(lettersOf(bytes, isFirst), 0, bytes.length)];
    },
  };

  /** Of the first `before` bytes only the last three can be part of an end. */
  function cut(bytes: Buffer, before: number): Frame[] {
    const letters = lettersOf(bytes, isFirst);
    const frames: Frame[] = [];
    let from = 0;
    for (let seen = Math.max(0, before - 3); ; seen = from) {
      const run = reader.takeRun(letters, from);
      const to = run?.to ?? frameEnd(letters.text, seen);
      if (to === -1) break;
      frames.push(run === undefined ? readAlone(letters, from, to) : frameOf(run, letters, from));
      from = to;
      isFirst = false;
    }
    size = bytes.length - from;
    held = size === 0 ? [] : [bytes.subarray(from)];
    return frames;
  }

  function readAlone(letters: Letters, from: number, to: number): Frame {
    const event = readEvent(letters, from, to);
    return { ...event, data: reader.read(event) };
  }
}

function frameOf({ to, data }: Run, { text }: Letters, from: number): Frame {
  return { wire: text.slice(from, to), event: undefined, text: '', data };
}

/** A frame with this content, `[DONE]` or an object; `event` is written when there is a name. */
export function writeFrame(data: JsonObject | string, event?: string): Frame {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const wire = asLetters(`${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`);
  return { wire, event, text, data: typeof data === 'string' ? undefined : data };
}

/** A comment, which no reader takes for an event (WHATWG HTML, section 9.2.5). */
export function writeComment(text: string): Frame {
  return { wire: asLetters(`: ${text}\n\n`), event: undefined, text: '', data: undefined };
}

function asLetters(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** The bytes of all frames, a letter for each. */
export function wireOf(frames: readonly Frame[]): string {
  let wire = '';
  for (const frame of frames) wire += frame.wire;
  return wire;
}

/** The JSON object that a text is, if it is one. */
export function dataOf(text: string): JsonObject | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return undefined;
  }
}

/** Bytes with a letter for each, so that places in both are the same; and whether that is what they say. */
export interface Letters {
  readonly bytes: Buffer;
  readonly text: string;
  readonly isAscii: boolean;
  /** Where what they say begins: a stream may begin with a byte order mark (WHATWG HTML, section 9.2.5). */
  readonly start: number;
}

function lettersOf(bytes: Buffer, isBeginning: boolean): Letters {
  const text = bytes.toString('latin1');
  const start = isBeginning && text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  return { bytes, text, isAscii: isAscii(bytes), start };
}

/** What the bytes from `from` to `to` say. */
export function textAt({ bytes, text, isAscii }: Letters, from: number, to: number): string {
  return isAscii ? text.slice(from, to) : bytes.toString('utf8', from, to);
}

/** In UTF-8, with a letter for each byte. */
const BYTE_ORDER_MARK = '\u00EF\u00BB\u00BF';

/** Behind the next blank line, whichever line ends are used; -1 when there is none yet. */
function frameEnd(text: string, from: number): number {
  for (let at = text.indexOf('\n', from); at !== -1; at = text.indexOf('\n', at + 1)) {
    const next = text.charCodeAt(at + 1);
    if (next === LF) return at + 2;
    if (next === CR && text.charCodeAt(at + 2) === LF) return at + 3;
  }
  return -1;
}

const DATA = 'data: ';

/** Takes the event at this place apart. */
function readEvent(letters: Letters, from: number, to: number): Unread {
  const { text: all } = letters;
  const wire = all.slice(from, to);
  const start = Math.max(from, letters.start);
  // One line of data and nothing else, as nearly all frames are: there is nothing to take apart.
  const isPlain = all.indexOf('\n', start) === to - 2 && all.charCodeAt(to - 3) !== CR && all.startsWith(DATA, start);
  if (isPlain) return { wire, event: undefined, text: textAt(letters, start + DATA.length, to - 2) };
  let event: string | undefined;
  let text: string | undefined;
  for (const line of textAt(letters, start, to).split(/\r?\n/)) {
    if (line.startsWith('data:')) {
      const data = line.slice(line[5] === ' ' ? 6 : 5);
      text = text === undefined ? data : `${text}\n${data}`;
    } else if (line.startsWith('event:')) event = line.slice(6).trim();
  }
  return { wire, event, text: text ?? '' };
}
