import { scanObject } from '../lib/json-scan.ts';
import { admits, publicToolName } from '../lib/tool-names.ts';
import type { Tool } from '../store/mcp-clients.ts';
import type { Upstream } from './upstream.ts';

/** One tool that a caller may call. */
export interface CatalogEntry {
  readonly upstream: Upstream;
  readonly tool: Tool;
}

/** What one kind of caller sees, compiled once: a request takes the view and keeps it. */
export interface View {
  readonly entries: ReadonlyMap<string, CatalogEntry>;
  /** `"tools":[…]` with every tool under its public name: the inside of a tools/list result, ready to send. */
  readonly toolsMember: Buffer;
  /** Names of the servers that are not connected; their tools are as of the last listing. */
  readonly stale: readonly string[];
}

export interface Catalog {
  view(): View;
  /** Something that views are made of has changed. */
  invalidate(): void;
  /** Called when the list that callers see has become another one. */
  onListChanged(listener: () => void): void;
}

export function createCatalog(upstreams: () => Iterable<Upstream>): Catalog {
  const listeners: (() => void)[] = [];
  let current: View | undefined;
  let announced: Buffer | undefined;
  let isCheckPlanned = false;

  function view(): View {
    current ??= compile(upstreams());
    announced ??= current.toolsMember;
    return current;
  }

  /** After all that happens in this turn of the loop: a burst of changes is announced once, and one that came back not at all. */
  function announce(): void {
    isCheckPlanned = false;
    const before = announced;
    const { toolsMember } = view();
    announced = toolsMember;
    if (before === undefined || before.equals(toolsMember)) return;
    for (const listener of listeners) listener();
  }

  return {
    view,
    invalidate() {
      current = undefined;
      if (isCheckPlanned) return;
      isCheckPlanned = true;
      setImmediate(announce);
    },
    onListChanged: (listener) => void listeners.push(listener),
  };
}

function compile(upstreams: Iterable<Upstream>): View {
  const entries = new Map<string, CatalogEntry>();
  const stale: string[] = [];
  for (const upstream of upstreams) {
    const { client, state, tools } = upstream;
    if (client.disabled) continue;
    if (state !== 'connected') stale.push(client.name);
    for (const tool of tools) {
      if (admits(client.tools_to_execute, tool.name))
        entries.set(publicToolName(client.name, tool.name), { upstream, tool });
    }
  }
  const sorted = [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const tools = sorted.map(([name, { tool }]) => withName(tool.json, name));
  return {
    entries: new Map(sorted),
    toolsMember: Buffer.from(`"tools":[${tools.join(',')}]`),
    stale: stale.toSorted(),
  };
}

/** The tool's definition with another name; every other byte stays as its server wrote it. */
function withName(json: string, name: string): string {
  const bytes = Buffer.from(json);
  let from = 0;
  let to = 0;
  scanObject(bytes, (key, start, end) => {
    if (key === 'name') [from, to] = [start, end];
  });
  return bytes.toString('utf8', 0, from) + JSON.stringify(name) + bytes.toString('utf8', to);
}
