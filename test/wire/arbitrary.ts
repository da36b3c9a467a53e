import fc from 'fast-check';
import type { JsonObject } from '../../src/lib/json-rpc.ts';

/** A text that is more than white space. */
export const text = fc.string({ minLength: 1, maxLength: 20 }).map((value) => `${value.trim()}.`);
const id = fc.stringMatching(/^[a-z]{3,8}$/);
const json = fc.dictionary(id, fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text)), { maxKeys: 3 });
const toolName = fc.constantFrom('weather-get', 'clock-now');

export const call = fc.record({ id, name: toolName, input: json }).map(({ id, name, input }): JsonObject => ({
  id,
  type: 'function',
  function: { name, arguments: JSON.stringify(input) },
}));
const thought = fc.record({ text, signature: text });

/** The thoughts of a message, signed, as a caller of chat completions sends them back. */
export const thoughts = fc.array(thought, { maxLength: 2 }).map((list): JsonObject => {
  if (list.length === 0) return {};
  const details = list.map((entry, index) => ({ type: 'reasoning.text', ...entry, index }));
  return { reasoning: list.map((entry) => entry.text).join(''), reasoning_details: details };
});

const parts = fc.array(
  fc.oneof(
    text.map((text): JsonObject => ({ type: 'text', text })),
    fc.constant<JsonObject>({ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }),
    fc.constant<JsonObject>({ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }),
    text.map((name): JsonObject => ({
      type: 'file',
      file: { filename: name, file_data: 'data:application/pdf;base64,AAAA' },
    })),
    text.map((text): JsonObject => ({ type: 'text', text, cache_control: { type: 'ephemeral' } })),
  ),
  { minLength: 2, maxLength: 4 },
);

/** A turn of the user and one of the model, with the results of its calls. */
const round = fc
  .record({
    asked: fc.oneof(text, parts),
    said: text,
    thoughts,
    calls: fc.uniqueArray(call, { selector: (one) => one.id, maxLength: 3 }),
    result: text,
    isError: fc.boolean(),
  })
  .map(({ asked, said, thoughts, calls, result, isError }): JsonObject[] => [
    { role: 'user', content: asked },
    { role: 'assistant', content: said, ...thoughts, ...(calls.length === 0 ? {} : { tool_calls: calls }) },
    ...calls.map(({ id }) => ({
      role: 'tool',
      tool_call_id: id,
      content: result,
      ...(isError ? { is_error: true } : {}),
    })),
    // Anthropic's turns alternate.
    ...(calls.length === 0 ? [] : [{ role: 'assistant', content: said }]),
  ]);

const tools = ['weather-get', 'clock-now'].map((name) => ({
  type: 'function',
  function: {
    name,
    description: name,
    parameters: { type: 'object', properties: {}, required: [], additionalProperties: false },
  },
}));
const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false };

/** Chat completion requests of what both formats can say, each in the one way in which the codec writes it. */
export const chatRequest = fc
  .record(
    {
      system: text,
      rounds: fc.array(round, { minLength: 1, maxLength: 3 }),
      last: text,
      tool_choice: fc.constantFrom('auto', 'required', 'none', { type: 'function', function: { name: 'clock-now' } }),
      settings: fc.record(
        {
          max_completion_tokens: fc.integer({ min: 1, max: 50_000 }),
          temperature: fc.constantFrom(0, 0.5, 1),
          top_p: fc.constantFrom(0.1, 1),
          stop: fc.array(text, { minLength: 1, maxLength: 2 }),
          user: text,
          service_tier: fc.constantFrom('auto', 'default'),
          response_format: fc.constant({
            type: 'json_schema',
            json_schema: { name: 'response', schema, strict: true },
          }),
          x_unknown: fc.oneof(text, json),
        },
        { requiredKeys: ['max_completion_tokens'] },
      ),
    },
    { requiredKeys: ['rounds', 'last', 'settings'] },
  )
  .map(({ system, rounds, last, tool_choice, settings }): JsonObject => ({
    model: 'claude-sonnet-4-6',
    ...settings,
    messages: [
      ...(system === undefined ? [] : [{ role: 'system', content: system }]),
      ...rounds.flat(),
      { role: 'user', content: last },
    ],
    ...(tool_choice === undefined ? {} : { tools, tool_choice }),
  }));

/** A message of Anthropic's. */
export const anthropicMessage = fc
  .record({
    thinking: fc.array(
      fc.oneof(
        thought.map(({ text, signature }): JsonObject => ({ type: 'thinking', thinking: text, signature })),
        text.map((data): JsonObject => ({ type: 'redacted_thinking', data })),
      ),
      { maxLength: 2 },
    ),
    texts: fc.array(
      text.map((text): JsonObject => ({ type: 'text', text })),
      { maxLength: 2 },
    ),
    calls: fc.array(
      fc.record({ id, name: toolName, input: json }).map((use): JsonObject => ({ type: 'tool_use', ...use })),
      { maxLength: 3 },
    ),
    output_tokens: fc.nat(1000),
  })
  .map(({ thinking, texts, calls, output_tokens }): JsonObject => ({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-6',
    content: [...thinking, ...texts, ...calls],
    stop_reason: calls.length > 0 ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: {
      input_tokens: 7,
      cache_read_input_tokens: 5,
      cache_creation_input_tokens: 3,
      output_tokens,
      service_tier: 'standard',
    },
  }));

/** A `chat.completion`. */
export const completion = fc
  .record({
    thoughts,
    content: fc.option(text),
    calls: fc.uniqueArray(call, { selector: (one) => one.id, maxLength: 3 }),
  })
  .map(({ thoughts, content, calls }): JsonObject => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'gpt-5',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, ...thoughts, ...(calls.length === 0 ? {} : { tool_calls: calls }) },
        finish_reason: calls.length > 0 ? 'tool_calls' : 'stop',
      },
    ],
    usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 },
  }));

/** Cuts a text into pieces of the given lengths, over and over. */
export function cut(whole: string, lengths: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let at = 0, turn = 0; at < whole.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? whole.length;
    pieces.push(whole.slice(at, at + length));
    at += length;
  }
  return pieces;
}

export const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
