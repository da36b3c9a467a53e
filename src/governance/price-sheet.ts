import { calcPrice, type Provider } from '@pydantic/genai-prices';
import { createLatest } from '../lib/latest.ts';
import { MAX_NANOS, toNanos } from '../lib/money.ts';
import { costOf, splitInput, type PricedUsage, type TokenPrices } from './model-price.ts';

// Loaded with the first request to a model: the sheet takes some 15 MB and a tenth of a second.

/** Our names of providers, and those of the sheet. A provider by another name has no price here: nobody knows what it charges. */
const PROVIDERS: Readonly<Record<string, string>> = {
  anthropic: 'anthropic',
  azure: 'azure',
  bedrock: 'aws',
  cerebras: 'cerebras',
  cohere: 'cohere',
  deepseek: 'deepseek',
  fireworks: 'fireworks',
  gemini: 'google',
  groq: 'groq',
  mistral: 'mistral',
  openai: 'openai',
  openrouter: 'openrouter',
  perplexity: 'perplexity',
  together: 'together',
  vertex: 'google',
  xai: 'x-ai',
};

/** Models whose place in the sheet is remembered; looking one up takes longer than anything else here. */
const MAX_KNOWN = 500;

/** Prices of the sheet. */
export interface PriceSheet {
  /** Nano-dollars; undefined: the sheet does not know. */
  costOf(provider: string, model: string, usage: PricedUsage): number | undefined;
}

/** What the sheet says of a model. */
interface Place {
  /** The provider with no other model than this one. */
  readonly provider: Provider;
  /** Undefined where the price depends on more than the number of tokens. */
  readonly plain: TokenPrices | undefined;
}

/** Opens the sheet that comes with the package. */
export function openPriceSheet(): PriceSheet {
  const known = createLatest<string, Place | null>(MAX_KNOWN);

  function find(provider: string, model: string): Place | null {
    const providerId = Object.hasOwn(PROVIDERS, provider) ? PROVIDERS[provider] : undefined;
    if (providerId === undefined) return null;
    const found = calcPrice({ input_tokens: 1, output_tokens: 1 }, model, { providerId });
    return found && { provider: { ...found.provider, models: [found.model] }, plain: plainPrices(found.model.prices) };
  }

  return {
    costOf(provider, model, usage) {
      const place = known.get(`${provider}\0${model}`, () => find(provider, model));
      if (place === null) return undefined;
      const { all, read, written } = splitInput(usage);
      const { plain } = place;
      const isPlain = (read === 0 || plain?.cache_read !== null) && (written === 0 || plain?.cache_write !== null);
      // A multiplication; the package takes 20 µs for it.
      if (plain !== undefined && isPlain) return costOf(plain, usage);
      const output_tokens = Math.max(usage.completion_tokens, 0);
      const tokens = { input_tokens: all, cache_read_tokens: read, cache_write_tokens: written, output_tokens };
      const found = calcPrice(tokens, model, { provider: place.provider });
      if (found === null) return undefined;
      // The sheet counts what it has no price for as free.
      const { input_mtok, output_mtok } = found.model_price;
      if ((all > 0 && input_mtok === undefined) || (output_tokens > 0 && output_mtok === undefined)) return undefined;
      return Math.min(toNanos(found.total_price), MAX_NANOS);
    },
  };
}

/** The prices of a model, if they are the same at any time and for any number of tokens. */
function plainPrices(prices: Provider['models'][number]['prices']): TokenPrices | undefined {
  if (Array.isArray(prices)) return undefined;
  const { input_mtok: input, output_mtok: output, cache_read_mtok, cache_write_mtok, requests_kcount } = prices;
  if (typeof input !== 'number' || typeof output !== 'number' || requests_kcount !== undefined) return undefined;
  const numberOf = (price: typeof cache_read_mtok) => (typeof price === 'number' ? price : null);
  return { input, output, cache_read: numberOf(cache_read_mtok), cache_write: numberOf(cache_write_mtok) };
}
