import type { Grants } from './registration.ts';
import type { Upstream } from './upstream/upstream.ts';

/** Which servers each virtual key may use. Follows the servers, so that a question costs as much as the key has, not as there is. */
export interface Rights {
  /** Takes over what has changed since the last time. */
  refresh(upstreams: Iterable<Upstream>): void;
  /** A short name for what a key is granted; keys with equal grants have the same. Never given to other grants. */
  nameOf(virtualKey: string): string;
  /** The servers of which a key may use something, in order of registration. */
  serversOf(virtualKey: string): readonly Upstream[];
}

/** What was last seen of a server. */
interface Seen {
  /** By which the servers are in order. */
  readonly number: number;
  readonly grants: Grants;
}

/** Names are short forms of texts, which are forgotten at this number: what was found under them is then compiled again. */
const MAX_NAMES = 20_000;

export function createRights(): Rights {
  const seen = new Map<Upstream, Seen>();
  const ofKeys = new Map<string, Map<Upstream, readonly string[]>>();
  /** Servers that are open to every key without a row of its own. */
  let open: readonly Upstream[] = [];
  const names = new Map<string, string>();
  const namesByText = new Map<string, string>();
  let lastNumber = 0;
  let lastName = 0;

  function follow(upstream: Upstream, before: Grants, after: Grants): void {
    for (const key of before.keys()) if (!after.has(key)) set(key, upstream, undefined);
    for (const [key, list] of after) if (before.get(key) !== list) set(key, upstream, list);
  }

  function set(key: string, upstream: Upstream, list: readonly string[] | undefined): void {
    names.delete(key);
    const own = ofKeys.get(key) ?? new Map<Upstream, readonly string[]>();
    if (list === undefined) own.delete(upstream);
    else own.set(upstream, list);
    if (own.size === 0) ofKeys.delete(key);
    else ofKeys.set(key, own);
  }

  function numberOf(upstream: Upstream): number {
    return seen.get(upstream)?.number ?? 0;
  }

  /** The rows of one key, in order of the servers. */
  function rowsOf(key: string): [Upstream, readonly string[]][] {
    return [...(ofKeys.get(key) ?? [])].toSorted(([a], [b]) => numberOf(a) - numberOf(b));
  }

  function name(text: string): string {
    const known = namesByText.get(text);
    if (known !== undefined) return known;
    if (namesByText.size >= MAX_NAMES) namesByText.clear();
    const fresh = String((lastName += 1));
    namesByText.set(text, fresh);
    return fresh;
  }

  return {
    refresh(upstreams) {
      const present = new Set(upstreams);
      for (const [upstream, { grants }] of seen) {
        if (present.has(upstream)) continue;
        follow(upstream, grants, NO_GRANTS);
        seen.delete(upstream);
      }
      for (const upstream of present) {
        const known = seen.get(upstream);
        if (known?.grants === upstream.grants) continue;
        const number = known?.number ?? (lastNumber += 1);
        seen.set(upstream, { number, grants: upstream.grants });
        follow(upstream, known?.grants ?? NO_GRANTS, upstream.grants);
      }
      open = [...present].filter(({ client }) => client.allow_on_all_virtual_keys);
    },
    nameOf(key) {
      const known = names.get(key);
      if (known !== undefined) return known;
      if (names.size >= MAX_NAMES) names.clear();
      const rows = rowsOf(key).map(([upstream, list]) => [numberOf(upstream), list]);
      const fresh = name(JSON.stringify(rows));
      names.set(key, fresh);
      return fresh;
    },
    serversOf(key) {
      const own = ofKeys.get(key);
      const granted = rowsOf(key).filter(([, list]) => list.length > 0);
      const servers = granted.map(([upstream]) => upstream);
      const others = open.filter((upstream) => own?.has(upstream) !== true);
      if (others.length === 0) return servers;
      return [...servers, ...others].toSorted((a, b) => numberOf(a) - numberOf(b));
    },
  };
}

const NO_GRANTS: Grants = new Map();
