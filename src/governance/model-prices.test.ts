import { calcPrice } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { tokenUsage, unexpected } from '../../test/kit/ledger.ts';
import { createChanges } from '../store/changes.ts';
import { createModelPriceStore, type ModelPrice } from '../store/model-prices.ts';
import { compileOverrides, costOf } from './model-price.ts';
import { createModelPrices } from './model-prices.ts';
import { openPriceSheet } from './price-sheet.ts';

const price = (more: Partial<ModelPrice>): ModelPrice => ({
  ...{ id: 'p', name: 'p', provider: '', match_type: 'exact', pattern: 'gpt-5', input: 1, output: 10 },
  ...{ cache_read: null, cache_write: null, config_hash: null, created_at: 1, updated_at: 1 },
  ...more,
});
const wildcard = (pattern: string, more: Partial<ModelPrice> = {}) =>
  price({ id: pattern, match_type: 'wildcard', pattern, ...more });

describe('prices of the operator', () => {
  test('count the cache apart from what else went in', () => {
    const usage = tokenUsage({
      ...{ prompt_tokens: 1000, completion_tokens: 10 },
      ...{ cached_read_tokens: 600, cached_write_tokens: 100 },
    });
    expect(costOf(price({ cache_read: 0.1, cache_write: 2 }), usage)).toBe(300_000 + 60_000 + 200_000 + 100_000);
    expect(costOf(price({}), usage)).toBe(1_000_000 + 100_000);
    expect(costOf(price({ input: 0, output: 0 }), usage)).toBe(0);
  });

  test('never take more from the cache than went in', () => {
    const usage = tokenUsage({ prompt_tokens: 10, completion_tokens: 0, cached_read_tokens: 50 });
    expect(costOf(price({ cache_read: 0.5 }), usage)).toBe(5_000);
  });

  test('beat each other: provider before any, exact before patterns, long before short', () => {
    const rules = [wildcard('*'), wildcard('gpt-*'), price({ id: 'exact' }), wildcard('g*', { provider: 'azure' })];
    for (const order of [rules, rules.toReversed()]) {
      const find = compileOverrides(order);
      expect(find('openai', 'gpt-5')?.id).toBe('exact');
      expect(find('azure', 'gpt-5')?.id).toBe('g*');
      expect(find('openai', 'gpt-6')?.id).toBe('gpt-*');
      expect(find('azure', 'opus')?.id).toBe('*');
      expect(compileOverrides(order.slice(1, 3))('x', 'opus')).toBeUndefined();
    }
  });

  test('have patterns that match as a regular expression would', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(text, pattern, (model, pattern) => {
        const expected = new RegExp(`^${pattern.replaceAll('.', String.raw`\.`).replaceAll('*', '.*')}$`).test(model);
        expect(compileOverrides([wildcard(pattern)])('any', model) !== undefined).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the price sheet', () => {
  const sheet = openPriceSheet();
  const usage = tokenUsage({ prompt_tokens: 1_000, completion_tokens: 100 });

  test('knows models of providers by our names', () => {
    expect(sheet.costOf('openai', 'gpt-5', usage)).toBe(1_250_000 + 1_000_000);
    for (const [provider, model] of [
      ['anthropic', 'claude-sonnet-4-5'],
      ['bedrock', 'anthropic.claude-sonnet-4-5-20250929-v1:0'],
      ['gemini', 'gemini-2.5-pro'],
      ['vertex', 'gemini-2.5-pro'],
      ['xai', 'grok-4'],
      ['groq', 'llama-3.3-70b-versatile'],
    ] as const) {
      expect(sheet.costOf(provider, model, usage), provider).toBeGreaterThan(0);
    }
  });

  test('says nothing, and never 0, of what it does not know', () => {
    for (const [provider, model] of [
      ['openai', 'no-such-model'],
      ['openai', 'whisper-1'], // priced by the minute
      ['my-own', 'gpt-5'],
      ['ollama', 'llama3'],
      ['__proto__', 'gpt-5'],
    ] as const) {
      expect(sheet.costOf(provider, model, usage), model).toBeUndefined();
    }
  });

  test('remembers where a model stands without a change to its price', () => {
    const model = fc.constantFrom(
      ...([
        ['anthropic', 'claude-sonnet-4-5'],
        ['openai', 'gpt-4o-mini'],
        ['perplexity', 'sonar'],
      ] as const),
    );
    const count = fc.nat(400_000);
    fc.assert(
      fc.property(model, count, count, ([provider, model], prompt, output) => {
        const cached = Math.floor(prompt / 3);
        const usage = { prompt_tokens: prompt, completion_tokens: output, cached_read_tokens: cached };
        const tokens = { input_tokens: prompt, output_tokens: output, cache_read_tokens: cached };
        const expected = calcPrice(tokens, model, { providerId: provider })?.total_price ?? NaN;
        const found = sheet.costOf(provider, model, { ...usage, cached_write_tokens: 0 });
        expect(Math.abs((found ?? NaN) - expected * 1e9)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe.each(DATABASES)('prices in %s', (type) => {
  test('overrule the sheet as soon as they are written, and are all there is before it is loaded', async () => {
    const database = await openTestDatabase(type);
    const changes = await createChanges(database, unexpected);
    try {
      const store = createModelPriceStore(database.db);
      const prices = await createModelPrices({ store, changes, onError: unexpected });
      const usage = tokenUsage({ prompt_tokens: 1_000, completion_tokens: 0 });
      expect(prices.priceOf('openai', 'gpt-5', usage)).toBeUndefined();
      await prices.ready();
      expect(prices.priceOf('openai', 'gpt-5', usage)).toBe(1_250_000);
      await store.insert(price({ provider: 'openai', input: 0.000_5 }));
      await changes.publish('model_prices', 'p');
      expect(prices.priceOf('openai', 'gpt-5', usage)).toBe(500);
      expect(prices.priceOf('azure', 'gpt-5', usage)).toBe(1_250_000);
      expect(prices.priceOf('mine', 'gpt-5', usage)).toBeUndefined();
    } finally {
      await changes.close();
      await database.close();
    }
  });
});
