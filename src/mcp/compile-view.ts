import { sorted } from './part.ts';
import type { ResourceIndex } from './resource-index.ts';
import type { Upstream } from './upstream/upstream.ts';
import type { Lists, NamedItem, Shelf, View } from './view.ts';

/** What a view is made of. */
export interface Ingredients {
  readonly shelves: readonly Shelf[];
  readonly resources: ResourceIndex;
  readonly builtIns: readonly string[];
}

/** Makes the view that shows this. Nothing of it is written before somebody reads it: most changes come between two readers. */
export function compileView({ shelves, resources, builtIns }: Ingredients): View {
  const toolsOf = (isWanted: (shelf: Shelf) => boolean) => inOrder(shelves.filter(isWanted).map(({ tools }) => tools));
  const prompts = () => inOrder(shelves.map((shelf) => shelf.prompts));
  const toolMap = once(() => new Map(toolsOf(() => true).map((tool) => [tool.name, tool])));
  const promptMap = once(() => new Map(prompts().map((prompt) => [prompt.name, prompt])));
  return {
    get tools() {
      return toolMap();
    },
    get prompts() {
      return promptMap();
    },
    resources,
    lists: {
      get tools() {
        return member('tools', [...toolsOf(({ isListed }) => isListed).map(jsonOf), ...builtIns]);
      },
      get prompts() {
        return member('prompts', prompts().map(jsonOf));
      },
      get resources() {
        return member('resources', resources.resources);
      },
      get resourceTemplates() {
        return member('resourceTemplates', resources.templates);
      },
    },
    folded: new Set(shelves.filter(({ isListed }) => !isListed).map(({ upstream }) => upstream)),
    upstreams: shelves.map(({ upstream }) => upstream),
    get stale() {
      return staleOf(shelves);
    },
    shelves,
    builtIns,
  };
}

/** The lists that one view shows otherwise than another. Looks only at the servers of which they show different things. */
export function changedLists(before: View, after: View): readonly (keyof Lists)[] {
  const changed: (keyof Lists)[] = [];
  const listed = ({ isListed, tools }: Shelf) => (isListed ? tools : NOTHING);
  if (isOther(before, after, listed) || !sameTexts(before.builtIns, after.builtIns)) changed.push('tools');
  if (isOther(before, after, ({ prompts }) => prompts)) changed.push('prompts');
  if (!sameTexts(before.resources.resources, after.resources.resources)) changed.push('resources');
  if (!sameTexts(before.resources.templates, after.resources.templates)) changed.push('resourceTemplates');
  return changed;
}

const NOTHING: readonly NamedItem[] = [];

function isOther(before: View, after: View, itemsOf: (shelf: Shelf) => readonly NamedItem[]): boolean {
  const [former, now] = [before, after].map(({ shelves }) => new Set(shelves.map(itemsOf)));
  const size = (lists: Iterable<readonly NamedItem[]> = []): number =>
    [...lists].reduce((sum, { length }) => sum + length, 0);
  if (size(former) !== size(now)) return true;
  const textsOf = (items: Set<readonly NamedItem[]> = new Set(), others: Set<readonly NamedItem[]> = new Set()) =>
    inOrder([...items].filter((list) => !others.has(list))).map(jsonOf);
  return !sameTexts(textsOf(former, now), textsOf(now, former));
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, index) => text === b[index]));
}

/** Lists that are in the order of their names themselves, as one that is. */
function inOrder<T extends NamedItem>(lists: readonly (readonly T[])[]): T[] {
  // The names of a server begin alike, so that this leaves next to nothing to be sorted.
  const byFirst = lists.toSorted(([a], [b]) => ((a?.name ?? '') < (b?.name ?? '') ? -1 : 1));
  return sorted(byFirst.flat());
}

function staleOf(shelves: readonly Shelf[]): string[] {
  const gone = shelves.filter(({ upstream }) => upstream.state !== 'connected');
  return gone.map(({ upstream }: { upstream: Upstream }) => upstream.client.name).toSorted();
}

function jsonOf({ json }: NamedItem): string {
  return json;
}

function member(name: keyof Lists, items: readonly string[]): Buffer {
  return Buffer.from(`"${name}":[${items.join(',')}]`);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
