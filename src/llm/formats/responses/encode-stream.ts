import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asText, textOf } from '../../../lib/json-value.ts';
import { type CallStep, createCallSequence } from '../call-sequence.ts';
import { type ChunkNews, readChunk } from '../chat-chunk.ts';
import type { Facts, StreamEvent, StreamTranslator } from '../format.ts';
import { fallbackCallId } from './encode-answer.ts';
import { callItem } from './items.ts';
import { beginResponse, encodeError, encodeUsage, endResponse } from './response-object.ts';
import { closeMessage, openMessage, sayPiece } from './stream-message.ts';
import { itemAdded, itemDone, placeOf, type State } from './stream-state.ts';
import { closeThought, openThought, thinkPiece } from './stream-thought.ts';
import { wantsSealedThoughts } from './thought-item.ts';

/** Chunks as the events of a response. It is completed with the stream, because the usage comes behind the last choice. */
export function encodeStream(
  request: JsonObject,
  { id, created, model }: Facts,
): StreamTranslator<JsonObject, StreamEvent> {
  const state: State = {
    request,
    keepsThoughts: wantsSealedThoughts(request),
    calls: createCallSequence((index) => fallbackCallId(state.head.id, index)),
    head: { id, created, model },
    sequence: 0,
    output: [],
    next: 0,
    open: undefined,
    call: undefined,
    hasBegun: false,
    hasFailed: false,
    ending: undefined,
    usage: undefined,
    tier: undefined,
    status: 'completed',
  };
  return {
    push: (chunk) => (state.hasFailed ? [] : numbered(state, encodeChunk(state, readChunk(chunk), chunk.created))),
    end: () => (state.hasFailed ? [] : numbered(state, finish(state))),
  };
}

/** Each event is named as its type says, and has a number. */
function numbered(state: State, events: readonly JsonObject[]): StreamEvent[] {
  return events.map(({ type, ...rest }) => ({
    event: asText(type),
    data: { type, sequence_number: state.sequence++, ...rest },
  }));
}

function encodeChunk(state: State, news: ChunkNews, created: JsonObject[string]): JsonObject[] {
  const begin = state.hasBegun ? [] : start(state, news, created);
  state.usage = news.usage ?? state.usage;
  state.tier = news.tier ?? state.tier;
  if (news.error !== undefined) return [...begin, fail(state, news.error)];
  const events = [
    ...begin,
    ...news.thoughts.flatMap((detail) => think(state, detail)),
    ...say(state, news),
    ...state.calls.push(news.calls).flatMap((step) => call(state, step)),
  ];
  state.ending ??= news.ending;
  return events;
}

function start(state: State, { id, model }: ChunkNews, created: JsonObject[string]): JsonObject[] {
  state.hasBegun = true;
  const { head } = state;
  const since = typeof created === 'number' ? created : head.created;
  state.head = { id: id ?? head.id, created: since, model: model ?? head.model };
  const response = beginResponse(state.request, state.head);
  return [
    { type: 'response.created', response },
    { type: 'response.in_progress', response },
  ];
}

function think(state: State, detail: JsonObject): JsonObject[] {
  const isReadable = Boolean(asText(detail.text) ?? asText(detail.summary));
  if (state.open?.kind === 'thought') return thinkPiece(state.open, detail);
  if (!isReadable && !state.keepsThoughts) return [];
  const before = close(state);
  const { item, events } = openThought(state);
  state.open = item;
  return [...before, ...events, ...thinkPiece(item, detail)];
}

function say(state: State, { text, refusal, annotations, logprobs }: ChunkNews): JsonObject[] {
  const events: JsonObject[] = [];
  const hasWords = text !== '' || refusal !== '';
  if (hasWords && state.open?.kind !== 'message') {
    events.push(...close(state));
    const opened = openMessage(state);
    state.open = opened.item;
    events.push(...opened.events);
  }
  if (state.open?.kind !== 'message') return events;
  state.open.annotations.push(...annotations);
  if (text !== '') events.push(...sayPiece(state.open, false, text, logprobs));
  if (refusal !== '') events.push(...sayPiece(state.open, true, refusal, []));
  return events;
}

function call(state: State, step: CallStep): JsonObject[] {
  if (step.kind === 'start') {
    const before = close(state);
    const item = callItem('in_progress', { id: step.id, name: step.name, text: '', call: step.call });
    state.call = { at: state.next++, id: `fc_${step.id}`, first: step.call };
    return [...before, itemAdded(state.call.at, item)];
  }
  if (state.call === undefined) return [];
  const place = placeOf(state.call);
  if (step.kind === 'arguments')
    return [{ type: 'response.function_call_arguments.delta', ...place, delta: step.piece }];
  const { id, name, arguments: text } = step;
  const item = callItem(state.status, { id, name, text, call: state.call.first });
  return [
    { type: 'response.function_call_arguments.done', ...place, name, arguments: text },
    itemDone(state, state.call.at, item),
  ];
}

/** Ends the open item. */
function close(state: State): JsonObject[] {
  const { open } = state;
  state.open = undefined;
  if (open === undefined) return [];
  return open.kind === 'message' ? closeMessage(state, open) : closeThought(state, open);
}

function fail(state: State, error: JsonObject): JsonObject {
  state.hasFailed = true;
  return { type: 'response.failed', response: { ...whole(state), status: 'failed', error: encodeError(error) } };
}

function whole(state: State): JsonObject {
  const response = beginResponse(state.request, state.head);
  const tier = state.tier ?? response.service_tier;
  // A place is empty where an item was not done.
  return { ...response, service_tier: tier, output: state.output.filter(Boolean), usage: encodeUsage(state.usage) };
}

/** A stream that broke off before the model was done gets no end: the caller must not take it for an answer. */
function finish(state: State): JsonObject[] {
  if (!state.hasBegun || state.ending === undefined) return [];
  const ending = endResponse(textOf(state.ending.finish_reason));
  state.status = ending.status;
  const rest = [...state.calls.end().flatMap((step) => call(state, step)), ...close(state)];
  return [...rest, { type: `response.${ending.status}`, response: { ...whole(state), ...ending } }];
}
