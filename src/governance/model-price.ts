import { MAX_NANOS } from '../lib/money.ts';
import type { TokenUsage } from '../store/ledger-rows.ts';
import type { ModelPrice } from '../store/model-prices.ts';

/** The tokens of an answer, as far as prices tell them apart. */
export type PricedUsage = Pick<
  TokenUsage,
  'prompt_tokens' | 'completion_tokens' | 'cached_read_tokens' | 'cached_write_tokens'
>;

/** Prices are USD per million tokens, costs nano-dollars. */
const NANOS_PER_TOKEN = 1_000;

/** Gives the price of a model of a provider that overrules the sheet. */
export type FindOverride = (provider: string, model: string) => ModelPrice | undefined;

/** Compiles prices: one for this provider beats one for any, an exact one beats a pattern, a longer pattern a shorter. */
export function compileOverrides(prices: readonly ModelPrice[]): FindOverride {
  const rank = ({ provider, match_type, pattern }: ModelPrice) =>
    (provider === '' ? 0 : 2e6) + (match_type === 'exact' ? 1e6 : 0) + pattern.length;
  const rules = prices
    .map((price) => ({ price, rank: rank(price), matches: matcherOf(price) }))
    .toSorted((a, b) => b.rank - a.rank);
  return (provider, model) =>
    rules.find(({ price, matches }) => (price.provider === '' || price.provider === provider) && matches(model))?.price;
}

function matcherOf({ match_type, pattern }: ModelPrice): (model: string) => boolean {
  if (match_type === 'exact') return (model) => model === pattern;
  return (model) => matchesPattern(model, pattern.split('*'));
}

/** Without a regular expression: the work grows with the length of the name, whatever the pattern. */
function matchesPattern(model: string, [first = '', ...rest]: readonly string[]): boolean {
  const last = rest.pop();
  if (last === undefined) return model === first;
  if (!model.startsWith(first) || !model.endsWith(last)) return false;
  const end = model.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = model.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= end;
}

/** A price for each kind of token. */
export type TokenPrices = Pick<ModelPrice, 'input' | 'output' | 'cache_read' | 'cache_write'>;

/** What these tokens cost, in nano-dollars. */
export function costOf({ input, output, cache_read, cache_write }: TokenPrices, usage: PricedUsage): number {
  const { read, written, plain } = splitInput(usage);
  const usd =
    plain * input +
    read * (cache_read ?? input) +
    written * (cache_write ?? input) +
    Math.max(usage.completion_tokens, 0) * output;
  return Math.min(Math.round(usd * NANOS_PER_TOKEN), MAX_NANOS);
}

/** The tokens that went in: those from the cache, those into it, and all others. Never more of them than there were. */
export function splitInput({ prompt_tokens, cached_read_tokens, cached_write_tokens }: PricedUsage) {
  const all = Math.max(prompt_tokens, 0);
  const read = Math.min(Math.max(cached_read_tokens, 0), all);
  const written = Math.min(Math.max(cached_write_tokens, 0), all - read);
  return { all, read, written, plain: all - read - written };
}
