import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asNumber, asObject, asText, given, objectOf, textOf } from '../../../lib/json-value.ts';
import { writeChunk, writeDelta, writeFailure, writeToolCall } from '../chat-answer.ts';
import type { Facts, StreamEvent, StreamTranslator } from '../format.ts';
import { bedrockExtras, finishReason, readImage, readUsage } from './answer.ts';
import { writeThought } from './reasoning.ts';

interface OpenCall {
  readonly index: number;
  hasInput: boolean;
}

/** What must be remembered of a stream of Bedrock's. */
interface State {
  readonly facts: Facts;
  readonly calls: Map<number, OpenCall>;
  /** Block of a thought → its place among the thoughts. */
  readonly thoughts: Map<number, number>;
  isFirst: boolean;
  usage: JsonObject | undefined;
}

/** The events of ConverseStream as chunks. Blocks may interleave; each delta names its own. */
export function decodeStream(facts: Facts): StreamTranslator<StreamEvent, JsonObject> {
  const state: State = { facts, calls: new Map(), thoughts: new Map(), isFirst: true, usage: undefined };
  return {
    push: ({ event, data }) => decodeEvent(state, event ?? '', data),
    end: () => (state.usage === undefined ? [] : [writeChunk(facts, [], { usage: state.usage })]),
  };
}

function decodeEvent(state: State, event: string, data: JsonObject): JsonObject[] {
  switch (event) {
    case 'messageStart':
      return say(state, { content: '' });
    case 'contentBlockStart':
      return startBlock(state, data);
    case 'contentBlockDelta':
      return goOn(state, data);
    case 'contentBlockStop':
      return stopBlock(state, data);
    case 'messageStop':
      return stop(state, data);
    case 'metadata':
      state.usage = readUsage(data.usage) ?? state.usage;
      return [];
    case 'exception':
      return [writeFailure({ message: textOf(data.message), type: asText(data.type) })];
    default:
      return []; // what there may be one day
  }
}

function say(state: State, delta: JsonObject): JsonObject[] {
  const role = state.isFirst ? { role: 'assistant' } : {};
  state.isFirst = false;
  return [writeChunk(state.facts, [writeDelta(0, { ...role, ...delta })])];
}

function startBlock(state: State, data: JsonObject): JsonObject[] {
  const use = asObject(asObject(data.start)?.toolUse);
  if (use === undefined) return [];
  const index = state.calls.size;
  state.calls.set(blockOf(data), { index, hasInput: false });
  const call = writeToolCall(textOf(use.toolUseId), textOf(use.name), '');
  return say(state, { tool_calls: [{ index, ...call }] });
}

function goOn(state: State, data: JsonObject): JsonObject[] {
  const delta = objectOf(data.delta);
  const text = asText(delta.text);
  if (text !== undefined) return text === '' ? [] : say(state, { content: text });
  const input = asText(asObject(delta.toolUse)?.input);
  if (input !== undefined) return addInput(state, blockOf(data), input);
  const image = readImage(delta);
  if (image !== undefined) return say(state, { images: [image] });
  const reasoning = asObject(delta.reasoningContent);
  return reasoning === undefined ? [] : think(state, blockOf(data), reasoning);
}

function addInput(state: State, block: number, input: string): JsonObject[] {
  const call = state.calls.get(block);
  if (call === undefined || input === '') return [];
  call.hasInput = true;
  return say(state, { tool_calls: [{ index: call.index, function: { arguments: input } }] });
}

function think(state: State, block: number, { text, signature, redactedContent }: JsonObject): JsonObject[] {
  const index = state.thoughts.get(block) ?? state.thoughts.size;
  state.thoughts.set(block, index);
  const detail = writeThought(state.facts.model, { text, signature, redactedContent }, index);
  return say(state, { ...given({ reasoning: text }), reasoning_details: [detail] });
}

/** A call without input has no delta; clients still expect arguments that are JSON. */
function stopBlock(state: State, data: JsonObject): JsonObject[] {
  const block = blockOf(data);
  const call = state.calls.get(block);
  return call === undefined || call.hasInput ? [] : addInput(state, block, '{}');
}

function stop(state: State, data: JsonObject): JsonObject[] {
  const reason = asText(data.stopReason);
  const rest = given({ native_finish_reason: reason, extra_content: bedrockExtras(data) });
  return [writeChunk(state.facts, [{ index: 0, delta: {}, finish_reason: finishReason(reason), ...rest }])];
}

function blockOf(data: JsonObject): number {
  return asNumber(data.contentBlockIndex) ?? 0;
}
