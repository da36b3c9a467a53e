import type { JsonObject, JsonValue } from '../../../lib/json-rpc.ts';
import { asText, defined, objectOf } from '../../../lib/json-value.ts';
import type { Facts, StreamEvent, StreamTranslator } from '../format.ts';
import { writeFailure } from '../chat-answer.ts';
import { decodeError, decodeStop, explainRefusal } from './decode-answer.ts';
import { decodeBlockDelta, decodeBlockStart, decodeBlockStop, type OpenBlock } from './decode-block.ts';
import { decodeTier, decodeUsage } from './usage.ts';

/** What must be remembered of a stream of Anthropic's. */
interface State {
  head: JsonObject;
  readonly blocks: Map<JsonValue | undefined, OpenBlock>;
  /** How many blocks of each kind have begun. */
  readonly begun: Map<JsonValue | undefined, number>;
  usage: JsonObject | undefined;
  isOver: boolean;
}

/** Anthropic's events as `chat.completion.chunk`s: one that ends the choice, then one with the usage of the whole. */
export function decodeStream(facts: Facts): StreamTranslator<StreamEvent, JsonObject> {
  const { id, created, model } = facts;
  const head = { id, object: 'chat.completion.chunk', created, model };
  const state: State = { head, blocks: new Map(), begun: new Map(), usage: undefined, isOver: false };
  return {
    push: ({ event, data }) => decodeEvent(state, asText(data.type) ?? event ?? '', data),
    // Broken off: what was used up to here has to be paid all the same.
    end: () => finish(state),
  };
}

function decodeEvent(state: State, type: string, data: JsonObject): JsonObject[] {
  const block = state.blocks.get(data.index);
  switch (type) {
    case 'message_start':
      return begin(state, objectOf(data.message));
    case 'content_block_start':
      return chunks(state, decodeBlockStart(openBlock(state, data.index, objectOf(data.content_block))));
    case 'content_block_delta':
      return block === undefined ? [] : chunks(state, decodeBlockDelta(block, objectOf(data.delta)));
    case 'content_block_stop':
      state.blocks.delete(data.index);
      return block === undefined ? [] : chunks(state, decodeBlockStop(block));
    case 'message_delta':
      return stop(state, objectOf(data.delta), objectOf(data.usage));
    case 'message_stop':
      return finish(state);
    case 'error':
      return [writeFailure(decodeError(data))];
    default:
      return []; // ping, and what there may be one day
  }
}

function chunks(
  state: State,
  delta: JsonObject | undefined,
  ending: JsonObject = { finish_reason: null },
): JsonObject[] {
  return delta === undefined ? [] : [{ ...state.head, choices: [{ index: 0, delta, logprobs: null, ...ending }] }];
}

function begin(state: State, message: JsonObject): JsonObject[] {
  const id = asText(message.id);
  const model = asText(message.model);
  state.head = { ...state.head, ...defined({ id, model }) };
  state.usage = objectOf(message.usage);
  return chunks(state, { role: 'assistant', content: '' });
}

function openBlock(state: State, index: JsonValue | undefined, start: JsonObject): OpenBlock {
  const kind = start.type === 'redacted_thinking' ? 'thinking' : start.type;
  const place = state.begun.get(kind) ?? 0;
  state.begun.set(kind, place + 1);
  const block = { start, place, hasArguments: false };
  state.blocks.set(index, block);
  return block;
}

function stop(state: State, delta: JsonObject, usage: JsonObject): JsonObject[] {
  // The numbers are running totals; one that is absent or null keeps what it was.
  const news = Object.entries(usage).filter(([, value]) => value !== null);
  state.usage = { ...state.usage, ...Object.fromEntries(news) };
  if (asText(delta.stop_reason) === undefined) return [];
  return chunks(state, defined({ refusal: explainRefusal(delta) }), decodeStop(delta));
}

function finish(state: State): JsonObject[] {
  if (state.isOver || state.usage === undefined) return [];
  state.isOver = true;
  const { head, usage } = state;
  return [defined({ ...head, choices: [], usage: decodeUsage(usage), service_tier: decodeTier(usage) })];
}
