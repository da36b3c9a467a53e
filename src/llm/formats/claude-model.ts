/** Tokens to think with, for models that want a number. */
const BUDGETS: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 24_576,
  max: 31_999,
};
const LEAST_BUDGET = 1024;
/** Thoughts count as output, and an answer must fit behind them. */
const SHARE = 0.8;

/** What the rules below need to know of a model, read from its name; undefined for a name that is not of the family. */
interface ClaudeVersion {
  readonly major: number;
  readonly minor: number;
}

/**
 * `claude-opus-4-8-20260528` is 4.8 and `claude-3-7-sonnet-20250219` is 3.7: the version is one or two short numbers, before or after
 * the name of the line. What follows it is a date.
 */
export function parseClaudeVersion(model: string): ClaudeVersion | undefined {
  const found = /claude-(?:[a-z]+-)*(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/i.exec(model);
  return found === null ? undefined : { major: Number(found[1]), minor: Number(found[2] ?? 0) };
}

/** True for a model of at least this version. An unknown name is taken for a new model only where `unknown` says so. */
function isAtLeast(model: string, major: number, minor: number, unknown: boolean): boolean {
  const version = parseClaudeVersion(model);
  if (version === undefined) return unknown;
  return version.major > major || (version.major === major && version.minor >= minor);
}

/**
 * Anthropic demands `max_tokens`, chat completions do not: absent there means as much as the model can. This is the most that every
 * model of a generation accepts, and 8192 for a name that tells nothing.
 */
export function defaultMaxTokens(model: string): number {
  if (parseClaudeVersion(model) === undefined) return 8192;
  if (isAtLeast(model, 4, 0, false)) return 32_000;
  return isAtLeast(model, 3, 5, false) ? 8192 : 4096;
}

/** From 4.6 on a model decides itself how long it thinks; those before want a budget in tokens, and newer ones refuse that. */
export function thinksAdaptively(model: string): boolean {
  return isAtLeast(model, 4, 6, true);
}

/** The tokens that a model before 4.6 may think with; undefined where not even the least budget leaves room for an answer. */
export function thinkingBudget(
  { effort = 'medium', budget }: { readonly effort: string | undefined; readonly budget: number | undefined },
  maxTokens: number,
): number | undefined {
  const wanted = Math.max(LEAST_BUDGET, budget ?? BUDGETS[effort] ?? LEAST_BUDGET);
  const granted = Math.min(wanted, Math.floor(maxTokens * SHARE));
  return granted < LEAST_BUDGET ? undefined : granted;
}
