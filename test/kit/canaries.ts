import { randomBytes } from 'node:crypto';

/** A word for every place that takes a secret, and the search for these words in everything that comes out. */
export interface Canaries {
  /** A fresh word for a place; `prefix` where the place wants one. */
  make(place: string, prefix?: string): string;
  /** Takes down something that came out. */
  collect(where: string, output: unknown): void;
  /** What was collected from places that match. */
  collected(where: RegExp): string;
  /** "word of PLACE in WHERE", for every one that came out. `isMeant` excuses those that are shown on purpose. */
  find(isMeant?: (place: string, where: string) => boolean): string[];
}

/** Starts a search without any words yet. */
export function createCanaries(): Canaries {
  const words = new Map<string, string>();
  const outputs: { where: string; text: string }[] = [];
  return {
    make(place, prefix = '') {
      const core = randomBytes(12).toString('hex');
      words.set(place, core);
      return `${prefix}canary-${core}`;
    },
    collect(where, output) {
      outputs.push({ where, text: typeof output === 'string' ? output : JSON.stringify(output) });
    },
    collected: (where) =>
      outputs
        .filter((each) => where.test(each.where))
        .map(({ text }) => text)
        .join('\n'),
    find(isMeant = () => false) {
      const found = new Set<string>();
      for (const [place, core] of words) {
        const spellings = [core, core.toUpperCase(), Buffer.from(core).toString('hex'), ...inBase64(core)];
        for (const { where, text } of outputs) {
          if (spellings.some((spelling) => text.includes(spelling)) && !isMeant(place, where)) {
            found.add(`word of ${place} in ${where}`);
          }
        }
      }
      return [...found];
    },
  };
}

/** How the middle of a text looks in base64, at each of the three places it can begin at. */
function inBase64(text: string): string[] {
  return [0, 1, 2].map((shift) =>
    Buffer.from('x'.repeat(shift) + text)
      .toString('base64')
      .slice(4, -8),
  );
}
