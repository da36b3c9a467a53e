/** What callers say for what names of tools say; the first form of each as an index knows it. */
const ALIKE: readonly (readonly string[])[] = [
  ['creat', 'add', 'new', 'make', 'open', 'insert', 'rais'],
  ['delet', 'remov', 'destroy', 'drop', 'eras'],
  ['updat', 'edit', 'chang', 'modify', 'set', 'patch'],
  ['get', 'read', 'fetch', 'retriev', 'view', 'show', 'describ', 'detail', 'load'],
  ['list', 'all', 'every', 'brows', 'enumerat'],
  ['search', 'find', 'query', 'lookup', 'look'],
  ['send', 'post', 'publish', 'deliver'],
  ['run', 'execut', 'start', 'invok', 'trigger'],
  ['issu', 'bug', 'ticket'],
  ['file', 'document'],
  ['directory', 'folder'],
  ['email', 'mail', 'inbox'],
  ['repository', 'repo'],
  ['databas', 'db'],
];
const SYNONYMS = new Map(ALIKE.flatMap((group) => group.map((word) => [word, group] as const)));

/** What a word counts that is only alike. */
const SYNONYM = 0.4;
const BEGINNING = 0.5;
const MISSPELT = 0.5;
const MAX_BEGINNINGS = 24;

/** The words of an index that a word of a question may mean, with how much each then counts. */
export function nearWords(word: string, vocabulary: readonly string[]): Map<string, number> {
  const near = new Map<string, number>([[word, 1]]);
  const add = (other: string, share: number): void => void (near.has(other) || near.set(other, share));
  for (const other of SYNONYMS.get(word) ?? []) add(other, SYNONYM);
  if (word.length < 3) return near;
  for (let at = placeOf(word, vocabulary), left = MAX_BEGINNINGS; left > 0; at += 1, left -= 1) {
    const other = vocabulary[at];
    if (other?.startsWith(word) !== true) break;
    add(other, (BEGINNING * word.length) / other.length);
  }
  if (near.size === 1 && vocabulary[placeOf(word, vocabulary)] !== word && word.length >= 5) {
    for (const other of vocabulary) if (isOneOff(word, other)) add(other, MISSPELT);
  }
  return near;
}

/** Where a word stands in a sorted list, or would stand. */
function placeOf(word: string, vocabulary: readonly string[]): number {
  let [low, high] = [0, vocabulary.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((vocabulary[middle] ?? '') < word) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One letter too many, too few, wrong, or two that changed places. */
function isOneOff(a: string, b: string): boolean {
  if (a[0] !== b[0] || Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) [endA, endB] = [endA - 1, endB - 1];
  const [left, right] = [a.slice(start, endA), b.slice(start, endB)];
  return (left.length <= 1 && right.length <= 1) || (left.length === 2 && left === `${right[1]}${right[0]}`);
}
