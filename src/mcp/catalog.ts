import { setTimeout as sleep } from 'node:timers/promises';
import { createToolFilter, grantOf } from '../governance/access.ts';
import { createLatest } from '../lib/latest.ts';
import { publicToolName } from '../lib/tool-names.ts';
import type { BuiltIns } from './built-in.ts';
import { compileOffering, type NameOf, type Offering } from './offering.ts';
import type { Profile } from './profile.ts';
import type { Upstream } from './upstream/upstream.ts';
import type { Lists, NamedTool, View } from './view.ts';
import type { Audience } from './audience.ts';

export interface Catalog {
  /** What this audience sees right now. Audiences with equal rights get the same view. */
  view(audience: Audience): View;
  /** A tool by its public name, whether or not anybody may use it. */
  findTool(name: string): NamedTool | undefined;
  /** Finds out what legacy servers offer to clients with this profile; waits for slow ones only so long. */
  prepare(profile: Profile): Promise<void>;
  /** Something that views are made of has changed. */
  invalidate(): void;
  /** Virtual keys, or what they are granted, have changed, and nothing else: what was compiled stays good. */
  invalidateRights(): void;
  /** Calls the listener with the lists that the audience now sees differently. Gives the function that ends it. */
  watch(audience: Audience, listener: (changed: readonly (keyof Lists)[]) => void): () => void;
}

interface Watcher {
  readonly audience: Audience;
  readonly listener: (changed: readonly (keyof Lists)[]) => void;
  announced: Lists;
}

interface CatalogDeps {
  readonly upstreams: () => Iterable<Upstream>;
  /** Whether a virtual key exists, is active and has not expired: without that its bearer sees nothing. */
  readonly isUsable: (virtualKey: string) => boolean;
  readonly nameOf?: NameOf;
  readonly builtIns?: readonly BuiltIns[];
}

/** How long a first listing waits for what servers offer to a new kind of client. */
const PREPARE_MS = 3_000;
/** Clients choose their profile and their filter, so what is kept for each is bounded. */
const MAX_OFFERINGS = 32;
const MAX_VIEWS = 1_000;
/** Rights by name: those of operators, and those of a key that is no longer good. */
const ALL_RIGHTS = '*';
const NO_RIGHTS = '-';
const NOTHING = createToolFilter([], []);

/** What there is to see, and for whom. Compiled when somebody asks after a change, never twice for equal rights. */
export function createCatalog({ upstreams, isUsable, nameOf = publicToolName, builtIns }: CatalogDeps): Catalog {
  const watchers = new Set<Watcher>();
  const offerings = createLatest<string, Offering>(MAX_OFFERINGS);
  const views = createLatest<string, View>(MAX_VIEWS);
  /** A short name for what each virtual key is granted; keys with equal grants have the same, and so share their views. */
  const rights = new Map<string, string>();
  const rightsByGrants = new Map<string, string>();
  let isCheckPlanned = false;

  function offeringOf(profile: Profile | undefined): Offering {
    return offerings.get(profile?.key ?? '', () => compileOffering(upstreams(), profile, nameOf, builtIns));
  }

  function rightsOf(virtualKey: string): string {
    if (!isUsable(virtualKey)) return NO_RIGHTS;
    const known = rights.get(virtualKey);
    if (known !== undefined) return known;
    if (rightsByGrants.size >= MAX_VIEWS) forgetRights();
    const grants = JSON.stringify([...upstreams()].map((upstream) => grantOf(upstream, virtualKey)));
    const name = rightsByGrants.get(grants) ?? String(rightsByGrants.size);
    rightsByGrants.set(grants, name);
    rights.set(virtualKey, name);
    return name;
  }

  /** Names of rights are given anew, so that no view may outlive them. */
  function forgetRights(): void {
    views.clear();
    rights.clear();
    rightsByGrants.clear();
  }

  function planCheck(): void {
    if (isCheckPlanned) return;
    isCheckPlanned = true;
    setImmediate(announce);
  }

  function view({ profile, virtualKey, filter, mode }: Audience): View {
    const name = virtualKey === undefined ? ALL_RIGHTS : rightsOf(virtualKey);
    const key = `${name}\n${filter?.key ?? ''}\n${profile?.key ?? ''}\n${mode ?? ''}`;
    return views.get(key, () => offeringOf(profile).restrict(virtualKey, name === NO_RIGHTS ? NOTHING : filter, mode));
  }

  /** After all that happens in this turn of the loop: a burst of changes is announced once, and one that came back not at all. */
  function announce(): void {
    isCheckPlanned = false;
    const compared = new Map<Lists, Map<Lists, (keyof Lists)[]>>();
    for (const watcher of watchers) {
      const { lists } = view(watcher.audience);
      const changed = compare(watcher.announced, lists, compared);
      watcher.announced = lists;
      if (changed.length > 0) watcher.listener(changed);
    }
  }

  return {
    view,
    findTool: (name) => offeringOf(undefined).findTool(name),
    async prepare(profile) {
      const learning = Promise.all([...upstreams()].map((upstream) => upstream.learn(profile)));
      await Promise.race([learning, sleep(PREPARE_MS, undefined, { ref: false })]);
    },
    invalidate() {
      offerings.clear();
      forgetRights();
      planCheck();
    },
    invalidateRights() {
      rights.clear();
      planCheck();
    },
    watch(audience, listener) {
      const watcher: Watcher = { audience, listener, announced: view(audience).lists };
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
  };
}

/** The lists that differ. Thousands of watchers see the same few lists, so each pair is compared once. */
function compare(
  before: Lists,
  after: Lists,
  compared: Map<Lists, Map<Lists, (keyof Lists)[]>>,
): readonly (keyof Lists)[] {
  if (before === after) return [];
  const ofBefore = compared.get(before) ?? new Map<Lists, (keyof Lists)[]>();
  compared.set(before, ofBefore);
  const known =
    ofBefore.get(after) ?? (Object.keys(after) as (keyof Lists)[]).filter((kind) => !before[kind].equals(after[kind]));
  ofBefore.set(after, known);
  return known;
}
