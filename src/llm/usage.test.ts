import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../lib/json-rpc.ts';
import { estimateUsage, usageOf, usageOrEstimate } from './usage.ts';

const NOTHING = { cached_read_tokens: 0, cached_write_tokens: 0, reasoning_tokens: 0, is_estimate: false };

describe('the usage of an answer', () => {
  test('of chat completions has cached tokens among those that went in', () => {
    const usage = {
      ...{ prompt_tokens: 100, completion_tokens: 30, total_tokens: 130 },
      prompt_tokens_details: { cached_tokens: 80, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 20 },
    };
    expect(usageOf('chat', { usage })).toEqual({
      ...{ prompt_tokens: 100, completion_tokens: 30, total_tokens: 130 },
      ...{ ...NOTHING, cached_read_tokens: 80, reasoning_tokens: 20 },
    });
  });

  test('of responses speaks of input and output, and embeddings have none that came out', () => {
    const usage = { input_tokens: 7, output_tokens: 3, total_tokens: 10, input_tokens_details: { cached_tokens: 2 } };
    expect(usageOf('responses', { usage })).toMatchObject({
      ...{ prompt_tokens: 7, completion_tokens: 3, total_tokens: 10, cached_read_tokens: 2 },
    });
    expect(usageOf('embeddings', { usage: { prompt_tokens: 8, total_tokens: 8 } })).toEqual({
      ...{ prompt_tokens: 8, completion_tokens: 0, total_tokens: 8 },
      ...NOTHING,
    });
  });

  test("of Anthropic's messages adds what came from the cache and went into it", () => {
    const usage = {
      ...{ input_tokens: 10, output_tokens: 5 },
      ...{ cache_read_input_tokens: 100, cache_creation_input_tokens: 20 },
    };
    expect(usageOf('messages', { usage })).toEqual({
      ...{ prompt_tokens: 130, completion_tokens: 5, total_tokens: 135 },
      ...{ ...NOTHING, cached_read_tokens: 100, cached_write_tokens: 20 },
    });
  });

  test('is not known where the provider says nothing that makes sense', () => {
    for (const answer of [{}, { usage: null }, { usage: [] }, { usage: { prompt_tokens: 'many' } }]) {
      expect(usageOf('chat', answer as JsonObject)).toBeUndefined();
      expect(usageOf('messages', answer as JsonObject)).toBeUndefined();
    }
    expect(usageOf('chat', { usage: { prompt_tokens: -1, completion_tokens: 4 } })).toMatchObject({ prompt_tokens: 0 });
  });

  test('is whole and not negative, and no more is cached than went in, whatever a provider sends', () => {
    fc.assert(
      fc.property(fc.constantFrom('chat', 'responses', 'messages', 'embeddings'), usages, (format, usage) => {
        const found = usageOf(format, { usage });
        if (found === undefined) return;
        for (const [name, value] of Object.entries(found)) {
          if (name === 'is_estimate') continue;
          expect(Number.isInteger(value) && Number(value) >= 0, name).toBe(true);
        }
        expect(found.cached_read_tokens + found.cached_write_tokens).toBeLessThanOrEqual(found.prompt_tokens);
      }),
    );
  });
});

test('a number that no answer can have is none', () => {
  expect(usageOf('chat', { usage: { prompt_tokens: 1e308, completion_tokens: 1e308 } })).toBeUndefined();
});

const count = fc.oneof(fc.nat(1e6), fc.double(), fc.constantFrom(null, 'x', -5));
const NAMES = ['prompt_tokens', 'input_tokens', 'completion_tokens', 'output_tokens', 'total_tokens'];
const usages = fc
  .record(
    {
      ...Object.fromEntries(NAMES.map((name) => [name, count])),
      ...{ cache_read_input_tokens: count, cache_creation_input_tokens: count },
      prompt_tokens_details: fc.record({ cached_tokens: count, cached_write_tokens: count }),
    },
    { requiredKeys: [] },
  )
  .map((usage) => usage as JsonObject);

test('four characters are a token where nobody counted, and the guess says that it is one', () => {
  expect(estimateUsage({ input: 9, output: 4 })).toMatchObject({
    ...{ prompt_tokens: 3, completion_tokens: 1, total_tokens: 4, is_estimate: true },
  });
});

test('an answer without a count, or that broke off, is estimated from what came of it', () => {
  const request = Buffer.alloc(40);
  const choices = [{ message: { role: 'assistant', content: 'x'.repeat(80), tool_calls: [{ id: 'not counted' }] } }];
  expect(usageOrEstimate('chat', { choices }, { request })).toMatchObject({
    ...{ prompt_tokens: 10, completion_tokens: 20, is_estimate: true },
  });
  const usage = { prompt_tokens: 7, completion_tokens: 1 };
  const told = { prompt_tokens: 7, completion_tokens: 1, is_estimate: false };
  expect(usageOrEstimate('chat', { choices, usage }, { request })).toMatchObject(told);
  expect(usageOrEstimate('chat', { choices, usage }, { request, isBroken: true })).toMatchObject({
    ...{ prompt_tokens: 7, completion_tokens: 20, total_tokens: 27, is_estimate: true },
  });
  expect(usageOrEstimate('chat', { usage }, { request, isBroken: true })).toMatchObject(told);
});
