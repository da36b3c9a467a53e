import type { JsonObject } from '../../../lib/json-rpc.ts';
import type { CallSequence } from '../call-sequence.ts';
import type { ItemStatus } from './items.ts';

/** An item that is being streamed; all but calls, which the sequence of calls keeps. */
export type OpenItem =
  | {
      readonly kind: 'message';
      readonly at: number;
      readonly id: string;
      /** Parts that are done. */
      readonly parts: JsonObject[];
      open: { readonly isRefusal: boolean; text: string } | undefined;
      readonly annotations: JsonObject[];
      readonly logprobs: JsonObject[];
    }
  | {
      readonly kind: 'thought';
      readonly at: number;
      readonly id: string;
      /** One text for each piece of the summary. */
      readonly texts: string[];
      readonly details: JsonObject[];
    };

/** What must be remembered while chunks become the events of a response. */
export interface State {
  readonly request: JsonObject;
  readonly keepsThoughts: boolean;
  readonly calls: CallSequence;
  head: { readonly id: string; readonly created: number; readonly model: string };
  sequence: number;
  /** Items that are done, at their places. */
  readonly output: JsonObject[];
  /** The place of the next item. */
  next: number;
  open: OpenItem | undefined;
  call: { readonly at: number; readonly id: string; readonly first: JsonObject } | undefined;
  hasBegun: boolean;
  hasFailed: boolean;
  ending: JsonObject | undefined;
  usage: JsonObject | undefined;
  tier: JsonObject[string];
  /** How items end that are still open at the end. */
  status: ItemStatus;
}

/** Where in the output an item stands. */
export function placeOf({ at, id }: { readonly at: number; readonly id: string }): JsonObject {
  return { item_id: id, output_index: at };
}

/** An item begins. */
export function itemAdded(at: number, item: JsonObject): JsonObject {
  return { type: 'response.output_item.added', output_index: at, item };
}

/** An item is done, and becomes part of the output. */
export function itemDone(state: State, at: number, item: JsonObject): JsonObject {
  state.output[at] = item;
  return { type: 'response.output_item.done', output_index: at, item };
}
