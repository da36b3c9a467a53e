import { createLatest } from '../lib/latest.ts';
import { admits } from '../lib/tool-names.ts';

/** A server as rights see it. */
export interface Guarded {
  readonly client: {
    readonly name: string;
    readonly disabled: boolean;
    readonly tools_to_execute: readonly string[];
    readonly allow_on_all_virtual_keys: boolean;
  };
  /** White lists by virtual key id: the rows that `vk_configs` and `mcp_configs` edit. */
  readonly grants: ReadonlyMap<string, readonly string[]>;
}

/** A tool as rights see it: under the name that callers use, and the server's own. */
export interface Named {
  readonly name: string;
  readonly own: string;
}

/** What a caller asks to be shown no more than, with `x-bf-mcp-include-clients` and `x-bf-mcp-include-tools`. */
export interface ToolFilter {
  /** The same text for the same filter. */
  readonly key: string;
  /** Undefined: not restricted. Empty: nothing. */
  readonly clients: ReadonlySet<string> | undefined;
  readonly tools: ReadonlySet<string> | undefined;
}

const ALL: readonly string[] = Object.freeze(['*']);
const NONE: readonly string[] = Object.freeze([]);

/**
 * What a virtual key may call of a server, before the server's own list: its explicit row, even an empty one, else everything if
 * the server is open to all keys. Without a key there is no such restriction.
 */
export function grantOf({ client, grants }: Guarded, virtualKey: string | undefined): readonly string[] {
  if (virtualKey === undefined) return ALL;
  return grants.get(virtualKey) ?? (client.allow_on_all_virtual_keys ? ALL : NONE);
}

/** Whether a filter lets anything of a server through. */
export function includesServer(filter: ToolFilter | undefined, name: string): boolean {
  if (filter === undefined) return true;
  const { clients, tools } = filter;
  if (clients !== undefined && !clients.has(name)) return false;
  return tools === undefined || [...tools].some((tool) => belongsTo(tool, name));
}

/** The documented form has a dash; without one an older spelling with "_" is meant. */
function belongsTo(tool: string, server: string): boolean {
  return tool.startsWith(`${server}-`) || (!tool.includes('-') && tool.startsWith(`${server}_`));
}

/** Whether a filter lets a tool through: it is named, or every tool of its server is. */
export function includesTool(filter: ToolFilter | undefined, server: string, { name, own }: Named): boolean {
  if (filter === undefined) return true;
  const { clients, tools } = filter;
  if (clients !== undefined && !clients.has(server)) return false;
  if (tools === undefined) return true;
  return [name, `${server}-${own}`, `${server}-*`, `${server}_${own}`, `${server}_*`].some((entry) => tools.has(entry));
}

/** Whether a caller may use a tool of a server: every list must admit it, and none can widen another. */
export function canUseTool(
  server: Guarded,
  tool: Named,
  virtualKey: string | undefined,
  filter: ToolFilter | undefined,
): boolean {
  const { client } = server;
  return (
    !client.disabled &&
    admits(client.tools_to_execute, tool.own) &&
    admits(grantOf(server, virtualKey), tool.own) &&
    includesTool(filter, client.name, tool)
  );
}

/** Whether a caller sees a server at all, and with it the prompts and resources, which have no rights of their own. */
export function canUseServer(server: Guarded, virtualKey: string | undefined, filter: ToolFilter | undefined): boolean {
  return (
    !server.client.disabled && grantOf(server, virtualKey).length > 0 && includesServer(filter, server.client.name)
  );
}

/** Reads the two headers. Absent means no restriction, empty means nothing, `*` everything. */
export function readToolFilter(headers: Readonly<Record<string, string | readonly string[] | undefined>>) {
  const clients = headers['x-bf-mcp-include-clients'];
  const tools = headers['x-bf-mcp-include-tools'];
  if (clients === undefined && tools === undefined) return undefined;
  // No value of a header has an end of line in it.
  const id = `${tools === undefined ? '' : `=${String(tools)}`}\n${clients === undefined ? '' : `=${String(clients)}`}`;
  return lateFilters.get(id, () => createToolFilter(readNames(clients), readNames(tools)));
}

/** A client says the same with every request. */
const lateFilters = createLatest<string, ToolFilter>(256);

/** A filter of these names; undefined does not restrict. */
export function createToolFilter(
  clients: readonly string[] | undefined,
  tools: readonly string[] | undefined,
): ToolFilter {
  const asSet = (names: readonly string[] | undefined): ReadonlySet<string> | undefined =>
    names === undefined || names.includes('*') ? undefined : new Set(names.toSorted());
  const sets = { clients: asSet(clients), tools: asSet(tools) };
  return { ...sets, key: JSON.stringify([sets.clients && [...sets.clients], sets.tools && [...sets.tools]]) };
}

function readNames(header: string | readonly string[] | undefined): string[] | undefined {
  if (header === undefined) return undefined;
  const names = String(header).split(',');
  return names.map((name) => name.trim()).filter((name) => name !== '');
}
