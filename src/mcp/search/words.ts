/** Words that say nothing about which tool is meant. */
const EMPTY = new Set(
  'a an and any are as at be by can do for from has have how i if in into is it its me my need needs of on or please some that the their them then there these this to tool tools use used uses using want wants was what when where which who will with you your'.split(
    ' ',
  ),
);

/** Longer texts of servers are not read to their end. */
const MAX_TEXT = 4_000;
const MAX_WORD = 40;

/** Stems of words that were seen; texts repeat their words. */
const MAX_STEMS = 20_000;
const stems = new Map<string, string>();

/** The words of a text as an index knows them: `createPullRequests` and "create a pull-request" have the same. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const [piece] of text.slice(0, MAX_TEXT).matchAll(/[\p{L}\p{N}]+/gu)) {
    for (const part of partsOf(piece)) {
      const word = stem(part.slice(0, MAX_WORD));
      if (word !== '') words.push(word);
    }
  }
  return words;
}

/** The humps of a camel, if it is one. */
function partsOf(piece: string): readonly string[] {
  if (!/[\p{Ll}\p{N}]\p{Lu}|\p{Lu}\p{Lu}\p{Ll}/u.test(piece)) return [piece];
  return piece
    .replaceAll(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .split(' ');
}

function stem(word: string): string {
  const known = stems.get(word);
  if (known !== undefined) return known;
  if (stems.size >= MAX_STEMS) stems.clear();
  const lower = word.toLowerCase();
  const found = EMPTY.has(lower) ? '' : withoutEnding(lower);
  stems.set(word, found);
  return found;
}

/** The endings of English that matter for names of tools. What is left need be no word, only the same for all its forms. */
function withoutEnding(word: string): string {
  if (word.length < 4 || /\d/.test(word)) return word;
  let base = word;
  if (base.endsWith('ies')) base = `${base.slice(0, -3)}y`;
  else if (/(?:s|x|z|ch|sh)es$/.test(base)) base = base.slice(0, -2);
  else if (base.endsWith('s') && !/(?:ss|us|is)$/.test(base)) base = base.slice(0, -1);
  const verb = /^(.*[aeiouy].*?)(?:ing|ed)$/.exec(base)?.[1];
  if (verb !== undefined && verb.length >= 3) base = verb.replace(/([^aeiouls])\1$/, '$1');
  return base.length > 4 && base.endsWith('e') ? base.slice(0, -1) : base;
}
