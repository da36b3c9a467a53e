import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../lib/json-rpc.ts';
import { createFramer, wireOf, type EventReader, type Frame } from '../lib/sse-frames.ts';
import { createChunkReader } from './chunk-reader.ts';
import { createChatGatherer } from './dialects/gather-chat.ts';

const base = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' };
const chunk = (delta: JsonObject, more: JsonObject = {}) =>
  JSON.stringify({ ...base, choices: [{ index: 0, delta, logprobs: null, finish_reason: null }], ...more });
const content = (text: string, more?: JsonObject) => chunk({ content: text }, more);
const first = chunk({ role: 'assistant', content: '', refusal: null });
const stop = JSON.stringify({ ...base, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
const used = JSON.stringify({ ...base, choices: [], usage: { prompt_tokens: 1 } });

function cut(pieces: readonly Buffer[], reader?: EventReader): Frame[] {
  const framer = createFramer(reader);
  return [...pieces.flatMap((piece) => framer.push(piece)), ...framer.end()];
}

/** What frames come to: the answer that they are gathered into, their bytes, and all that is not gathered. */
function sumOf(frames: readonly Frame[]) {
  const gatherer = createChatGatherer();
  for (const { data } of frames) if (data !== undefined) gatherer.push(data);
  const rest = frames.filter(({ data }) => data === undefined || data.choices === undefined);
  return {
    answer: gatherer.answer(),
    bytes: Buffer.from(wireOf(frames), 'latin1').toString(),
    hasEnd: gatherer.hasEnd(),
    rest,
  };
}

interface Wire {
  readonly before?: string;
  readonly behind?: string;
  /** Where the network cuts, as shares of the whole. */
  readonly cuts?: readonly number[];
}

/** Reads the chunks with the reader under test and one by one; what both come to is the same. Gives how many frames there were. */
function readBoth(texts: readonly string[], { before = 'data: ', behind = '\n\n', cuts = [] }: Wire = {}) {
  const bytes = Buffer.from(texts.map((text) => `${before}${text}${behind}`).join(''));
  const places = [0, ...cuts.map((share) => Math.floor(share * bytes.length)).toSorted((a, b) => a - b), bytes.length];
  const pieces = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
  const frames = cut(pieces, createChunkReader());
  const each = cut(pieces);
  const [sum, expected] = [sumOf(frames), sumOf(each)];
  expect(sum).toEqual(expected);
  expect(sum.bytes).toBe(bytes.toString());
  return { frames, each };
}

describe('the chunks of a stream come to what they would if each were parsed', () => {
  const words = ['Hello', ' world', '', ' there', ' héllo 🌍', ' again'];
  const whole = [first, ...words.map((text) => content(text)), stop, used, '[DONE]'];

  test.each([
    ['as OpenAI writes them', {}],
    ['without a blank', { before: 'data:' }],
    ['with other ends of lines', { behind: '\r\n\r\n' }],
    ['with a name', { before: 'event: chunk\ndata: ' }],
  ])('%s, and those that are alike are one frame', (_, wire) => {
    const { frames, each } = readBoth(whole, wire);
    expect(each).toHaveLength(whole.length);
    // The first, the one that shows what the others are like, all others, the end, the usage and `[DONE]`.
    expect(frames).toHaveLength(6);
    expect(frames[2]?.data?.choices).toEqual([
      { index: 0, delta: { content: ' world there héllo 🌍 again' }, logprobs: null, finish_reason: null },
    ]);
  });

  test('with words that must be escaped', () => {
    const { frames } = readBoth([
      first,
      ...['a', 'b', ' "quoted"', 'c', ' back\\slash', '\n', 'd', 'e'].map((text) => content(text)),
    ]);
    expect(frames).toHaveLength(8);
  });

  test('with padding of any length', () => {
    const texts = ['a', 'b', 'c"', 'd'].map((text, index) => content(text, { obfuscation: 'x'.repeat(index) }));
    const { frames } = readBoth([
      ...texts,
      content('e', { obfuscation: 'xy' }),
      content('f', { obfuscation: '\\' }),
      content('g'),
    ]);
    expect(frames.map(({ data }) => data?.obfuscation)).toContain('xy');
  });

  test.each([
    ['another place of the same name', `{"content":"a","choices":[{"delta":{"content": "b"}}]}`],
    ['the same name twice', `{"choices":[{"delta":{"content":"a","content":"b"}}]}`],
    ['a name that ends like it', String.raw`{"x\"content":"a","choices":[{"delta":{"content": "b"}}]}`],
    ['several choices', `{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}`],
    ['padding in another place', `{"choices":[{"delta":{"content":"a","obfuscation":"b"}}]}`],
    ['another text that grows', `{"choices":[{"delta":{"content":"a","reasoning":"b"}}]}`],
    ['a list that grows', `{"choices":[{"delta":{"content":"a","images":["b"]}}]}`],
    ['letters beyond ASCII', `{"model":"橋","choices":[{"delta":{"content":"a","x":"b"}}]}`],
    ['an error', `{"error":{"content":"a"}}`],
  ])('with %s', (_, text) => {
    const others = ['"a"', '"b"'].map((part) => text.replace(part, '"other"'));
    readBoth([text, ...others, text, ...others]);
  });

  test('also where a chunk is no JSON', () => {
    const broken = ['\u0001', '\n', '"', 'a","b', String.raw`\x`].map((text) =>
      content('PLACE').replace('PLACE', text),
    );
    readBoth([content('a'), content('b'), content('b'), ...broken, content('c').slice(0, -1), content('d')]);
  });

  test('whatever they are, and wherever the network cuts', () => {
    const texts = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.option(fc.string())), { maxLength: 12 });
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });
    fc.assert(
      fc.property(texts, cuts, (said, places) => {
        const chunks = said.map(([text, obfuscation]) => content(text, obfuscation === null ? {} : { obfuscation }));
        readBoth(chunks, { cuts: places });
      }),
    );
  });
});
