import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';
import { objectOf } from '../lib/json-value.ts';
import {
  dataOf,
  lettersOf,
  readEvent,
  textAt,
  type EventReader,
  type Letters,
  type Run,
  type Unread,
} from '../lib/sse-frames.ts';

/** An event of which all but two texts stays the same: what the model says, and what OpenAI adds to hide how long that is. */
interface Mould {
  /** What stands before, between and behind the texts; all of it ASCII. `middle` is empty where there is only one. */
  readonly head: string;
  readonly middle: string;
  readonly tail: string;
  readonly chunk: JsonObject;
  readonly choice: JsonObject;
  readonly delta: JsonObject;
}

/** So many are made for one stream: where none fits, they would cost more than they save. */
const MAX_MOULDS = 3;

/**
 * Reads the chunks of one stream of chat completions. Most are like the one before but for a word or two. Those are not parsed, which is
 * the most expensive thing that is done with a chunk; what they say in turn is told as if it were one.
 */
export function createChunkReader(): EventReader {
  let mould: Mould | undefined;
  let moulds = 0;
  let isFirst = true;
  return {
    takeRun: (letters, from) => mould && castRun(mould, letters, from),
    read(event) {
      // The first one says who speaks: no other is like it.
      if (!isFirst && moulds < MAX_MOULDS) {
        moulds += 1;
        mould = mouldOf(event) ?? mould;
      }
      isFirst = false;
      return dataOf(event.text);
    },
  };
}

/** The events from here on that come out of a mould. */
function castRun(mould: Mould, letters: Letters, from: number): Run | undefined {
  const { head, middle, tail, chunk, choice, delta } = mould;
  const { text } = letters;
  let to = from;
  let content = '';
  let obfuscation: string | undefined;
  // Compared as a whole, which takes a quarter of the time of `startsWith`.
  const has = (part: string, at: number) => text.slice(at, at + part.length) === part;
  while (has(head, to)) {
    const start = to + head.length;
    const end = endOfPlain(text, start);
    let last = end;
    if (middle !== '') {
      if (!has(middle, end)) break;
      last = endOfPlain(text, end + middle.length);
    }
    if (!has(tail, last)) break;
    content += textAt(letters, start, end);
    if (middle !== '') obfuscation = text.slice(end + middle.length, last);
    to = last + tail.length;
  }
  if (to === from) return undefined;
  const data = { ...chunk, choices: [{ ...choice, delta: { ...delta, content } }] };
  return { to, data: obfuscation === undefined ? data : { ...data, obfuscation } };
}

/** Where a text ends that is written as it is; at its first escape if it has one, and at what no JSON may have in a text. */
function endOfPlain(text: string, from: number): number {
  for (let at = from; ; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE || code === BACKSLASH || !(code >= SPACE)) return at;
  }
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const CONTENT = '"content":"';
const OBFUSCATION = '"obfuscation":"';

function mouldOf({ bytes, from, to }: Unread): Mould | undefined {
  const event = bytes.toString('latin1', from, to);
  const said = placeOf(event, CONTENT, 0);
  if (said === undefined) return undefined;
  const hidden = placeOf(event, OBFUSCATION, said.end);
  const head = event.slice(0, said.start);
  const middle = hidden === undefined ? '' : event.slice(said.end, hidden.start);
  const tail = event.slice(hidden?.end ?? said.end);
  // A cast shows whether the texts are what they look like.
  const cast = Buffer.from(`${head}said${middle}${hidden === undefined ? '' : 'hidden'}${tail}`, 'latin1');
  const letters = lettersOf(cast, false);
  const chunk = dataOf(readEvent(letters, 0, cast.length).text);
  const choices = chunk?.choices;
  if (!letters.isAscii || chunk === undefined || !Array.isArray(choices) || choices.length !== 1) return undefined;
  const choice = objectOf(choices[0]);
  const delta = objectOf(choice.delta);
  const fits = delta.content === 'said' && (hidden === undefined || chunk.obfuscation === 'hidden');
  return fits && isSaidOnce(delta) ? { head, middle, tail, chunk, choice, delta } : undefined;
}

/** Whether all but the content stays what it is however often it is said: other texts and lists grow as the content does. */
function isSaidOnce(delta: JsonObject): boolean {
  const grows = (value: JsonValue | undefined) =>
    (typeof value === 'string' || Array.isArray(value)) && value.length > 0;
  return Object.keys(delta).every((key) => key === 'content' || key === 'role' || !grows(delta[key]));
}

/** Where the text begins and ends that follows a key. */
function placeOf(
  text: string,
  key: string,
  from: number,
): { readonly start: number; readonly end: number } | undefined {
  const at = text.indexOf(key, from);
  if (at === -1) return undefined;
  const start = at + key.length;
  const end = endOfPlain(text, start);
  return text.charCodeAt(end) === QUOTE ? { start, end } : undefined;
}
