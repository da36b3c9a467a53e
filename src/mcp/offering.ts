import { canUseServer, canUseTool, type ToolFilter } from '../governance/access.ts';
import { compilePrice } from '../governance/price.ts';
import type { Listed } from '../store/mcp-clients.ts';
import { paramHeadersOf, type ParamHeader } from './upstream/param-headers.ts';
import type { BuiltIns } from './built-in.ts';
import type { Profile } from './profile.ts';
import { replaceMember, rewriteUris } from './rewrite.ts';
import { indexResources } from './resource-index.ts';
import type { Upstream } from './upstream/upstream.ts';
import type { ToolMode } from './tool-mode.ts';
import type { Entry, Lists, NamedTool, View } from './view.ts';

/** Everything that the servers offer to clients with one profile; what a caller sees of it is cut out of this. */
export interface Offering {
  /** What a virtual key sees through a filter; without both, all that the servers' own lists admit. */
  restrict(virtualKey: string | undefined, filter: ToolFilter | undefined, mode: ToolMode | undefined): View;
  /** By public name, whether or not anybody may use it. */
  findTool(name: string): NamedTool | undefined;
}

/** Makes the public name of a tool or prompt. */
export type NameOf = (client: string, own: string) => string;

interface Item extends Entry {
  readonly name: string;
  readonly json: string;
  readonly listed: Listed;
}

/** Compiles what the servers offer: names made public, addresses told apart, everything in order. */
export function compileOffering(
  all: Iterable<Upstream>,
  profile: Profile | undefined,
  nameOf: NameOf,
  builtIns: readonly BuiltIns[] = [],
): Offering {
  const registered = [...all];
  const upstreams = registered.filter(({ client }) => !client.disabled);
  const index = indexResources(upstreams, profile);

  function named(upstream: Upstream, items: readonly Listed[]): Item[] {
    return items.map((listed) => {
      const { name: own, json } = listed;
      const name = nameOf(upstream.client.name, own);
      const renamed = replaceMember(json, 'name', JSON.stringify(name));
      return { name, own, upstream, listed, json: rewriteUris(renamed, index.renames(upstream)) };
    });
  }

  // Those of disabled servers too: nobody may use them, but somebody may ask why.
  const tools = sorted(
    registered.flatMap((upstream) => {
      const offered = upstream.offerFor(profile).tools;
      const headers = new Map(offered.map((tool) => [tool.name, headersOf(tool)]));
      const prices = new Map(Object.entries(upstream.client.tool_pricing));
      return named(upstream, offered).map((item) => ({
        ...item,
        paramHeaders: headers.get(item.own) ?? [],
        price: compilePrice(prices.get(item.own)),
      }));
    }),
  );
  const prompts = sorted(upstreams.flatMap((upstream) => named(upstream, upstream.offerFor(profile).prompts)));

  let byName: ReadonlyMap<string, NamedTool> | undefined;
  return {
    restrict(virtualKey, filter, mode) {
      const seen = new Set(upstreams.filter((upstream) => canUseServer(upstream, virtualKey, filter)));
      const isWhole = virtualKey === undefined && filter === undefined;
      const usable = tools.filter((tool) => canUseTool(tool.upstream, tool, virtualKey, filter));
      const owners = new Set(usable.map(({ upstream }) => upstream));
      const folds = builtIns.map((own) => [...owners].filter(({ client }) => own.folds(client, mode)));
      const folded = new Set(folds.flat());
      const listed = usable.filter(({ upstream }) => !folded.has(upstream));
      const inPlace = builtIns.flatMap((own, at) => own.definitions(folds[at] ?? []));
      const shown = isWhole ? prompts : prompts.filter(({ upstream }) => seen.has(upstream));
      const resources = isWhole ? index : index.restrict(seen);
      return {
        tools: new Map(usable.map((tool) => [tool.name, tool])),
        prompts: new Map(shown.map((prompt) => [prompt.name, prompt])),
        resources,
        lists: {
          tools: member('tools', [...listed.map(jsonOf), ...inPlace]),
          prompts: member('prompts', shown.map(jsonOf)),
          resources: member('resources', resources.resources),
          resourceTemplates: member('resourceTemplates', resources.templates),
        },
        folded,
        upstreams: [...seen],
        stale: [...seen]
          .filter(({ state }) => state !== 'connected')
          .map(({ client }) => client.name)
          .toSorted(),
      };
    },
    findTool(name) {
      byName ??= new Map(tools.map((tool) => [tool.name, tool]));
      return byName.get(name);
    },
  };
}

/** Annotations that break the rules, on a server for which they are not binding, are passed over. */
function headersOf(tool: Listed): readonly ParamHeader[] {
  const read = paramHeadersOf(tool);
  return read.valid ? read.headers : [];
}

/** In the order of the names, which is the same on every node and whatever the connect order. */
function sorted<T extends Item>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function jsonOf({ json }: Item): string {
  return json;
}

function member(name: keyof Lists, items: readonly string[]): Buffer {
  return Buffer.from(`"${name}":[${items.join(',')}]`);
}
