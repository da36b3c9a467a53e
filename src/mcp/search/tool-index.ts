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
  function scoreWord(word: string): Map<number, number> {
    const scores = new Map<number, number>();
    for (const [near, share] of nearWords(word, vocabulary)) {
      const entry = postings.get(near);
      if (entry === undefined) continue;
      const rarity = Math.log(1 + (all.length - entry.tools.length + 0.5) / (entry.tools.length + 0.5));
      for (const [index, at] of entry.tools.entries()) {
        const weight = entry.weights[index] ?? 0;
        const score = (share * rarity * weight * (SATURATION + 1)) / (weight + SATURATION);
        if (score > (scores.get(at) ?? 0)) scores.set(at, score);
      }
    }
    return scores;
  }

  return {
    search(query, limit, isWanted = () => true) {
      const words = new Set(wordsOf(query).slice(0, MAX_QUERY_WORDS));
      const totals = new Float64Array(all.length);
      for (const word of words) for (const [at, score] of scoreWord(word)) totals[at] = (totals[at] ?? 0) + score;
      const exact = tools.has(query.trim()) ? query.trim() : undefined;
      const found = [...all.keys()].filter((at) => {
        const one = all[at];
        return one !== undefined && ((totals[at] ?? 0) > 0 || one.name === exact) && isWanted(one.tool);
      });
      const scoreOf = (at: number): number => (all[at]?.name === exact ? Infinity : (totals[at] ?? 0));
      // Tools come in the order of their names.
      const best = found.toSorted((a, b) => (scoreOf(b) > scoreOf(a) ? 1 : scoreOf(b) < scoreOf(a) ? -1 : a - b));
      return best.slice(0, limit).flatMap((at) => all[at] ?? []);
    },
  };
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
