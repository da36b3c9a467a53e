import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import type { KeptResult } from '../../store/kept-results.ts';
import { parseJson } from './describe-text.ts';
import { isPlural, valuesAt } from './json-path.ts';

/** Which part of a kept result is wanted. */
export interface Part {
  readonly offset: number;
  readonly length: number;
  readonly grep: string | undefined;
  readonly jsonPath: string | undefined;
}

/** How much is shown around what was looked for, when its line is long. */
const AROUND = 160;
const MAX_LINE = 400;

/** A part of what was kept: first what a path leads to, of that the places with a word, or a piece. */
export function readPart(kept: Pick<KeptResult, 'text' | 'whole'>, part: Part): string {
  const text = part.jsonPath === undefined ? kept.text : textAt(kept, part.jsonPath);
  return part.grep === undefined ? readPiece(text, part) : readMatches(text, part.grep, part);
}

function readPiece(text: string, { offset, length }: Part): string {
  if (offset >= text.length && offset > 0)
    throw new GatewayError('invalid_request', `offset: must be less than ${text.length}, the length of the text`);
  const piece = text.slice(offset, offset + length).toWellFormed();
  const end = Math.min(offset + length, text.length);
  if (offset === 0 && end === text.length) return piece;
  const next = end < text.length ? `; go on with offset ${end}` : ', to its end';
  return `${piece}\n\n[characters ${offset} to ${end} of ${text.length}${next}]`;
}

/** Looks for words as they are: a pattern of a caller could keep the whole process busy. */
function readMatches(text: string, grep: string, { offset, length }: Part): string {
  // Letters that are longer in lower case would move all that follows.
  const lower = text.toLowerCase();
  const haystack = lower.length === text.length ? lower : text;
  const needle = haystack === lower ? grep.toLowerCase() : grep;
  const shown: string[] = [];
  let size = 0;
  let end = offset;
  for (let at = haystack.indexOf(needle, offset); at !== -1; at = haystack.indexOf(needle, end)) {
    const [line, lineEnd] = lineAround(text, at, needle.length);
    if (size + line.length > length && shown.length > 0) {
      shown.push(`[there are more; go on with offset ${at}]`);
      return shown.join('\n');
    }
    shown.push(`${at}: ${line}`);
    size += line.length;
    end = Math.max(lineEnd, at + needle.length);
  }
  if (shown.length === 0)
    return `[nothing has ${JSON.stringify(grep.slice(0, 100))} in it${offset > 0 ? ` from ${offset} on` : ''}]`;
  return shown.join('\n');
}

/** The line with a place in it, or what is around that place when the line is long; and where that ends. */
function lineAround(text: string, at: number, length: number): [string, number] {
  const start = text.lastIndexOf('\n', at - 1) + 1;
  const newline = text.indexOf('\n', at + length);
  const end = newline === -1 ? text.length : newline;
  if (at === 0 || end - start <= MAX_LINE) {
    const from = at === 0 ? 0 : start;
    if (end - from <= MAX_LINE) return [text.slice(from, end), end];
  }
  const from = Math.max(start, at - AROUND);
  const to = Math.min(end, at + length + AROUND);
  return [`${from > start ? '…' : ''}${text.slice(from, to).toWellFormed()}${to < end ? '…' : ''}`, to];
}

function textAt({ text, whole }: Pick<KeptResult, 'text' | 'whole'>, path: string): string {
  const structured = whole === undefined ? undefined : (JSON.parse(whole) as JsonObject).structuredContent;
  const value: JsonValue | undefined = structured ?? parseJson(text);
  if (value === undefined)
    throw new GatewayError('invalid_request', 'jsonPath: the result is no JSON; use offset or grep');
  const found = valuesAt(value, path);
  if (found.length === 0) return `[there is nothing at ${path.slice(0, 200)}]`;
  return isPlural(path) ? found.map((each) => JSON.stringify(each)).join('\n') : JSON.stringify(found[0], undefined, 1);
}
