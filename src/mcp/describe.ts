import type { JsonObject } from '../lib/json-rpc.ts';
import type { Era } from './revisions.ts';
import type { View } from './view.ts';

/** How much of one server's instructions is handed on, and of all together, in characters. */
const MAX_INSTRUCTIONS = 4_096;
const MAX_ALL_INSTRUCTIONS = 16_384;

/** What the gateway can do for a client, and how to use it: no more than the servers behind it can. */
export function describeGateway(
  { upstreams, folded }: View,
  era: Era,
): { capabilities: JsonObject; instructions?: string } {
  const offers = (capability: string): boolean =>
    upstreams.some(({ peer }) => peer?.capabilities[capability] !== undefined);
  const hasKnown = (kind: 'prompts' | 'resources'): boolean => upstreams.some(({ offer }) => offer[kind].length > 0);
  const capabilities: JsonObject = { tools: { listChanged: true } };
  if (offers('prompts') || hasKnown('prompts')) capabilities.prompts = { listChanged: true };
  if (offers('resources') || hasKnown('resources')) capabilities.resources = { listChanged: true, subscribe: true };
  // Results that were too large are resources, which are read but not listed.
  else if (folded.size > 0) capabilities.resources = {};
  if (offers('completions')) capabilities.completions = {};
  if (offers('logging')) capabilities.logging = {};
  const tasks =
    era === 'legacy'
      ? upstreams.map(({ peer }) => peer?.capabilities.tasks).find((known) => known !== undefined)
      : undefined;
  if (tasks !== undefined) capabilities.tasks = tasks;
  const extensions = collectExtensions(upstreams.map(({ peer }) => peer?.capabilities.extensions));
  if (era === 'modern' && Object.keys(extensions).length > 0) capabilities.extensions = extensions;
  const instructions = collectInstructions(upstreams.map(({ client, peer }) => [client.name, peer?.instructions]));
  return instructions === '' ? { capabilities } : { capabilities, instructions };
}

/** Extensions we know nothing of are offered as their servers offer them; the first server's settings stand. */
function collectExtensions(all: readonly unknown[]): JsonObject {
  const known = all.filter(
    (extensions): extensions is JsonObject => typeof extensions === 'object' && extensions !== null,
  );
  return Object.assign({}, ...known.toReversed()) as JsonObject;
}

function collectInstructions(all: readonly (readonly [name: string, instructions: string | undefined])[]): string {
  let text = '';
  const told = all.filter(([, instructions]) => instructions !== undefined && instructions !== '');
  for (const [name, instructions = ''] of told) {
    // With a single server there is nobody to tell it apart from.
    const part = told.length === 1 ? cut(instructions) : `# ${name}\n${cut(instructions)}\n\n`;
    if (text.length + part.length <= MAX_ALL_INSTRUCTIONS) text += part;
  }
  return text.trimEnd();
}

function cut(text: string): string {
  return text.length <= MAX_INSTRUCTIONS ? text : `${text.slice(0, MAX_INSTRUCTIONS).toWellFormed()}…`;
}
