import { expect, test } from 'vitest';
import { defaultMaxTokens, parseClaudeVersion, thinkingBudget, thinksAdaptively } from './claude-model.ts';

test.each([
  ['claude-3-haiku-20240307', 3, 0],
  ['claude-3-7-sonnet-20250219', 3, 7],
  ['claude-sonnet-4-20250514', 4, 0],
  ['claude-opus-4-1', 4, 1],
  ['claude-haiku-4-5-20251001', 4, 5],
  ['us.anthropic.claude-opus-4-6-v1:0', 4, 6],
  ['claude-opus-4-8@20260528', 4, 8],
  ['claude-sonnet-5', 5, 0],
  ['claude-2.1', 2, 1],
])('the version of %s is %i.%i', (model, major, minor) => {
  expect(parseClaudeVersion(model)).toEqual({ major, minor });
});

test('a name without a version has none', () => {
  expect(parseClaudeVersion('house-model-7')).toBeUndefined();
  expect(parseClaudeVersion('claude-mythos-preview')).toBeUndefined();
});

test('the default of max_tokens is what every model of the generation accepts', () => {
  expect(['claude-2.1', 'claude-3-opus-20240229'].map(defaultMaxTokens)).toEqual([4096, 4096]);
  expect(['claude-3-5-haiku-latest', 'house-model'].map(defaultMaxTokens)).toEqual([8192, 8192]);
  expect(['claude-opus-4-1', 'claude-sonnet-5'].map(defaultMaxTokens)).toEqual([32_000, 32_000]);
});

test('models from 4.6 on, and those nobody knows, decide themselves how long they think', () => {
  expect(['claude-opus-4-6', 'claude-fable-5-1', 'house-model'].map(thinksAdaptively)).toEqual([true, true, true]);
  expect(['claude-haiku-4-5', 'claude-3-7-sonnet-20250219'].map(thinksAdaptively)).toEqual([false, false]);
});

test('thoughts leave room for the answer, and where there is none the model does not think', () => {
  expect(thinkingBudget({ effort: 'high', budget: undefined }, 100_000)).toBe(16_384);
  expect(thinkingBudget({ effort: 'high', budget: undefined }, 10_000)).toBe(8000);
  expect(thinkingBudget({ effort: undefined, budget: 10 }, 10_000)).toBe(1024);
  expect(thinkingBudget({ effort: undefined, budget: 5000 }, 1000)).toBeUndefined();
});
