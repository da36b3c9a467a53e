/** Words that cannot name a variable, and what code needs under its own name. */
const TAKEN = new Set(
  (
    'await break case catch class const continue debugger default delete do else enum export extends false finally for function ' +
    'if implements import in instanceof interface let new null package private protected public return static super switch this ' +
    'throw true try typeof var void while with yield async of arguments eval undefined NaN Infinity ' +
    'Object Array String Number Boolean BigInt Symbol Math JSON Promise Proxy Reflect Date RegExp Map Set WeakMap WeakSet Error ' +
    'TypeError RangeError globalThis Function Iterator parseInt parseFloat isNaN isFinite console artifacts asbru constructor ' +
    'toString valueOf then'
  ).split(' '),
);

/** A name as code can write it: other characters become "_", and names that mean something else get one at the end. */
export function toIdentifier(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9_$]+/g, '_').replace(/(?<=.)_+$/, '');
  const safe = /^[0-9]/.test(plain) ? `_${plain}` : plain;
  return TAKEN.has(safe) || safe.startsWith('__') ? `${safe}_` : safe || '_';
}

/** The same for a whole list: equal ones are numbered, in the order of the list. */
export function toIdentifiers(names: readonly string[]): string[] {
  const used = new Set<string>();
  return names.map((name) => {
    const base = toIdentifier(name);
    let identifier = base;
    for (let count = 2; used.has(identifier); count += 1) identifier = `${base}_${count}`;
    used.add(identifier);
    return identifier;
  });
}

/** What of a name counts when somebody has not written it quite right. */
export function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** The names most like this one, best first; none if all are far away. */
export function nearest(name: string, names: readonly string[], count = 3): string[] {
  const wanted = fold(name);
  const limit = Math.max(2, Math.ceil(wanted.length / 2));
  return names
    .map((candidate) => ({ candidate, distance: distanceOf(wanted, fold(candidate)) }))
    .filter(({ distance }) => distance <= limit)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** How many letters must change; one name inside the other is near. */
function distanceOf(a: string, b: string): number {
  if (a !== '' && b.includes(a)) return 1;
  const [from, to] = [a.slice(0, 64), b.slice(0, 64)];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, left] of Array.from(from).entries()) {
    const next = [i + 1];
    for (const [j, right] of Array.from(to).entries()) {
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (left === right ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
