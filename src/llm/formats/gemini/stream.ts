import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asNumber, asObject, given, objectsOf } from '../../../lib/json-value.ts';
import { writeChunk, writeDelta, writeFailure } from '../chat-answer.ts';
import type { Facts, StreamEvent, StreamTranslator } from '../format.ts';
import {
  candidateExtras,
  finishReason,
  readBlock,
  readLogprobs,
  readParts,
  readUsage,
  refusalOf,
  type Spoken,
} from './answer.ts';
import { decodeError } from './errors.ts';

interface Choice {
  isFirst: boolean;
  calls: number;
  hasText: boolean;
}

/** What must be remembered of a stream of Gemini's. */
interface State {
  readonly facts: Facts;
  readonly choices: Map<number, Choice>;
  usage: JsonObject | undefined;
}

/** Gemini's events as chunks. Gemini repeats its counts with every event; the last ones hold. */
export function decodeStream(facts: Facts): StreamTranslator<StreamEvent, JsonObject> {
  const state: State = { facts, choices: new Map(), usage: undefined };
  return {
    push: ({ data }) => decodeEvent(state, data),
    end: () => (state.usage === undefined ? [] : [writeChunk(facts, [], { usage: state.usage })]),
  };
}

function decodeEvent(state: State, data: JsonObject): JsonObject[] {
  if (asObject(data.error) !== undefined) return [writeFailure(decodeError(data))];
  state.usage = readUsage(data) ?? state.usage;
  const block = readBlock(data);
  if (block !== undefined && state.choices.size === 0) {
    state.choices.set(0, { isFirst: false, calls: 0, hasText: true });
    const last = { index: 0, delta: {}, finish_reason: 'content_filter', native_finish_reason: block.reason };
    const first = writeDelta(0, { role: 'assistant', refusal: block.refusal });
    return [writeChunk(state.facts, [first]), writeChunk(state.facts, [last])];
  }
  return objectsOf(data.candidates).flatMap((candidate, position) => decodeCandidate(state, candidate, position));
}

function decodeCandidate(state: State, candidate: JsonObject, position: number): JsonObject[] {
  const index = asNumber(candidate.index) ?? position;
  const choice = state.choices.get(index) ?? { isFirst: true, calls: 0, hasText: false };
  state.choices.set(index, choice);
  const spoken = readParts(candidate, `${state.facts.id}/${index}`, choice.calls);
  const delta = writeContent(choice, spoken);
  choice.isFirst = false;
  choice.calls += spoken.calls.length;
  choice.hasText ||= spoken.text !== '';
  const reason = finishReason(candidate, choice.calls > 0);
  if (reason === 'content_filter' && choice.calls === 0 && !choice.hasText) delta.refusal = refusalOf(candidate);
  const logprobs = readLogprobs(candidate);
  const chunks: JsonObject[] = [];
  if (given(delta) !== undefined) chunks.push(writeChunk(state.facts, [writeDelta(index, delta, { logprobs })]));
  const rest = candidateExtras(candidate, []); // other parts went with the delta
  if (reason !== undefined)
    chunks.push(writeChunk(state.facts, [{ index, delta: {}, finish_reason: reason, ...rest }]));
  return chunks;
}

function writeContent(choice: Choice, spoken: Spoken): JsonObject {
  const { text, thoughts, calls, images, audio, signature, others } = spoken;
  const google = given({ thought_signature: signature, parts: others.length === 0 ? undefined : others });
  return {
    ...given({
      role: choice.isFirst ? 'assistant' : undefined,
      content: text === '' ? undefined : text,
      reasoning: thoughts === '' ? undefined : thoughts,
      tool_calls: calls.length === 0 ? undefined : calls.map((call, at) => ({ index: choice.calls + at, ...call })),
      images: images.length === 0 ? undefined : images,
      audio,
      extra_content: google === undefined ? undefined : { google },
    }),
  };
}
