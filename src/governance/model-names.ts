import { invalid } from './limit-rules.ts';

/** Whether a list admits a model. */
export type AdmitsModel = (model: string) => boolean;

const PATTERN = 'regex:';
/** No model is called longer than this; what a caller sends is matched against patterns, which may be slow on long texts. */
const LONGEST_NAME = 256;

/**
 * What a list of models admits: `*` all, `regex:…` names that match as a whole, else names as they are. A name may stand with its
 * provider before it, as callers write it: "openai/gpt-5" in the list of openai.
 */
export function compileModels(list: readonly string[], provider: string): AdmitsModel {
  return compile(list, provider, { isFolded: false, onBroken: false });
}

/** What a list of refused models refuses: the same, but in any case, and everything where a pattern cannot be read. */
export function compileRefusedModels(list: readonly string[], provider: string): AdmitsModel {
  return compile(list, provider, { isFolded: true, onBroken: true });
}

/** Throws for a pattern that is none; `field` is where the list stands in the body. */
export function checkModels(list: readonly string[], field: string): void {
  for (const [index, entry] of list.entries()) {
    if (entry.startsWith(PATTERN) && parsePattern(entry, '') === undefined)
      throw invalid(`${field}[${index}]`, 'is not a valid regular expression after "regex:"');
  }
}

function compile(
  list: readonly string[],
  provider: string,
  { isFolded, onBroken }: { readonly isFolded: boolean; readonly onBroken: boolean },
): AdmitsModel {
  if (list.includes('*')) return () => true;
  if (list.length === 0) return () => false;
  const fold = (name: string): string => (isFolded ? name.toLowerCase() : name);
  const texts = list.filter((entry) => !entry.startsWith(PATTERN)).map(fold);
  const prefix = `${provider}/`;
  const names = new Set([
    ...texts,
    ...texts.filter((entry) => entry.startsWith(prefix)).map((entry) => entry.slice(prefix.length)),
  ]);
  const patterns = list
    .filter((entry) => entry.startsWith(PATTERN))
    .map((entry) => parsePattern(entry, isFolded ? 'i' : ''));
  if (patterns.includes(undefined) && onBroken) return () => true;
  const known = patterns.filter((pattern) => pattern !== undefined);
  return (model) => {
    if (names.has(fold(model))) return true;
    if (known.length === 0) return false;
    return model.length > LONGEST_NAME ? onBroken : known.some((pattern) => pattern.test(model));
  };
}

/** The pattern of an entry, for whole names; undefined for one that cannot be read. */
function parsePattern(entry: string, flags: string): RegExp | undefined {
  // The other common engines write the flag into the pattern, where JavaScript does not take it.
  const [, folded, source = ''] = /^regex:(\(\?i\))?(.*)$/s.exec(entry) ?? [];
  try {
    return new RegExp(`^(?:${source})$`, folded === undefined ? flags : 'i');
  } catch {
    return undefined;
  }
}
