import type { McpClientCreate } from '../../src/contract/mcp-client.ts';

/** A server that was found in what somebody pasted, ready to be looked at and registered. */
export interface FoundServer {
  readonly body: McpClientCreate;
  /** What it runs or where it is, in a line. */
  readonly target: string;
  /** What the person should know before it is registered. */
  readonly notes: readonly string[];
}

/** The servers in a text, or why there are none. */
export type Found = { readonly servers: readonly FoundServer[] } | { readonly fault: string };

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads a URL, a command (also a whole `claude mcp add …`), or the JSON of a Claude, Cursor or VS Code configuration. Names get
 * the letters that the gateway allows; all tools are allowed, as they were in the client that they come from.
 */
export function findServers(text: string): Found {
  const trimmed = text.trim();
  if (trimmed === '') return { fault: 'Paste a URL, a command, or the JSON of a configuration.' };
  if (/^["{]/.test(trimmed)) return fromJson(trimmed);
  if (/^https?:\/\//i.test(trimmed) && !/\s/.test(trimmed)) return one(fromEntry(nameOfUrl(trimmed), { url: trimmed }));
  return fromCommand(splitCommand(trimmed));
}

function fromJson(text: string): Found {
  let parsed: unknown;
  try {
    // People often copy the entry alone: `"memory": { … }`.
    parsed = JSON.parse(text.startsWith('"') ? `{${text.replace(/,\s*$/, '')}}` : withoutComments(text));
  } catch (error) {
    return { fault: `This is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (!isObject(parsed)) return { fault: 'The JSON must be an object.' };
  const entries = entriesIn(parsed);
  const servers = Object.entries(entries).flatMap(([name, entry]) => {
    const found = isObject(entry) ? fromEntry(name, entry) : undefined;
    return found === undefined ? [] : [found];
  });
  if (servers.length > 0) return { servers };
  return {
    fault: 'No server is in it: looked for mcpServers (Claude, Cursor), servers (VS Code), and a single entry.',
  };
}

/** Where the programs keep their servers. */
function entriesIn(config: JsonObject): JsonObject {
  const { mcpServers, servers, mcp } = config;
  if (isObject(mcpServers)) return mcpServers;
  if (isObject(mcp) && isObject(mcp['servers'])) return mcp['servers']; // settings.json of VS Code
  if (isObject(servers)) return servers;
  if (typeof config['command'] === 'string')
    return { [nameOfCommand([config['command'], ...texts(config['args'])])]: config };
  const url = urlOf(config);
  return url === undefined ? config : { [nameOfUrl(url)]: config };
}

function fromEntry(rawName: string, entry: JsonObject): FoundServer | undefined {
  const notes: string[] = [];
  const name = cleanName(rawName);
  if (name !== rawName) notes.push(`"${rawName}" becomes "${name}": the name is the prefix of the tools.`);
  const read = (text: string): string => reference(text, notes);
  const common = { name, tools_to_execute: ['*'] };
  const url = urlOf(entry);
  if (url !== undefined) {
    const headers = mapTexts(entry['headers'], read);
    const isSse = entry['type'] === 'sse' || entry['transport'] === 'sse' || /\/sse\/?$/.test(url);
    const body: McpClientCreate = {
      ...common,
      connection_type: isSse ? 'sse' : 'http',
      connection_string: read(url),
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
    };
    return { body, target: url, notes };
  }
  const { command } = entry;
  if (typeof command !== 'string' || command === '') return undefined;
  const args = texts(entry['args']).map((text) => plainReference(text, notes));
  const envs = Object.entries(mapTexts(entry['env'], read)).map(([key, value]) => `${key}=${value}`);
  const body: McpClientCreate = { ...common, connection_type: 'stdio', stdio_config: { command, args, envs } };
  return { body, target: [command, ...args].join(' '), notes };
}

/** `${env:NAME}` and `${NAME}` are read by the gateway as `env.NAME`; what the program would ask for must be typed in. */
function reference(text: string, notes: string[]): string {
  const whole = /^\$\{(?:env:)?([A-Za-z_]\w*)\}$/.exec(text)?.[1];
  if (whole !== undefined) {
    notes.push(`${whole} is read from the environment of the gateway.`);
    return `env.${whole}`;
  }
  return plainReference(text, notes);
}

function plainReference(text: string, notes: string[]): string {
  const [placeholder] = /\$\{[^}]*\}/.exec(text) ?? [];
  if (placeholder !== undefined) notes.push(`${placeholder} means nothing to the gateway: put the value in its place.`);
  return text;
}

function fromCommand(words: readonly string[]): Found {
  const [program = '', ...rest] = words;
  if (program === 'claude' && rest[0] === 'mcp' && rest[1]?.startsWith('add') === true)
    return fromClaude(rest.slice(2));
  const firstPlain = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
  if (firstPlain === -1) return { fault: 'There is no command in it.' };
  const env = Object.fromEntries(words.slice(0, firstPlain).map(splitPair('=')));
  const [command = '', ...args] = words.slice(firstPlain);
  return one(fromEntry(nameOfCommand([command, ...args]), { command, args, env }));
}

/** `claude mcp add [--transport http] [--env A=b] [--header "A: b"] name <url or command …>`. */
function fromClaude(words: readonly string[]): Found {
  const env: Record<string, string> = {};
  const headers: Record<string, string> = {};
  const plain: string[] = [];
  let type: string | undefined;
  const left = [...words];
  while (left.length > 0) {
    const word = left.shift() ?? '';
    if (word === '--' || (plain.length > 1 && !/^(?:--header|-H|--env|-e)$/.test(word))) {
      plain.push(...(word === '--' ? [] : [word]), ...left.splice(0));
    } else if (word === '--transport' || word === '-t') type = left.shift();
    else if (word === '--env' || word === '-e')
      Object.assign(env, Object.fromEntries([splitPair('=')(left.shift() ?? '')]));
    else if (word === '--header' || word === '-H') {
      Object.assign(headers, Object.fromEntries([splitPair(':')(left.shift() ?? '')]));
    } else if (word === '--scope' || word === '-s') left.shift();
    else plain.push(word);
  }
  const [name = '', target = '', ...args] = plain;
  if (target === '') return { fault: 'The command names no server: "claude mcp add <name> <URL or command>".' };
  const isUrl = /^https?:\/\//.test(target);
  return one(fromEntry(name, isUrl ? { url: target, type, headers } : { command: target, args, env }));
}

function one(found: FoundServer | undefined): Found {
  return found === undefined ? { fault: 'There is no server in it.' } : { servers: [found] };
}

/** Words as a shell reads them, without running anything. */
function splitCommand(text: string): string[] {
  const joined = text.replaceAll(/\\\r?\n/g, ' ').replace(/^\$\s+/, '');
  const words = joined.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g, (_, double?: string, single?: string, escaped?: string) =>
      double === undefined ? (single ?? escaped ?? '') : double.replaceAll(/\\(.)/g, '$1'),
    ),
  );
}

/** The name of a package or program, without what all of them share. */
function nameOfCommand(words: readonly string[]): string {
  const runners = /^(?:npx|uvx|bunx|node|python3?|docker|run|deno|pnpm|dlx|exec|uv)$/;
  const plain = words.map((word) => word.split(/[/\\]/).at(-1) ?? '').filter((word) => !word.startsWith('-'));
  const word = plain.find((candidate) => candidate !== '' && !runners.test(candidate)) ?? plain[0] ?? '';
  return word
    .replace(/@[\w.-]+$/, '')
    .replace(/\.\w+$/, '')
    .replaceAll(/^(?:mcp-)?server-|-mcp(?:-server)?$|^mcp-/g, '');
}

function nameOfUrl(url: string): string {
  if (!URL.canParse(url)) return 'server';
  const { hostname } = new URL(url);
  if (/^[\d.]+$|:/.test(hostname)) return 'server';
  const labels = hostname.split('.').slice(0, -1);
  return labels.findLast((label) => !/^(?:mcp|www|api|com?)$/.test(label)) ?? hostname;
}

/** The rules of contract/mcp-client.ts: ASCII, no "-", no space, no leading digit. */
export function cleanName(name: string): string {
  const clean = name.replaceAll(/[^A-Za-z0-9_.]+/g, '_').replaceAll(/^_+|_+$/g, '');
  return clean === '' ? 'server' : /^\d/.test(clean) ? `s${clean}` : clean;
}

function urlOf({ url, serverUrl, httpUrl }: JsonObject): string | undefined {
  return [url, serverUrl, httpUrl].find((value): value is string => typeof value === 'string' && value !== '');
}

/** VS Code allows comments and commas at the end. A text in quotes is left alone. */
function withoutComments(text: string): string {
  const plain = text.replaceAll(
    /("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, quoted?: string) => quoted ?? '',
  );
  return plain.replaceAll(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, (_, quoted?: string) => quoted ?? '');
}

function splitPair(separator: string): (text: string) => [string, string] {
  return (text) => {
    const at = text.indexOf(separator);
    return at === -1 ? [text, ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  };
}

function mapTexts(value: unknown, read: (text: string) => string): Record<string, string> {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, read(String(text))]));
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
