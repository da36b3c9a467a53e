import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../lib/json-rpc.ts';
import { asObject, objectOf, objectsOf, textOf } from '../../lib/json-value.ts';
import { converseCodec } from './converse/codec.ts';
import type { Facts, ProviderCodec, StreamEvent } from './format.ts';
import { geminiCodec } from './gemini/codec.ts';

const facts: Facts = { id: 'chatcmpl-1', created: 1, model: 'anthropic.claude-sonnet-4' };
const text = fc.string({ minLength: 1, unit: 'grapheme' });
const input = fc
  .dictionary(fc.string(), fc.jsonValue())
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);
const name = fc.constantFrom('look', 'touch');

const geminiPart = fc.oneof(
  text.map((said): JsonObject => ({ text: said })),
  text.map((said): JsonObject => ({ text: said, thought: true })),
  fc.record({ name, args: input }).map((functionCall): JsonObject => ({ functionCall, thoughtSignature: 'c2ln' })),
  fc.record({ name, args: input, id: fc.uuid() }).map((functionCall): JsonObject => ({ functionCall })),
);

test("Gemini's stream adds up to what its answer says", () => {
  const reason = fc.constantFrom('STOP', 'MAX_TOKENS', 'SAFETY', 'MALFORMED_FUNCTION_CALL');
  fc.assert(
    fc.property(fc.array(geminiPart), reason, (parts, finishReason) => {
      const usageMetadata = { promptTokenCount: 3, candidatesTokenCount: 4, totalTokenCount: 7 };
      const whole = { candidates: [{ content: { parts }, finishReason }], usageMetadata };
      const pieces = parts.map((part) => ({ data: { candidates: [{ content: { parts: [part] } }] } }));
      const last = { data: { candidates: [{ content: {}, finishReason }], usageMetadata } };
      expect(assemble(geminiCodec, [...pieces, last])).toEqual(inShort(geminiCodec.decodeResponse(whole, facts)));
    }),
  );
});

const block = fc.oneof(
  text.map((said): JsonObject => ({ text: said })),
  text.map((said): JsonObject => ({ reasoningContent: { reasoningText: { text: said, signature: 'c2ln' } } })),
  fc.record({ toolUseId: fc.uuid(), name, input }).map((toolUse): JsonObject => ({ toolUse })),
);

test("Bedrock's stream adds up to what its answer says", () => {
  const reason = fc.constantFrom('end_turn', 'tool_use', 'max_tokens', 'guardrail_intervened', 'something_new');
  fc.assert(
    fc.property(fc.array(block), reason, fc.integer({ min: 1, max: 5 }), (content, stopReason, size) => {
      const usage = { inputTokens: 3, outputTokens: 4, totalTokens: 7 };
      const whole = { output: { message: { role: 'assistant', content } }, stopReason, usage };
      const events: StreamEvent[] = [
        { event: 'messageStart', data: { role: 'assistant' } },
        ...content.flatMap((said, index) => streamBlock(said, index, size)),
        { event: 'messageStop', data: { stopReason } },
        { event: 'metadata', data: { usage } },
      ];
      expect(assemble(converseCodec, events)).toEqual(inShort(converseCodec.decodeResponse(whole, facts)));
    }),
  );
});

/** The events of one block, its texts in pieces of `size` characters. */
function streamBlock(said: JsonObject, contentBlockIndex: number, size: number): StreamEvent[] {
  const event = (kind: string, data: JsonObject): StreamEvent => ({
    event: kind,
    data: { contentBlockIndex, ...data },
  });
  const deltas = (whole: string, write: (piece: string) => JsonObject): StreamEvent[] =>
    cut(whole, size).map((piece) => event('contentBlockDelta', { delta: write(piece) }));
  const thought = asObject(asObject(said.reasoningContent)?.reasoningText);
  const use = asObject(said.toolUse);
  const stop = event('contentBlockStop', {});
  if (use !== undefined) {
    const { toolUseId, name } = use;
    const start = event('contentBlockStart', { start: { toolUse: { toolUseId, name } } });
    return [start, ...deltas(JSON.stringify(use.input), (piece) => ({ toolUse: { input: piece } })), stop];
  }
  if (thought === undefined) return [...deltas(textOf(said.text), (piece) => ({ text: piece })), stop];
  const signature = event('contentBlockDelta', { delta: { reasoningContent: { signature: thought.signature } } });
  return [...deltas(textOf(thought.text), (piece) => ({ reasoningContent: { text: piece } })), signature, stop];
}

function cut(whole: string, size: number): string[] {
  return Array.from({ length: Math.ceil(whole.length / size) }, (_, at) => whole.slice(at * size, (at + 1) * size));
}

interface Short {
  text: string;
  thoughts: string;
  refusal: string;
  signatures: number;
  calls: JsonObject[];
  reason: unknown;
  usage: unknown;
}

/** What a client gathers from the chunks. */
function assemble(codec: ProviderCodec, events: StreamEvent[]): Short {
  const stream = codec.decodeStream(facts);
  const chunks = [...events.flatMap(stream.push), ...stream.end()];
  const short: Short = {
    text: '',
    thoughts: '',
    refusal: '',
    signatures: 0,
    calls: [],
    reason: null,
    usage: undefined,
  };
  for (const choice of chunks.flatMap(({ choices }) => objectsOf(choices))) {
    const delta = objectOf(choice.delta);
    add(short, delta);
    short.reason = choice.finish_reason ?? short.reason;
    for (const { index, ...call } of objectsOf(delta.tool_calls)) addCall(short.calls, Number(index), call);
  }
  expect(chunks.filter(({ usage }) => usage !== undefined)).toEqual([chunks.at(-1)]);
  short.usage = chunks.at(-1)?.usage;
  return short;
}

function add(short: Short, said: JsonObject): void {
  short.text += textOf(said.content);
  short.thoughts += textOf(said.reasoning);
  short.refusal += textOf(said.refusal);
  short.signatures += objectsOf(said.reasoning_details).filter(({ signature }) => signature !== undefined).length;
}

function addCall(calls: JsonObject[], index: number, piece: JsonObject): void {
  const known = calls[index];
  const called = asObject(known?.function);
  if (known === undefined || called === undefined) calls[index] = piece;
  else called.arguments = textOf(called.arguments) + textOf(asObject(piece.function)?.arguments);
}

/** The same of a whole answer. */
function inShort(answer: JsonObject): Short {
  const [choice = {}] = objectsOf(answer.choices);
  const message = objectOf(choice.message);
  const calls = objectsOf(message.tool_calls);
  const short = { text: '', thoughts: '', refusal: '', signatures: 0, calls, reason: choice.finish_reason };
  const whole: Short = { ...short, usage: answer.usage };
  add(whole, message);
  return whole;
}
