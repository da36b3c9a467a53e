import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asText, objectOf, textOf } from '../../../lib/json-value.ts';
import { type CallSequence, type CallStep, createCallSequence } from '../call-sequence.ts';
import { type ChunkNews, readChunk } from '../chat-chunk.ts';
import type { Facts, StreamEvent, StreamTranslator } from '../format.ts';
import { encodeStop, encodeThought, encodeToolUse, fallbackCallId, messageHead } from './encode-answer.ts';
import { encodeTier, encodeUsage } from './usage.ts';

/** What must be remembered of a stream of chunks. */
interface State {
  head: { readonly id: string; readonly model: string };
  readonly calls: CallSequence;
  /** The number of the next content block. */
  next: number;
  /** The block of text or thoughts that is open, with the entry of `reasoning_details` it stands for. */
  open: { readonly kind: 'text' | 'thinking'; readonly block: number; readonly entry?: JsonObject[string] } | undefined;
  callBlock: number;
  hasCalls: boolean;
  hasBegun: boolean;
  ending: JsonObject | undefined;
  usage: JsonObject;
  tier: JsonObject[string];
  refusal: string;
  hasFailed: boolean;
}

/** Error types of Anthropic's own; its clients know no others. */
const ERROR_TYPES = new Set(
  (
    'invalid_request_error authentication_error billing_error permission_error not_found_error request_too_large ' +
    'rate_limit_error timeout_error api_error overloaded_error'
  ).split(' '),
);

/** Chunks as Anthropic's events. The message ends with the stream, because the usage comes behind the last choice. */
export function encodeStream(_request: JsonObject, facts: Facts): StreamTranslator<JsonObject, StreamEvent> {
  const state: State = {
    head: { id: facts.id, model: facts.model },
    calls: createCallSequence((index) => fallbackCallId(state.head.id, index)),
    next: 0,
    open: undefined,
    callBlock: 0,
    hasCalls: false,
    hasBegun: false,
    ending: undefined,
    usage: {},
    tier: undefined,
    refusal: '',
    hasFailed: false,
  };
  return {
    push: (chunk) => (state.hasFailed ? [] : named(encodeChunk(state, readChunk(chunk)))),
    end: () => (state.hasFailed ? [] : named(finish(state))),
  };
}

/** Each event is named as its type says. */
function named(events: readonly JsonObject[]): StreamEvent[] {
  return events.map((data) => ({ event: asText(data.type), data }));
}

function encodeChunk(state: State, news: ChunkNews): JsonObject[] {
  const begin = state.hasBegun ? [] : start(state, news);
  if (news.error !== undefined) return [...begin, fail(state, news.error)];
  state.ending ??= news.ending;
  state.usage = news.usage ?? state.usage;
  state.tier = news.tier ?? state.tier;
  state.refusal += news.refusal;
  return [
    ...begin,
    ...news.thoughts.flatMap((detail) => think(state, detail)),
    ...say(state, news.text + news.refusal),
    ...state.calls.push(news.calls).flatMap((step) => call(state, step)),
  ];
}

function start(state: State, { id, model, usage }: ChunkNews): JsonObject[] {
  state.hasBegun = true;
  state.head = { id: id ?? state.head.id, model: model ?? state.head.model };
  const stop = { stop_reason: null, stop_sequence: null };
  const message = { ...messageHead(state.head), content: [], ...stop, usage: encodeUsage(usage ?? {}) };
  return [{ type: 'message_start', message }, { type: 'ping' }];
}

function begin(state: State, kind: 'text' | 'thinking', entry?: JsonObject[string]): JsonObject[] {
  const before = close(state);
  state.open = { kind, block: state.next, entry };
  const block =
    kind === 'text' ? { type: 'text', text: '' } : encodeThought({ kind: 'text', text: '', signature: undefined });
  return [...before, startBlock(state, block)];
}

function startBlock(state: State, block: JsonObject): JsonObject {
  return { type: 'content_block_start', index: state.next++, content_block: block };
}

/** Ends the open block of text or thoughts. */
function close(state: State): JsonObject[] {
  if (state.open === undefined) return [];
  const { block } = state.open;
  state.open = undefined;
  return [{ type: 'content_block_stop', index: block }];
}

function delta(index: number, delta: JsonObject): JsonObject {
  return { type: 'content_block_delta', index, delta };
}

function say(state: State, text: string): JsonObject[] {
  if (text === '') return [];
  const opening = state.open?.kind === 'text' ? [] : begin(state, 'text');
  return [...opening, delta(state.open?.block ?? 0, { type: 'text_delta', text })];
}

function think(state: State, detail: JsonObject): JsonObject[] {
  if (detail.type === 'reasoning.encrypted') {
    const before = close(state);
    const start = startBlock(state, encodeThought({ kind: 'sealed', data: textOf(detail.data) }));
    return [...before, start, { type: 'content_block_stop', index: state.next - 1 }];
  }
  const text = asText(detail.text) ?? textOf(detail.summary);
  const signature = textOf(detail.signature);
  if (text === '' && signature === '') return [];
  const isSame = state.open?.kind === 'thinking' && state.open.entry === detail.index;
  const opening = isSame ? [] : begin(state, 'thinking', detail.index);
  const block = state.open?.block ?? 0;
  return [
    ...opening,
    ...(text === '' ? [] : [delta(block, { type: 'thinking_delta', thinking: text })]),
    // A signature is the last that is said of a thought.
    ...(signature === '' ? [] : [delta(block, { type: 'signature_delta', signature }), ...close(state)]),
  ];
}

function call(state: State, step: CallStep): JsonObject[] {
  switch (step.kind) {
    case 'start': {
      const before = close(state);
      state.hasCalls = true;
      state.callBlock = state.next;
      return [
        ...before,
        startBlock(state, encodeToolUse({ id: step.id, name: step.name, input: {}, call: step.call })),
      ];
    }
    case 'arguments':
      return [delta(state.callBlock, { type: 'input_json_delta', partial_json: step.piece })];
    case 'stop':
      return [{ type: 'content_block_stop', index: state.callBlock }];
  }
}

function fail(state: State, error: JsonObject): JsonObject {
  state.hasFailed = true;
  const message = asText(error.message) ?? 'the provider did not say what is wrong';
  return { type: 'error', error: { type: errorType(asText(error.type) ?? textOf(error.code)), message } };
}

function errorType(type: string): string {
  if (ERROR_TYPES.has(type)) return type;
  return type.includes('rate_limit') ? 'rate_limit_error' : 'api_error';
}

/** A stream that broke off before the model was done gets no end: the caller must not take it for an answer. */
function finish(state: State): JsonObject[] {
  if (!state.hasBegun) return [];
  const rest = [...state.calls.end().flatMap((step) => call(state, step)), ...close(state)];
  if (state.ending === undefined) return rest;
  const stop = encodeStop(objectOf(state.ending), state.hasCalls, state.refusal);
  const usage = { ...encodeUsage(state.usage), service_tier: encodeTier(state.tier) };
  return [...rest, { type: 'message_delta', delta: stop, usage }, { type: 'message_stop' }];
}
