import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import type { Listed } from '../../store/mcp-clients.ts';
import { wordsOf } from './words.ts';

/** How much a word counts that stands there, from the most to the least. */
const WEIGHTS = { name: 5, server: 3, title: 3, description: 1.5, parameters: 0.6 } as const;
/** How much the length of a text takes away from the weight of its words: a name of two words is more to the point than one of six. */
const LENGTH_MATTERS = 0.5;
/** The usual number of words of each. Taken as given, so that what a word weighs for a tool depends on that tool alone. */
const USUAL = { name: 3, server: 1, title: 4, description: 14, parameters: 10 } as const;
const MAX_PARAMETERS = 60;

/** Words, each with its weight. */
export type WeightedWords = ReadonlyMap<string, number>;

/** A definition is parsed once for as long as it is listed like this, whoever sees it and whatever else changes. */
const known = new WeakMap<Listed, WeightedWords>();

/** The words under which a tool is found. */
export function toolWords(listed: Listed): WeightedWords {
  const words = known.get(listed) ?? weigh(textsOf(listed));
  known.set(listed, words);
  return words;
}

/** The words of the server, under which all its tools are found. */
export function serverWords(name: string): WeightedWords {
  return weigh({ server: name });
}

type Texts = Readonly<Partial<Record<keyof typeof WEIGHTS, string>>>;

function weigh(texts: Texts): WeightedWords {
  const weights = new Map<string, number>();
  for (const [field, text] of Object.entries(texts) as [keyof typeof WEIGHTS, string][]) {
    const words = wordsOf(text);
    const share = WEIGHTS[field] / (1 - LENGTH_MATTERS + (LENGTH_MATTERS * words.length) / USUAL[field]);
    for (const word of words) weights.set(word, (weights.get(word) ?? 0) + share);
  }
  return weights;
}

/** Definitions come from servers and may hold anything. */
function textsOf({ name, json }: Listed): Texts {
  const { title, description, annotations, inputSchema } = JSON.parse(json) as JsonObject;
  return {
    name,
    title: textIn(title) || textIn(memberOf(annotations, 'title')),
    description: textIn(description),
    parameters: parametersIn(inputSchema).join(' '),
  };
}

function parametersIn(schema: JsonValue | undefined): string[] {
  const properties = memberOf(schema, 'properties');
  if (typeof properties !== 'object' || properties === null) return [];
  return Object.entries(properties)
    .slice(0, MAX_PARAMETERS)
    .flatMap(([name, property]) => [name, textIn(memberOf(property, 'description')).slice(0, 200)]);
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value[name] : undefined;
}

function textIn(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
