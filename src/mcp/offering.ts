import { canUseServer, grantOf, type ToolFilter } from '../governance/access.ts';
import type { BuiltIns } from './built-in.ts';
import { compileView } from './compile-view.ts';
import type { Part, Parts } from './part.ts';
import type { Profile } from './profile.ts';
import { indexResources, type ResourceIndex } from './resource-index.ts';
import type { ToolMode } from './tool-mode.ts';
import type { Upstream } from './upstream/upstream.ts';
import type { NamedTool, Shelf, View } from './view.ts';

/** Who looks, and what they ask to be shown. */
export interface Look {
  readonly virtualKey: string | undefined;
  readonly filter: ToolFilter | undefined;
  readonly mode: ToolMode | undefined;
}

/** A view, and what it was compiled from: while that stays the same, so does the view. */
export interface Seen {
  readonly view: View;
  readonly from: readonly unknown[];
}

/** Everything that the servers offer to clients with one profile; what a caller sees of it is cut out of this. */
export interface Offering {
  /** Looks at the servers as they are now. Nothing is compiled that has not changed. */
  refresh(upstreams: readonly Upstream[]): void;
  /** What is seen of these servers, which are some or all of those that there are; the former view if that is the same. */
  see(upstreams: readonly Upstream[], look: Look, former: Seen | undefined): Seen;
  /** By public name, whether or not anybody may use it. */
  findTool(name: string): NamedTool | undefined;
}

/** Follows what the servers offer: names made public, addresses told apart, everything in order. */
export function createOffering(
  profile: Profile | undefined,
  parts: Parts,
  builtIns: readonly BuiltIns[] = [],
): Offering {
  let registered: readonly Upstream[] = [];
  let sources: readonly unknown[] = [];
  let index: ResourceIndex = indexResources([], profile);

  function partOf(upstream: Upstream): Part {
    return parts.partOf(upstream, upstream.offerFor(profile), index.renames(upstream));
  }

  return {
    refresh(upstreams) {
      registered = upstreams;
      const enabled = upstreams.filter(({ client }) => !client.disabled);
      const now = enabled.flatMap((upstream) => {
        const { resources, resourceTemplates } = upstream.offerFor(profile);
        return [upstream, upstream.client.name, resources, resourceTemplates];
      });
      if (isSame(sources, now)) return;
      sources = now;
      index = indexResources(enabled, profile);
    },
    see(upstreams, { virtualKey, filter, mode }, former) {
      const servers = upstreams.filter((upstream) => canUseServer(upstream, virtualKey, filter));
      const seen = servers.map((upstream) => ({ part: partOf(upstream), granted: grantOf(upstream, virtualKey) }));
      const from = [index, ...seen.flatMap(({ part, granted }) => [part, granted])];
      if (former !== undefined && isSame(former.from, from)) return former;
      const cut = seen.map(({ part, granted }) => ({ part, tools: part.usable(virtualKey, granted, filter) }));
      const owners = cut.filter(({ tools }) => tools.length > 0).map(({ part }) => part.upstream);
      const folds = builtIns.map((own) => owners.filter(({ client }) => own.folds(client, mode)));
      const folded = new Set(folds.flat());
      const shelves = cut.map(({ part: { upstream, prompts }, tools }): Shelf => {
        return { upstream, tools, prompts, isListed: !folded.has(upstream) };
      });
      // Whoever sees everything sees all addresses, also of what disabled servers would have.
      const resources = virtualKey === undefined && filter === undefined ? index : index.restrict(new Set(servers));
      const definitions = builtIns.flatMap((own, at) => own.definitions(folds[at] ?? []));
      return { view: compileView({ shelves, resources, builtIns: definitions }), from };
    },
    // Those of disabled servers too: nobody may use them, but somebody may ask why.
    findTool: (name) => registered.map((upstream) => findIn(partOf(upstream).tools, name)).findLast(Boolean),
  };
}

/** In a list that is in the order of the names. */
function findIn(tools: readonly NamedTool[], name: string): NamedTool | undefined {
  let [low, high] = [0, tools.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tools[middle]?.name ?? '') < name) low = middle + 1;
    else high = middle;
  }
  return tools[low]?.name === name ? tools[low] : undefined;
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}
