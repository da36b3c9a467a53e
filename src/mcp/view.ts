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

/** A tool or prompt under the name that callers know it by. */
export interface NamedItem extends Entry {
  readonly name: string;
  /** Its definition under its public name, as JSON text. */
  readonly json: string;
  /** As its server lists it: the same object for as long as it is listed like this. */
  readonly listed: Listed;
}

/** A tool that a caller may use. */
export interface ToolEntry extends Omit<NamedItem, 'name'> {
  /** The arguments that headers repeat. */
  readonly paramHeaders: readonly ParamHeader[];
  readonly price: CompiledPrice;
}

/** A tool under the name that callers know it by. */
export type NamedTool = ToolEntry & NamedItem;

/** The lists, each as the member of a result, ready to send: `"tools":[…]`. Written anew each time they are read. */
export interface Lists {
  readonly tools: Buffer;
  readonly prompts: Buffer;
  readonly resources: Buffer;
  readonly resourceTemplates: Buffer;
}

/** What is seen of one server. */
export interface Shelf {
  readonly upstream: Upstream;
  readonly tools: readonly NamedTool[];
  readonly prompts: readonly NamedItem[];
  /** False when its tools can be called by name, but are listed only in the shape of built-in tools. */
  readonly isListed: boolean;
}

/**
 * What some callers see, compiled once: a request takes the view and keeps it. The same object for as long as they see the same,
 * so that whatever is made of it can be kept with it.
 */
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
  /** Names of the servers that are not connected right now; what they offer is as of the last listing. */
  readonly stale: readonly string[];
  /** What is seen of each server, in order of registration. */
  readonly shelves: readonly Shelf[];
  /** The definitions of built-in tools, as JSON texts. */
  readonly builtIns: readonly string[];
}
