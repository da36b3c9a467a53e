import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import type { ToolEntry } from '../view.ts';
import { compactSchema, oneLine } from './compact-schema.ts';
import type { Found } from './tool-index.ts';

const MAX_DESCRIPTION = 160;
/** A schema that is longer is shown whole to whoever asks for that tool by its name. */
const MAX_SCHEMA = 800;
const MAX_WHOLE = 32_000;
const MAX_SERVERS = 100;

/** Some tools, each with its name, what it does, and what it takes. */
export function renderFound(found: readonly Found[], of: number): string {
  const head = `${found.length} of ${of} tools, the best first. Call one with callTool({ name, arguments }).`;
  return [head, ...found.map(({ name, tool }) => renderBrief(name, tool))].join('\n\n');
}

/** All that is known of one tool. */
export function renderTool(name: string, tool: ToolEntry): string {
  const { description, inputSchema, outputSchema, annotations } = definitionOf(tool);
  const parts = [
    name,
    textIn(description),
    `arguments: ${JSON.stringify(inputSchema ?? {})}`,
    outputSchema === undefined ? '' : `gives: ${JSON.stringify(outputSchema)}`,
    annotations === undefined ? '' : `annotations: ${JSON.stringify(annotations)}`,
    'Call it with callTool({ name, arguments }).',
  ];
  const text = parts.filter((part) => part !== '').join('\n');
  return text.length <= MAX_WHOLE ? text : `${text.slice(0, MAX_WHOLE).toWellFormed()}…`;
}

/** Names only: what a server has, at a glance. */
export function renderNames(names: readonly string[], of: number): string {
  const more = of > names.length ? `\n… and ${of - names.length} more: search for what you want to do.` : '';
  return `${names.join('\n')}${more}`;
}

/** What to say when there is nothing like that. */
export function renderNothing(query: string, servers: readonly string[]): string {
  if (servers.length === 0) return 'There are no tools that you may call.';
  const more = servers.length > MAX_SERVERS ? ', …' : '';
  const what = query === '' ? 'no tools' : `no tool for "${oneLine(query, MAX_DESCRIPTION)}"`;
  return `There is ${what}. Try other words, or another server of these: ${servers.slice(0, MAX_SERVERS).join(', ')}${more}.`;
}

function renderBrief(name: string, tool: ToolEntry): string {
  const { description, inputSchema } = definitionOf(tool);
  const says = oneLine(firstSentence(textIn(description)), MAX_DESCRIPTION);
  const schema = compactSchema(inputSchema);
  const takes =
    schema.length <= MAX_SCHEMA
      ? schema
      : `${schema.slice(0, MAX_SCHEMA).toWellFormed()}… (searchTools({ query: ${JSON.stringify(name)} }) shows all)`;
  return `${name}${says === '' ? '' : `: ${says}`}\n  ${takes}`;
}

/** What a tool does stands in the first sentence; when to use it, in the rest. */
function firstSentence(text: string): string {
  return /^[\s\S]*?[.!?](?=\s|$)/.exec(text.trim())?.[0] ?? text;
}

/** Definitions come from servers and may hold anything. */
function definitionOf({ json }: ToolEntry): JsonObject {
  return JSON.parse(json) as JsonObject;
}

function textIn(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
