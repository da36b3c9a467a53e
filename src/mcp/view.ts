import type { CompiledPrice } from '../governance/price.ts';
import type { Listed } from '../store/mcp-clients.ts';
import type { ResourceIndex } from './resource-index.ts';
import type { ParamHeader } from './upstream/param-headers.ts';
import type { Upstream } from './upstream/upstream.ts';

/** Something that a caller may use: the server that has it, and the server's own name for it. */
export interface Entry {
  readonly upstream: Upstream;
  readonly own: string;
}

/** A tool that a caller may use. */
export interface ToolEntry extends Entry {
  /** The arguments that headers repeat. */
  readonly paramHeaders: readonly ParamHeader[];
  readonly price: CompiledPrice;
  /** Its definition under its public name, as JSON text. */
  readonly json: string;
  /** As its server lists it: the same object for as long as it is listed like this. */
  readonly listed: Listed;
}

/** A tool under the name that callers know it by. */
export interface NamedTool extends ToolEntry {
  readonly name: string;
}

/** The lists, each as the member of a result, ready to send: `"tools":[…]`. */
export interface Lists {
  readonly tools: Buffer;
  readonly prompts: Buffer;
  readonly resources: Buffer;
  readonly resourceTemplates: Buffer;
}

/** What some callers see, compiled once: a request takes the view and keeps it. */
export interface View {
  /** By public name. */
  readonly tools: ReadonlyMap<string, ToolEntry>;
  readonly prompts: ReadonlyMap<string, Entry>;
  readonly resources: ResourceIndex;
  readonly lists: Lists;
  /** Servers whose tools can be called by name, but are listed only in the shape of built-in tools. */
  readonly folded: ReadonlySet<Upstream>;
  /** The servers behind the view, in order of registration. */
  readonly upstreams: readonly Upstream[];
  /** Names of the servers that are not connected; what they offer is as of the last listing. */
  readonly stale: readonly string[];
}
