import { canUseTool, type ToolFilter } from '../governance/access.ts';
import { compilePrice, type CompiledPrice } from '../governance/price.ts';
import type { Listed, McpClient, Offer } from '../store/mcp-clients.ts';
import { rewriteUris, withString, type Renames } from './rewrite.ts';
import { paramHeadersOf, type ParamHeader } from './upstream/param-headers.ts';
import type { Upstream } from './upstream/upstream.ts';
import type { NamedItem, NamedTool } from './view.ts';

/** Makes the public name of a tool or prompt. */
export type NameOf = (client: string, own: string) => string;

/** What one server offers, made public. It stays the same object for as long as what it was compiled from does. */
export interface Part {
  readonly upstream: Upstream;
  /** In the order of their public names, which is the same on every node and whatever the connect order. */
  readonly tools: readonly NamedTool[];
  readonly prompts: readonly NamedItem[];
  /** The tools that a virtual key may use through a filter; without both, all that the server's own list admits. */
  usable(
    virtualKey: string | undefined,
    granted: readonly string[],
    filter: ToolFilter | undefined,
  ): readonly NamedTool[];
}

/** What a part is compiled from. */
interface Source {
  readonly client: McpClient;
  readonly offer: Offer;
  readonly renames: Renames;
}

/** Compiles what servers offer, one by one, and again only what has changed. */
export interface Parts {
  partOf(upstream: Upstream, offer: Offer, renames: Renames): Part;
}

/** Clients with different profiles may be offered different things, so a server can have several parts at a time. */
const MAX_PARTS = 8;

export function createParts(nameOf: NameOf): Parts {
  const known = new WeakMap<Upstream, (Source & { readonly part: Part })[]>();

  return {
    partOf(upstream, offer, renames) {
      const { client } = upstream;
      const parts = known.get(upstream) ?? [];
      const found = parts.find((one) => one.client === client && one.offer === offer && one.renames === renames);
      if (found !== undefined) return found.part;
      const part = compilePart(upstream, { client, offer, renames }, nameOf);
      const good = parts.filter((one) => one.client === client).slice(1 - MAX_PARTS);
      known.set(upstream, [...good, { client, offer, renames, part }]);
      return part;
    },
  };
}

function compilePart(upstream: Upstream, { client, offer, renames }: Source, nameOf: NameOf): Part {
  const prices = new Map(Object.entries(client.tool_pricing));
  const tools = sorted(
    offer.tools.map((listed) => {
      const { name: own } = listed;
      return new PublicTool(nameOf(client.name, own), listed, {
        upstream,
        renames,
        price: compilePrice(prices.get(own)),
      });
    }),
  );
  const prompts = sorted(
    offer.prompts.map((listed) => new PublicItem(nameOf(client.name, listed.name), listed, { upstream, renames })),
  );
  /** Thousands of keys are granted the same few lists. */
  const cuts = new WeakMap<readonly string[], readonly NamedTool[]>();

  return {
    upstream,
    tools,
    prompts,
    usable(virtualKey, granted, filter) {
      const known = filter === undefined ? cuts.get(granted) : undefined;
      if (known !== undefined) return known;
      const cut = tools.filter((tool) => canUseTool(upstream, tool, virtualKey, filter));
      if (filter === undefined) cuts.set(granted, cut);
      return cut;
    },
  };
}

interface Owner {
  readonly upstream: Upstream;
  readonly renames: Renames;
}

/** Something that a server lists, under its public name. Its text is written when it is read: most are hardly ever. */
class PublicItem implements NamedItem {
  readonly name: string;
  readonly listed: Listed;
  readonly upstream: Upstream;
  readonly #renames: Renames;

  constructor(name: string, listed: Listed, { upstream, renames }: Owner) {
    this.name = name;
    this.listed = listed;
    this.upstream = upstream;
    this.#renames = renames;
  }

  get own(): string {
    return this.listed.name;
  }

  get json(): string {
    return rewriteUris(withString(this.listed.json, 'name', this.name), this.#renames).toString();
  }
}

class PublicTool extends PublicItem implements NamedTool {
  readonly price: CompiledPrice;

  constructor(name: string, listed: Listed, owner: Owner & { readonly price: CompiledPrice }) {
    super(name, listed, owner);
    this.price = owner.price;
  }

  /** Annotations that break the rules, on a server for which they are not binding, are passed over. */
  get paramHeaders(): readonly ParamHeader[] {
    const read = paramHeadersOf(this.listed);
    return read.valid ? read.headers : NO_HEADERS;
  }
}

const NO_HEADERS: readonly ParamHeader[] = [];

/** In the order of the names. */
export function sorted<T extends { readonly name: string }>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
