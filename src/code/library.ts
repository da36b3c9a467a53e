import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';
import type { McpClient } from '../store/mcp-clients.ts';
import { fold, nearest, toIdentifiers } from './names.ts';
import type { View } from '../mcp/view.ts';

/** A tool that code can call. */
export interface CodeTool {
  /** Its name in code. */
  readonly identifier: string;
  /** The name under which callers know it. */
  readonly name: string;
  /** The server's own name for it. */
  readonly own: string;
  readonly client: McpClient;
  readonly description: string;
  readonly input: JsonValue | undefined;
  readonly output: JsonValue | undefined;
}

/** A server as code sees it: a variable with a function per tool. */
export interface CodeServer {
  readonly identifier: string;
  /** Name of the client record. */
  readonly name: string;
  readonly tools: readonly CodeTool[];
}

/** All that one caller can call from code. */
export interface Library {
  readonly servers: readonly CodeServer[];
  /** A server by either of its names, however it is spelt. */
  findServer(name: string): Found<CodeServer>;
  /** A tool likewise. */
  findTool(server: string, tool: string): Found<CodeTool>;
}

/** What was found, or what to say instead. */
export type Found<T> = { readonly found: T } | { readonly found: undefined; readonly message: string };

/** Names that are asked for may be of any length, and are compared with many. */
const MAX_NAME = 300;

/** Reads the library out of what a caller sees. Only servers whose tools are folded are in it. */
export function compileLibrary({ tools, folded }: Pick<View, 'tools' | 'folded'>): Library {
  const byServer = new Map([...folded].map((upstream) => [upstream, [] as (readonly [string, string, string])[]]));
  for (const [name, { upstream, own, json }] of tools) byServer.get(upstream)?.push([name, own, json]);
  const sorted = [...byServer].toSorted(([a], [b]) => (a.client.name < b.client.name ? -1 : 1));
  const identifiers = toIdentifiers(sorted.map(([{ client }]) => client.name));
  const servers = sorted.map(([{ client }, items], index): CodeServer => {
    const own = toIdentifiers(items.map(([, tool]) => tool));
    return {
      identifier: identifiers[index] ?? '',
      name: client.name,
      tools: items.map(([name, tool, json], at) => readTool(own[at] ?? '', name, tool, client, json)),
    };
  });

  function findServer(asked: string): Found<CodeServer> {
    const name = asked.slice(0, MAX_NAME);
    const found = pick(servers, name, ({ identifier, name: given }) => [identifier, given]);
    if (found !== undefined) return { found };
    const names = servers.map(({ identifier }) => identifier);
    return { found: undefined, message: `there is no server "${name}"; ${suggest(name, names, 'servers')}` };
  }

  return {
    servers,
    findServer,
    findTool(server, asked) {
      const tool = asked.slice(0, MAX_NAME);
      const owner = findServer(server);
      if (owner.found === undefined) return owner;
      const found = pick(owner.found.tools, tool, ({ identifier, own, name }) => [identifier, own, name]);
      if (found !== undefined) return { found };
      const names = owner.found.tools.map(({ identifier }) => identifier);
      const message = `server "${owner.found.identifier}" has no tool "${tool}"; ${suggest(tool, names, 'tools')}`;
      return { found: undefined, message };
    },
  };
}

/** Definitions come from servers and may hold anything. */
function readTool(identifier: string, name: string, own: string, client: McpClient, json: string): CodeTool {
  const { description, inputSchema: input, outputSchema: output } = JSON.parse(json) as JsonObject;
  return {
    identifier,
    name,
    own,
    client,
    description: typeof description === 'string' ? description : '',
    input,
    output,
  };
}

/** By its exact name, else by what of the name counts, if only one has it. */
function pick<T>(items: readonly T[], name: string, namesOf: (item: T) => readonly string[]): T | undefined {
  const exact = items.find((item) => namesOf(item).includes(name));
  if (exact !== undefined) return exact;
  const alike = items.filter((item) => namesOf(item).some((one) => fold(one) === fold(name)));
  return alike.length === 1 ? alike[0] : undefined;
}

/** The nearest names, or the first ones of all. */
function suggest(name: string, names: readonly string[], what: string): string {
  const near = nearest(name, names);
  if (near.length > 0) return `did you mean ${near.join(', ')}?`;
  const more = names.length > 20 ? ', …' : '';
  return names.length === 0 ? `there are no ${what}` : `there are: ${names.slice(0, 20).join(', ')}${more}`;
}
