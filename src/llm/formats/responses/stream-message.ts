import type { JsonObject } from '../../../lib/json-rpc.ts';
import { messageItem, refusalPart, textPart } from './items.ts';
import { itemAdded, itemDone, type OpenItem, placeOf, type State } from './stream-state.ts';

type OpenMessage = Extract<OpenItem, { kind: 'message' }>;

/** A new item `message`. */
export function openMessage(state: State): { item: OpenMessage; events: JsonObject[] } {
  const at = state.next++;
  const id = `msg_${state.head.id}_${at}`;
  const item: OpenMessage = { kind: 'message', at, id, parts: [], open: undefined, annotations: [], logprobs: [] };
  return { item, events: [itemAdded(at, messageItem(id, 'in_progress', []))] };
}

/** A piece of text, or of a refusal. */
export function sayPiece(
  item: OpenMessage,
  isRefusal: boolean,
  piece: string,
  logprobs: readonly JsonObject[],
): JsonObject[] {
  const events = item.open?.isRefusal === isRefusal ? [] : [...closePart(item), ...openPart(item, isRefusal)];
  if (item.open !== undefined) item.open.text += piece;
  item.logprobs.push(...logprobs);
  const place = { ...placeOf(item), content_index: item.parts.length };
  const said = isRefusal
    ? { type: 'response.refusal.delta', ...place, delta: piece }
    : { type: 'response.output_text.delta', ...place, delta: piece, logprobs: [...logprobs] };
  return [...events, said];
}

function openPart(item: OpenMessage, isRefusal: boolean): JsonObject[] {
  item.open = { isRefusal, text: '' };
  const part = isRefusal ? refusalPart('') : textPart({ text: '', annotations: [], logprobs: [] });
  return [{ type: 'response.content_part.added', ...placeOf(item), content_index: item.parts.length, part }];
}

function closePart(item: OpenMessage): JsonObject[] {
  if (item.open === undefined) return [];
  const { isRefusal, text } = item.open;
  const place = { ...placeOf(item), content_index: item.parts.length };
  const { annotations, logprobs } = item;
  const part = isRefusal ? refusalPart(text) : textPart({ text, annotations, logprobs });
  const done = isRefusal
    ? { type: 'response.refusal.done', ...place, refusal: text }
    : { type: 'response.output_text.done', ...place, text, logprobs: [...logprobs] };
  item.open = undefined;
  item.parts.push(part);
  return [done, { type: 'response.content_part.done', ...place, part }];
}

/** The message is done. */
export function closeMessage(state: State, item: OpenMessage): JsonObject[] {
  return [...closePart(item), itemDone(state, item.at, messageItem(item.id, state.status, item.parts))];
}
