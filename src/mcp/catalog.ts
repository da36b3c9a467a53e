import { setTimeout as sleep } from 'node:timers/promises';
import { publicToolName, admits } from '../lib/tool-names.ts';
import type { Listed } from '../store/mcp-clients.ts';
import { paramHeadersOf, type ParamHeader } from './upstream/param-headers.ts';
import type { Profile } from './profile.ts';
import { replaceMember, rewriteUris } from './rewrite.ts';
import { indexResources, type ResourceIndex } from './resource-index.ts';
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
}

/** The lists, each as the member of a result, ready to send: `"tools":[…]`. */
export interface Lists {
  readonly tools: Buffer;
  readonly prompts: Buffer;
  readonly resources: Buffer;
  readonly resourceTemplates: Buffer;
}

/** What one kind of caller sees, compiled once: a request takes the view and keeps it. */
export interface View {
  /** By public name. */
  readonly tools: ReadonlyMap<string, ToolEntry>;
  readonly prompts: ReadonlyMap<string, Entry>;
  readonly resources: ResourceIndex;
  readonly lists: Lists;
  /** The servers behind the view, in order of registration. */
  readonly upstreams: readonly Upstream[];
  /** Names of the servers that are not connected; what they offer is as of the last listing. */
  readonly stale: readonly string[];
}

export interface Catalog {
  /** What clients with this profile see. */
  view(profile?: Profile): View;
  /** Finds out what legacy servers offer to clients with this profile; waits for slow ones only so long. */
  prepare(profile: Profile): Promise<void>;
  /** Something that views are made of has changed. */
  invalidate(): void;
  /** Called with the lists that clients with this profile now see differently. */
  onListChanged(listener: ListChanged): void;
}

export type ListChanged = (kinds: readonly (keyof Lists)[], profileKey: string | undefined) => void;

/** How long a first listing waits for what servers offer to a new kind of client. */
const PREPARE_MS = 3_000;

type NameOf = (client: string, own: string) => string;

interface CatalogDeps {
  readonly upstreams: () => Iterable<Upstream>;
  /** Makes the public name of a tool or prompt. */
  readonly nameOf?: NameOf;
}

export function createCatalog({ upstreams, nameOf = publicToolName }: CatalogDeps): Catalog {
  const listeners: ListChanged[] = [];
  const views = new Map<
    string | undefined,
    { profile: Profile | undefined; current: View | undefined; announced: Lists }
  >();
  let isCheckPlanned = false;

  function view(profile?: Profile): View {
    const known = views.get(profile?.key);
    if (known?.current !== undefined) return known.current;
    const current = compile(upstreams(), profile, nameOf);
    views.set(profile?.key, { profile, current, announced: known?.announced ?? current.lists });
    return current;
  }

  /** After all that happens in this turn of the loop: a burst of changes is announced once, and one that came back not at all. */
  function announce(): void {
    isCheckPlanned = false;
    for (const [key, { profile, announced }] of views) {
      const { lists } = view(profile);
      const changed = (Object.keys(lists) as (keyof Lists)[]).filter((kind) => !announced[kind].equals(lists[kind]));
      if (changed.length === 0) continue;
      views.set(key, { profile, current: views.get(key)?.current, announced: lists });
      for (const listener of listeners) listener(changed, key);
    }
  }

  return {
    view,
    async prepare(profile) {
      const learning = Promise.all([...upstreams()].map((upstream) => upstream.learn(profile)));
      await Promise.race([learning, sleep(PREPARE_MS, undefined, { ref: false })]);
    },
    invalidate() {
      for (const known of views.values()) known.current = undefined;
      if (isCheckPlanned) return;
      isCheckPlanned = true;
      setImmediate(announce);
    },
    onListChanged: (listener) => void listeners.push(listener),
  };
}

interface Item {
  readonly name: string;
  readonly json: string;
  readonly listed: Listed;
  readonly entry: Entry;
}

function compile(all: Iterable<Upstream>, profile: Profile | undefined, nameOf: NameOf): View {
  const upstreams = [...all].filter(({ client }) => !client.disabled);
  const resources = indexResources(upstreams, profile);
  const named = (upstream: Upstream, items: readonly Listed[]): Item[] =>
    items.map((listed) => {
      const { name: own, json } = listed;
      const name = nameOf(upstream.client.name, own);
      const renamed = replaceMember(json, 'name', JSON.stringify(name));
      return { name, json: rewriteUris(renamed, resources.renames(upstream)), listed, entry: { upstream, own } };
    });
  const tools = sorted(
    upstreams.flatMap((upstream) => {
      const { tools_to_execute } = upstream.client;
      return named(
        upstream,
        upstream.offerFor(profile).tools.filter(({ name }) => admits(tools_to_execute, name)),
      );
    }),
  );
  const prompts = sorted(upstreams.flatMap((upstream) => named(upstream, upstream.offerFor(profile).prompts)));
  return {
    tools: new Map(tools.map(({ name, entry, listed }) => [name, { ...entry, paramHeaders: headersOf(listed) }])),
    prompts: new Map(prompts.map(({ name, entry }) => [name, entry])),
    resources,
    lists: {
      tools: member(
        'tools',
        tools.map(({ json }) => json),
      ),
      prompts: member(
        'prompts',
        prompts.map(({ json }) => json),
      ),
      resources: member('resources', resources.resources),
      resourceTemplates: member('resourceTemplates', resources.templates),
    },
    upstreams,
    stale: upstreams
      .filter(({ state }) => state !== 'connected')
      .map(({ client }) => client.name)
      .toSorted(),
  };
}

/** Annotations that break the rules, on a server for which they are not binding, are passed over. */
function headersOf(tool: Listed): readonly ParamHeader[] {
  const read = paramHeadersOf(tool);
  return read.valid ? read.headers : [];
}

/** In the order of the names, which is the same on every node and whatever the connect order. */
function sorted(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function member(name: keyof Lists, items: readonly string[]): Buffer {
  return Buffer.from(`"${name}":[${items.join(',')}]`);
}
