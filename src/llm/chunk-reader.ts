import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';
import { objectOf } from '../lib/json-value.ts';
import { dataOf, textAt, type EventReader, type Letters, type Run, type Unread } from '../lib/sse-frames.ts';

/** An event of which all but two texts stays the same: what the model says, and what OpenAI adds to hide how long that is. */
interface Mould {
  /** The bytes before, between and behind the texts, a letter for each. `middle` is empty where there is only one text. */
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
      const data = dataOf(event.text);
      // The first one says who speaks: no other is like it.
      if (data !== undefined && !isFirst && moulds < MAX_MOULDS) {
        moulds += 1;
        mould = mouldOf(event, data) ?? mould;
      }
      isFirst = false;
      return data;
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
    if (middle !== '') obfuscation = textAt(letters, end + middle.length, last);
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

/** What others that are like this event would come out of. */
function mouldOf({ wire }: Unread, chunk: JsonObject): Mould | undefined {
  const { choices } = chunk;
  if (!Array.isArray(choices) || choices.length !== 1) return undefined;
  const choice = objectOf(choices[0]);
  const delta = objectOf(choice.delta);
  if (typeof delta.content !== 'string' || !isSaidOnce(delta)) return undefined;
  // Then names are what they look like.
  if (wire.includes('\\')) return undefined;
  const said = placeOf(wire, 'content');
  const hidden = chunk.obfuscation === undefined ? said : placeOf(wire, 'obfuscation');
  if (said === undefined || hidden === undefined || hidden.start < said.start) return undefined;
  return {
    head: wire.slice(0, said.start),
    middle: hidden === said ? '' : wire.slice(said.end, hidden.start),
    tail: wire.slice(hidden.end),
    ...{ chunk, choice, delta },
  };
}

/** Whether all but the content stays what it is however often it is said: other texts and lists grow as the content does. */
function isSaidOnce(delta: JsonObject): boolean {
  const grows = (value: JsonValue | undefined) =>
    (typeof value === 'string' || Array.isArray(value)) && value.length > 0;
  return Object.keys(delta).every((key) => key === 'content' || key === 'role' || !grows(delta[key]));
}

/** Where the text begins and ends that is the value of the only member of this name. */
function placeOf(wire: string, name: string): { readonly start: number; readonly end: number } | undefined {
  const key = `"${name}"`;
  const at = wire.indexOf(key);
  const start = at + key.length + 2;
  if (at === -1 || wire.slice(start - 2, start) !== ':"' || wire.includes(key, start)) return undefined;
  return { start, end: wire.indexOf('"', start) };
}
