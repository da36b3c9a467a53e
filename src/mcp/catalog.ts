import { setTimeout as sleep } from 'node:timers/promises';
import { createToolFilter } from '../governance/access.ts';
import { createLatest } from '../lib/latest.ts';
import { publicToolName } from '../lib/tool-names.ts';
import type { Audience } from './audience.ts';
import type { BuiltIns } from './built-in.ts';
import { changedLists } from './compile-view.ts';
import { createOffering, type Offering, type Seen } from './offering.ts';
import { createParts, type NameOf } from './part.ts';
import type { Profile } from './profile.ts';
import { createRights } from './rights.ts';
import type { Upstream } from './upstream/upstream.ts';
import type { Lists, NamedTool, View } from './view.ts';

export interface Catalog {
  /** What this audience sees right now. Audiences with equal rights get the same view. */
  view(audience: Audience): View;
  /** A tool by its public name, whether or not anybody may use it. */
  findTool(name: string): NamedTool | undefined;
  /** Finds out what the legacy servers that an audience sees offer to clients with its profile; waits for slow ones only so long. */
  prepare(audience: Audience): Promise<void>;
  /** Something that views are made of has changed. What has not is compiled no second time. */
  invalidate(): void;
  /** Calls the listener after a change of anything, once for a burst of them. */
  onChange(listener: () => void): void;
  /** Calls the listener with the lists that the audience now sees differently. Gives the function that ends it. */
  watch(audience: Audience, listener: (changed: readonly (keyof Lists)[]) => void): () => void;
}

interface Watcher {
  readonly audience: Audience;
  readonly listener: (changed: readonly (keyof Lists)[]) => void;
  announced: View;
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
const MAX_VIEWS = 5_000;
/** Rights by name: those of operators, and those of a key that is no longer good. */
const ALL_RIGHTS = '*';
const NO_RIGHTS = '-';
const NOTHING = createToolFilter([], []);
/** While servers change all the time, telling so takes no more than this share of it. */
const SHARE_TO_ANNOUNCE = 0.1;

/** What is known for a number of changes. */
interface AsOf<T> {
  value: T;
  version: number;
}

/** What there is to see, and for whom. Compiled when somebody asks after a change, and only as far as it concerns them. */
export function createCatalog({ upstreams, isUsable, nameOf = publicToolName, builtIns }: CatalogDeps): Catalog {
  const watchers = new Set<Watcher>();
  const listeners: (() => void)[] = [];
  const parts = createParts(nameOf);
  const rights = createRights();
  const offerings = createLatest<string, AsOf<Offering>>(MAX_OFFERINGS);
  const views = createLatest<string, AsOf<Seen | undefined>>(MAX_VIEWS);
  let registered: readonly Upstream[] = [];
  /** Counts the changes. */
  let version = 0;
  let refreshedAt = -1;
  let isCheckPlanned = false;
  let quietUntil = 0;

  function refresh(): void {
    if (refreshedAt === version) return;
    refreshedAt = version;
    registered = [...upstreams()];
    rights.refresh(registered);
  }

  function offeringOf(profile: Profile | undefined): Offering {
    refresh();
    const make = () => ({ value: createOffering(profile, parts, builtIns), version: -1 });
    const known = offerings.get(profile?.key ?? '', make);
    if (known.version !== version) known.value.refresh(registered);
    known.version = version;
    return known.value;
  }

  function nameOfRights(virtualKey: string | undefined): string {
    if (virtualKey === undefined) return ALL_RIGHTS;
    return isUsable(virtualKey) ? rights.nameOf(virtualKey) : NO_RIGHTS;
  }

  function serversOf(name: string, virtualKey: string | undefined): readonly Upstream[] {
    if (name === NO_RIGHTS) return [];
    return virtualKey === undefined ? registered : rights.serversOf(virtualKey);
  }

  function view({ profile, virtualKey, filter, mode }: Audience): View {
    refresh();
    const name = nameOfRights(virtualKey);
    const isPlain = filter === undefined && profile === undefined && mode === undefined;
    // Most ask for nothing in particular, and a name that is there already need not be hashed again.
    const key = isPlain ? name : `${name}\n${filter?.key ?? ''}\n${profile?.key ?? ''}\n${mode ?? ''}`;
    const known = views.get(key, () => ({ value: undefined, version: -1 }));
    if (known.value !== undefined && known.version === version) return known.value.view;
    const look = { virtualKey, filter: name === NO_RIGHTS ? NOTHING : filter, mode };
    known.value = offeringOf(profile).see(serversOf(name, virtualKey), look, known.value);
    known.version = version;
    return known.value.view;
  }

  /** After all that happens in this turn of the loop: a burst of changes is announced once, and one that came back not at all. */
  function planCheck(): void {
    if (isCheckPlanned) return;
    isCheckPlanned = true;
    const wait = quietUntil - performance.now();
    if (wait <= 0) setImmediate(announce);
    else setTimeout(announce, wait).unref();
  }

  function announce(): void {
    isCheckPlanned = false;
    const began = performance.now();
    const compared = new Map<View, Map<View, readonly (keyof Lists)[]>>();
    for (const listener of listeners) listener();
    for (const watcher of watchers) {
      const now = view(watcher.audience);
      const changed = compare(watcher.announced, now, compared);
      watcher.announced = now;
      if (changed.length > 0) watcher.listener(changed);
    }
    const ended = performance.now();
    quietUntil = ended + (ended - began) * (1 / SHARE_TO_ANNOUNCE - 1);
  }

  return {
    view,
    findTool: (name) => offeringOf(undefined).findTool(name),
    async prepare(audience) {
      const { profile } = audience;
      if (profile === undefined) return;
      const unknown = view(audience).upstreams.filter((upstream) => !upstream.hasLearned(profile));
      if (unknown.length === 0) return;
      const learning = Promise.all(unknown.map((upstream) => upstream.learn(profile)));
      await Promise.race([learning, sleep(PREPARE_MS, undefined, { ref: false })]);
    },
    invalidate() {
      version += 1;
      planCheck();
    },
    onChange: (listener) => void listeners.push(listener),
    watch(audience, listener) {
      const watcher: Watcher = { audience, listener, announced: view(audience) };
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
  };
}

/** Thousands of watchers see the same few views, so each pair is compared once. */
function compare(
  before: View,
  after: View,
  compared: Map<View, Map<View, readonly (keyof Lists)[]>>,
): readonly (keyof Lists)[] {
  if (before === after) return [];
  const ofBefore = compared.get(before) ?? new Map<View, readonly (keyof Lists)[]>();
  compared.set(before, ofBefore);
  const changed = ofBefore.get(after) ?? changedLists(before, after);
  ofBefore.set(after, changed);
  return changed;
}
