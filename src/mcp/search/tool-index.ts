import { setImmediate } from 'node:timers/promises';
import type { ToolEntry, View } from '../view.ts';
import { nearWords } from './near-words.ts';
import { serverWords, toolWords, type WeightedWords } from './tool-words.ts';
import { wordsOf } from './words.ts';

/** A tool that was found. */
export interface Found {
  /** The name that callers know it by. */
  readonly name: string;
  readonly tool: ToolEntry;
}

/** The tools of one caller, ready to be searched. */
export interface ToolIndex {
  /** The best first; equal ones in the order of their names. */
  search(query: string, limit: number, isWanted?: (tool: ToolEntry) => boolean): readonly Found[];
}

/** The tools that have a word, and what it weighs for each. */
interface Postings {
  readonly tools: number[];
  readonly weights: number[];
}

/** From here on it hardly counts how much more a word weighs (k1 of BM25). */
const SATURATION = 2;
/** A question has no more words; what is longer is a text about something. */
const MAX_QUERY_WORDS = 24;

/** Definitions that are read at a stretch: others wait no longer than that. */
const AT_ONCE = 200;

const compiled = new WeakMap<View, ToolIndex>();

/** The index of what a caller sees, compiled at the first question. A view is replaced, never changed. */
export async function indexOf(view: View): Promise<ToolIndex> {
  const known = compiled.get(view);
  if (known !== undefined) return known;
  const tools = [...view.tools.values()];
  for (let from = 0; from < tools.length; from += AT_ONCE) {
    for (const { listed } of tools.slice(from, from + AT_ONCE)) toolWords(listed);
    await setImmediate();
  }
  // Somebody else may have asked at the same time.
  const index = compiled.get(view) ?? compileIndex(view.tools);
  compiled.set(view, index);
  return index;
}

/** Compiles an index that ranks by BM25 over weighted fields (BM25F). */
export function compileIndex(tools: ReadonlyMap<string, ToolEntry>): ToolIndex {
  const all = [...tools].map(([name, tool]): Found => ({ name, tool }));
  const postings = compilePostings(all);
  const vocabulary = [...postings.keys()].toSorted();

  /** What one word of a question is worth for each tool: of several words that it may mean, the best counts. */
  function scoreWord(word: string): Float64Array {
    const scores = new Float64Array(all.length);
    for (const [near, share] of nearWords(word, vocabulary)) {
      const entry = postings.get(near);
      if (entry === undefined) continue;
      const rarity = Math.log(1 + (all.length - entry.tools.length + 0.5) / (entry.tools.length + 0.5));
      for (const [index, at] of entry.tools.entries()) {
        const weight = entry.weights[index] ?? 0;
        const score = (share * rarity * weight * (SATURATION + 1)) / (weight + SATURATION);
        if (score > (scores[at] ?? 0)) scores[at] = score;
      }
    }
    return scores;
  }

  return {
    search(query, limit, isWanted = () => true) {
      const words = new Set(wordsOf(query).slice(0, MAX_QUERY_WORDS));
      const totals = new Float64Array(all.length);
      for (const word of words) {
        for (const [at, score] of scoreWord(word).entries()) if (score > 0) totals[at] = (totals[at] ?? 0) + score;
      }
      const exact = query.trim();
      if (tools.has(exact)) totals[all.findIndex(({ name }) => name === exact)] = Infinity;
      return pickBest(totals, limit, (at) => isWanted((all[at] as Found).tool)).flatMap((at) => all[at] ?? []);
    },
  };
}

/** Where the highest scores are, the highest first, of equal ones the first. To sort all of them would take most of a search. */
function pickBest(scores: Float64Array, limit: number, isWanted: (at: number) => boolean): number[] {
  const best: number[] = [];
  const scoreAt = (place: number): number => scores[best[place] ?? -1] ?? 0;
  for (let at = 0; at < scores.length; at += 1) {
    const score = scores[at] ?? 0;
    if (score <= 0 || (best.length >= limit && score <= scoreAt(best.length - 1)) || !isWanted(at)) continue;
    let place = best.length;
    while (place > 0 && scoreAt(place - 1) < score) place -= 1;
    best.splice(place, 0, at);
    if (best.length > limit) best.pop();
  }
  return best;
}

function compilePostings(all: readonly Found[]): Map<string, Postings> {
  const postings = new Map<string, Postings>();
  const servers = new Map<string, WeightedWords>();
  const add = (word: string, at: number, weight: number): void => {
    let entry = postings.get(word);
    if (entry === undefined) postings.set(word, (entry = { tools: [], weights: [] }));
    entry.tools.push(at);
    entry.weights.push(weight);
  };
  for (const [at, { tool }] of all.entries()) {
    const { name } = tool.upstream.client;
    const ofServer = servers.get(name) ?? serverWords(name);
    servers.set(name, ofServer);
    const words = toolWords(tool.listed);
    for (const [word, weight] of words) add(word, at, weight + (ofServer.get(word) ?? 0));
    for (const [word, weight] of ofServer) if (!words.has(word)) add(word, at, weight);
  }
  return postings;
}
