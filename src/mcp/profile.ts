import type { JsonObject } from '../lib/json-rpc.ts';
import type { InputRequest } from './relay/conversation.ts';

/**
 * What a client can be asked. Servers may offer more to such a client, and must know what it can do when a session begins, so
 * clients with the same profile see the same lists.
 */
export interface Profile {
  /** The same text for the same abilities. */
  readonly key: string;
  readonly capabilities: JsonObject;
}

/** The abilities that let a server ask something. */
const ABILITIES = ['elicitation', 'roots', 'sampling'] as const;

/** The profile of a client with these capabilities; undefined for one that cannot be asked anything. */
export function profileOf(capabilities: JsonObject): Profile | undefined {
  const own = ABILITIES.filter((ability) => capabilities[ability] !== undefined).map((ability) => [
    ability,
    capabilities[ability],
  ]);
  if (own.length === 0) return undefined;
  const abilities = Object.fromEntries(own) as JsonObject;
  return { key: canonical(abilities), capabilities: abilities };
}

/** Whether a client may be asked this: it declared the ability, and the part of it that the question needs. */
export function canBeAsked({ capabilities }: Profile, { method, params = {} }: InputRequest): boolean {
  const { elicitation, roots, sampling } = capabilities as Record<(typeof ABILITIES)[number], JsonObject | undefined>;
  switch (method) {
    case 'roots/list':
      return roots !== undefined;
    case 'sampling/createMessage':
      return sampling !== undefined && (params.tools === undefined || sampling.tools !== undefined);
    case 'elicitation/create':
      if (elicitation === undefined) return false;
      // Before there were modes there were forms, so an empty object still stands for them.
      return params.mode === 'url'
        ? elicitation.url !== undefined
        : elicitation.form !== undefined || elicitation.url === undefined;
    default:
      return false;
  }
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}
