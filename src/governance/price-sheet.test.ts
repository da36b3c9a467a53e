import { calcPrice } from '@pydantic/genai-prices';
import { expect, test } from 'vitest';
import { openPriceSheet } from './price-sheet.ts';

const MODELS = [
  ...(['gpt-4o-mini', 'gpt-4o', 'gpt-5', 'o3-mini', 'gpt-3.5-turbo'] as const).map((name) => ['openai', name] as const),
  ...(['claude-sonnet-4-5', 'claude-3-5-haiku-latest'] as const).map((name) => ['anthropic', name] as const),
  ...(['gemini-2.5-pro', 'gemini-2.5-flash'] as const).map((name) => ['gemini', name] as const),
  ...([
    ['deepseek', 'deepseek-chat'],
    ['mistral', 'mistral-large-latest'],
  ] as const),
];
const SHEET_NAMES: Record<string, string> = { gemini: 'google' };
const USAGES = [
  { prompt_tokens: 57, completion_tokens: 17, cached_read_tokens: 0, cached_write_tokens: 0 },
  { prompt_tokens: 1_000, completion_tokens: 300, cached_read_tokens: 400, cached_write_tokens: 0 },
  { prompt_tokens: 250_000, completion_tokens: 8_000, cached_read_tokens: 100_000, cached_write_tokens: 50_000 },
  { prompt_tokens: 1_000, completion_tokens: 0, cached_read_tokens: 1_000, cached_write_tokens: 0 },
];

test.each(MODELS)('a model of %s costs what the sheet says, short cut or not: %s', (provider, model) => {
  const sheet = openPriceSheet();
  for (const usage of USAGES) {
    const tokens = {
      input_tokens: usage.prompt_tokens,
      output_tokens: usage.completion_tokens,
      cache_read_tokens: usage.cached_read_tokens,
      cache_write_tokens: usage.cached_write_tokens,
    };
    const told = calcPrice(tokens, model, { providerId: SHEET_NAMES[provider] ?? provider });
    expect(told).not.toBeNull();
    const nanos = (told?.total_price ?? 0) * 1e9;
    expect(Math.abs((sheet.costOf(provider, model, usage) ?? -2) - nanos), JSON.stringify(usage)).toBeLessThanOrEqual(
      1,
    );
  }
});
