import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asText, textOf } from '../../../lib/json-value.ts';
import { summaryPart, thoughtItem } from './items.ts';
import { itemAdded, itemDone, type OpenItem, placeOf, type State } from './stream-state.ts';

type OpenThought = Extract<OpenItem, { kind: 'thought' }>;

/** A new item `reasoning`. */
export function openThought(state: State): { item: OpenThought; events: JsonObject[] } {
  const at = state.next++;
  const id = `rs_${state.head.id}_${at}`;
  const item: OpenThought = { kind: 'thought', at, id, texts: [], details: [] };
  return { item, events: [itemAdded(at, thoughtItem(id, [], undefined))] };
}

/** A piece of a thought. Another entry of `reasoning_details` begins another piece of the summary. */
export function thinkPiece(item: OpenThought, detail: JsonObject): JsonObject[] {
  const last = item.details.findLast(({ type }) => type !== 'reasoning.encrypted');
  item.details.push(detail);
  const piece = asText(detail.text) ?? textOf(detail.summary);
  if (piece === '') return [];
  const isSame = item.texts.length > 0 && last !== undefined && last.index === detail.index;
  const events = isSame ? [] : [...closePiece(item), ...openPiece(item)];
  const summary_index = item.texts.length - 1;
  item.texts[summary_index] += piece;
  return [...events, { type: 'response.reasoning_summary_text.delta', ...placeOf(item), summary_index, delta: piece }];
}

function openPiece(item: OpenThought): JsonObject[] {
  const summary_index = item.texts.push('') - 1;
  return [{ type: 'response.reasoning_summary_part.added', ...placeOf(item), summary_index, part: summaryPart('') }];
}

function closePiece(item: OpenThought): JsonObject[] {
  const text = item.texts.at(-1);
  if (text === undefined) return [];
  const place = { ...placeOf(item), summary_index: item.texts.length - 1 };
  return [
    { type: 'response.reasoning_summary_text.done', ...place, text },
    { type: 'response.reasoning_summary_part.done', ...place, part: summaryPart(text) },
  ];
}

/** The thoughts are done. */
export function closeThought(state: State, item: OpenThought): JsonObject[] {
  const whole = thoughtItem(item.id, item.texts, state.keepsThoughts ? item.details : undefined);
  return [...closePiece(item), itemDone(state, item.at, whole)];
}
