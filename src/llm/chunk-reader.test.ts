import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../lib/json-rpc.ts';
import { dataOf, writeFrame } from '../lib/sse-frames.ts';
import { createChunkReader } from './chunk-reader.ts';

/** What is read of these texts one after the other, and what there is to be read. */
function readAll(texts: readonly string[]) {
  const read = createChunkReader();
  const frames = texts.map((text) => writeFrame(text));
  return { read: frames.map((frame) => read(frame)), expected: frames.map((frame) => dataOf(frame)) };
}

const base = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' };
const chunk = (delta: JsonObject, more: JsonObject = {}) =>
  JSON.stringify({ ...base, choices: [{ index: 0, delta, logprobs: null, finish_reason: null }], ...more });
const content = (text: string, more?: JsonObject) => chunk({ content: text }, more);

describe('the chunks of a stream are read as if each were parsed', () => {
  test('with words that come one by one', () => {
    const { read, expected } = readAll([
      chunk({ role: 'assistant', content: '', refusal: null }),
      ...['Hello', ' world', '', ' "quoted"', ' back\\slash', '\n', ' héllo 🌍', ' again'].map((text) => content(text)),
      JSON.stringify({ ...base, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
      JSON.stringify({ ...base, choices: [], usage: { prompt_tokens: 1 } }),
      '[DONE]',
    ]);
    expect(read).toEqual(expected);
    expect(read.map((data) => data && Object.keys(data))).toEqual(expected.map((data) => data && Object.keys(data)));
  });

  test('with padding of any length', () => {
    const texts = ['a', 'b', 'c"', 'd'].map((text, index) => content(text, { obfuscation: 'x'.repeat(index) }));
    const { read, expected } = readAll([...texts, content('e', { obfuscation: '\\' }), content('f')]);
    expect(read).toEqual(expected);
  });

  test.each([
    ['another place of the same name', `{"content":"a","choices":[{"delta":{"content": "b"}}]}`],
    ['the same name twice', `{"choices":[{"delta":{"content":"a","content":"b"}}]}`],
    ['a name that ends like it', String.raw`{"x\"content":"a","choices":[{"delta":{"content": "b"}}]}`],
    ['several choices', `{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}`],
    ['padding in another place', `{"choices":[{"delta":{"content":"a","obfuscation":"b"}}]}`],
    ['an error', `{"error":{"content":"a"}}`],
  ])('with %s', (_, text) => {
    const others = ['"a"', '"b"'].map((part) => text.replace(part, '"other"'));
    const { read, expected } = readAll([text, ...others, text]);
    expect(read).toEqual(expected);
  });

  test('also where a chunk is no JSON', () => {
    const broken = ['\u0001', '\n', '"', 'a","b', String.raw`\x`].map((text) =>
      content('PLACE').replace('PLACE', text),
    );
    const { read, expected } = readAll([
      content('a'),
      content('b'),
      ...broken,
      content('c').slice(0, -1),
      content('d'),
    ]);
    expect(read).toEqual(expected);
  });

  test('whatever they are', () => {
    const texts = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.option(fc.string())), { maxLength: 12 });
    fc.assert(
      fc.property(texts, (said) => {
        const chunks = said.map(([text, obfuscation]) => content(text, obfuscation === null ? {} : { obfuscation }));
        const { read, expected } = readAll(chunks);
        expect(read).toEqual(expected);
      }),
    );
  });
});
