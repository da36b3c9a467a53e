import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../lib/json-rpc.ts';
import { converseCodec } from './converse/codec.ts';
import type { Facts, ProviderCodec } from './format.ts';
import { geminiCodec } from './gemini/codec.ts';

const CODECS: [string, ProviderCodec][] = [
  ['gemini', geminiCodec],
  ['converse', converseCodec],
];
const facts: Facts = { id: 'chatcmpl-1', created: 1, model: 'some-model' };
const anything = fc.jsonValue().map((value) => value as JsonObject[string]);
const hello: JsonObject = { model: 'some-model', messages: [{ role: 'user', content: 'Hello' }] };

describe.each(CODECS)('%s', (name, codec) => {
  test('unknown fields never throw, and each is found again in the request', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^x_[a-z]{1,8}$/), anything), (unknown) => {
        const sent = codec.encodeRequest({ ...hello, ...unknown });
        const place = name === 'gemini' ? sent : ((sent.additionalModelRequestFields ?? {}) as JsonObject);
        const told = Object.entries(unknown).filter(([, value]) => name === 'gemini' || value !== null);
        for (const [field, value] of told) expect(place[field]).toEqual(value);
      }),
    );
  });

  test('unknown members of messages, tools and calls never throw', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^x_[a-z]{1,8}$/), anything), (unknown) => {
        const call = { ...unknown, id: 'c1', type: 'function', function: { ...unknown, name: 'f', arguments: '{}' } };
        const chat: JsonObject = {
          messages: [
            { ...unknown, role: 'user', content: [{ ...unknown, type: 'text', text: 'Hello' }] },
            { ...unknown, role: 'assistant', content: null, tool_calls: [call] },
            { ...unknown, role: 'tool', tool_call_id: 'c1', content: 'done' },
          ],
          tools: [{ ...unknown, type: 'function', function: { ...unknown, name: 'f' } }],
        };
        expect(JSON.stringify(codec.encodeRequest(chat))).toContain('done');
      }),
    );
  });

  test('whatever a provider answers becomes a chat completion, an error or a chunk, not a crash', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...NATIVE_NAMES), anything), anything, (native, value) => {
        expect(codec.decodeResponse(native, facts).object).toBe('chat.completion');
        expect(typeof codec.decodeError(native).message).toBe('string');
        const stream = codec.decodeStream(facts);
        const data = { ...native, delta: value, start: value };
        const chunks = [...EVENTS.flatMap((event) => stream.push({ event, data })), ...stream.end()];
        const isChunk = ({ object, error }: JsonObject) => object === 'chat.completion.chunk' || error !== undefined;
        expect(chunks.every(isChunk)).toBe(true);
      }),
    );
  });

  test('the same input gives the same output, and is left as it was', () => {
    const chat: JsonObject = {
      ...hello,
      tools: [{ type: 'function', function: { name: 'f' } }],
      reasoning_effort: 'low',
    };
    const before = structuredClone(chat);
    expect(codec.encodeRequest(chat)).toEqual(codec.encodeRequest(chat));
    expect(chat).toEqual(before);
  });

  test.each([
    [{ messages: [{ role: 'narrator', content: 'Once' }] }, 'messages[0].role'],
    [{ messages: ['Hello'] }, 'messages[0]'],
    [{ messages: [{ role: 'user', content: [{ type: 'hologram' }] }] }, 'messages[0].content[0].type'],
    [{ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages[0].content[0].image_url.url'],
    [{ messages: [{ role: 'user', content: [{ type: 'file', file: {} }] }] }, 'messages[0].content[0].file'],
    [{ messages: [{ role: 'tool', content: 'done' }] }, 'messages[0].tool_call_id'],
    [{ messages: [{ role: 'assistant', tool_calls: [{ type: 'custom' }] }] }, 'messages[0].tool_calls[0]'],
    [{ tools: [{ type: 'custom', custom: {} }] }, 'tools[0].type'],
    [{ tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
    [{ tools: [{ type: 'function', function: { name: 'f' } }], tool_choice: 'perhaps' }, 'tool_choice'],
    [{ logit_bias: { 50256: -100 } }, 'logit_bias'],
  ])('what cannot be expressed is refused by the name of its field: %j', (part, field) => {
    const encode = (): JsonObject => codec.encodeRequest({ ...hello, ...(part as JsonObject) });
    expect(encode).toThrow(expect.objectContaining({ code: 'invalid_request', details: { field } }));
  });
});

const NATIVE_NAMES = 'candidates promptFeedback usageMetadata output stopReason usage message content index'.split(' ');
const EVENTS =
  'messageStart contentBlockStart contentBlockDelta contentBlockStop messageStop metadata exception later'.split(' ');

test('a streamed call of Gemini has the id that it has in a whole answer', () => {
  const parts = [{ functionCall: { name: 'f', args: { a: 1 } } }, { functionCall: { name: 'f', args: { a: 1 } } }];
  const whole = geminiCodec.decodeResponse({ candidates: [{ content: { parts } }] }, facts);
  const stream = geminiCodec.decodeStream(facts);
  const streamed = parts.flatMap((part) => stream.push({ data: { candidates: [{ content: { parts: [part] } }] } }));
  const ids = idsIn(whole);
  expect(idsIn({ streamed })).toEqual(ids);
  expect(new Set(ids).size).toBe(2);
});

test('what Gemini answers goes back to it as it came, signatures and all', () => {
  const parts = [
    { text: 'I look.' },
    { functionCall: { name: 'look', args: { at: 'it' } }, thoughtSignature: 'c2ln' },
    { functionCall: { id: 'fc-2', name: 'touch', args: {} } },
  ];
  const answer = geminiCodec.decodeResponse({ candidates: [{ content: { parts } }] }, facts);
  const [choice] = answer.choices as unknown as { message: JsonObject }[];
  const next = geminiCodec.encodeRequest({ model: 'gemini-3-pro', messages: [choice?.message ?? {}] });
  expect(next.contents).toEqual([{ role: 'model', parts }]);
});

test.each([
  ['gemini-2.5-flash', 'none', { thinkingBudget: 0, includeThoughts: false }],
  ['gemini-2.5-pro', 'none', { thinkingBudget: 128, includeThoughts: false }],
  ['gemini-2.5-pro', 'medium', { thinkingBudget: 8192, includeThoughts: true }],
  ['gemini-3-flash-preview', 'minimal', { thinkingLevel: 'MINIMAL', includeThoughts: true }],
  ['gemini-3.1-pro-preview', 'minimal', { thinkingLevel: 'LOW', includeThoughts: true }],
  ['gemini-3-pro-preview', 'medium', { thinkingLevel: 'HIGH', includeThoughts: true }],
  ['gemini-flash-latest', 'xhigh', { thinkingLevel: 'HIGH', includeThoughts: true }],
])('%s is told to think with effort %s in its own words', (model, effort, thinkingConfig) => {
  const sent = geminiCodec.encodeRequest({ ...hello, model, reasoning_effort: effort });
  expect(sent.generationConfig).toEqual({ thinkingConfig });
});

test.each([
  ['anthropic.claude-3-7-sonnet-20250219-v1:0', { thinking: { type: 'enabled', budget_tokens: 8192 } }],
  [
    'global.anthropic.claude-opus-4-8-20260528-v1:0',
    { thinking: { type: 'adaptive' }, output_config: { effort: 'medium' } },
  ],
  ['us.amazon.nova-2-lite-v1:0', { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'medium' } }],
  ['openai.gpt-oss-120b-1:0', { reasoning_effort: 'medium' }],
])('%s on Bedrock is told to think in its own words', (model, fields) => {
  const sent = converseCodec.encodeRequest({ ...hello, model, reasoning_effort: 'medium' });
  expect(sent.additionalModelRequestFields).toEqual(fields);
});

test('Claude on Bedrock does not think where it must call a tool or has no room', () => {
  const model = 'anthropic.claude-3-7-sonnet-20250219-v1:0';
  const tools = [{ type: 'function', function: { name: 'f' } }];
  const forced = { ...hello, model, tools, tool_choice: 'required', reasoning_effort: 'high' };
  expect(converseCodec.encodeRequest(forced).additionalModelRequestFields).toBeUndefined();
  const narrow = { ...hello, model, max_tokens: 1200, reasoning_effort: 'high' };
  expect(converseCodec.encodeRequest(narrow).additionalModelRequestFields).toBeUndefined();
});

test.each([
  [{ n: 2 }, 'n'],
  [{ logprobs: true }, 'logprobs'],
  [{ modalities: ['text', 'audio'] }, 'modalities'],
  [{ response_format: { type: 'json_object' } }, 'response_format'],
])('Bedrock has no way to do %j', (part, field) => {
  const encode = (): JsonObject => converseCodec.encodeRequest({ ...hello, ...part });
  expect(encode).toThrow(expect.objectContaining({ details: { field } }));
});

test('errors say what the provider said', () => {
  const gemini = { error: { code: 400, message: 'API key not valid.', status: 'INVALID_ARGUMENT' } };
  const expected = { message: 'API key not valid.', type: 'INVALID_ARGUMENT', code: '400' };
  expect(geminiCodec.decodeError(gemini)).toEqual(expected);
  expect(geminiCodec.decodeError([gemini] as unknown as JsonObject)).toEqual(expected);
  expect(converseCodec.decodeError({ message: 'Too many tokens' }).message).toBe('Too many tokens');
  expect(converseCodec.decodeError({ Message: 'No', __type: 'com.amazon#AccessDenied' })).toEqual({
    message: 'No',
    type: 'AccessDenied',
  });
});

/** Every `id` of a tool call in an answer or in chunks. */
function idsIn(value: JsonObject): string[] {
  return [...JSON.stringify(value).matchAll(/"id":"(gcall_[^"]+)"/g)].map(([, id]) => id ?? '');
}
