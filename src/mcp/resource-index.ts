import type { Listed } from '../store/mcp-clients.ts';
import type { Profile } from './profile.ts';
import { withString, type Renames } from './rewrite.ts';
import type { Upstream } from './upstream/upstream.ts';

/** Which server has which resource. Addresses stay as they are; only one that two servers share is told apart. */
export interface ResourceIndex {
  /** The items of resources/list and resources/templates/list under their public addresses, as JSON, in order. */
  readonly resources: readonly string[];
  readonly templates: readonly string[];
  /** The server of a public address and its own address there, for one that is listed. */
  find(uri: string): { upstream: Upstream; own: string } | undefined;
  /** The servers that may know an address that nobody lists, likeliest first. */
  candidates(uri: string): readonly { upstream: Upstream; own: string }[];
  /** Own address to public address, where a server's differ. */
  renames(upstream: Upstream): Renames;
  /** What callers call a server's own address. */
  publicUri(upstream: Upstream, own: string): string;
  /** The same addresses, but only of these servers. */
  restrict(seen: ReadonlySet<Upstream>): ResourceIndex;
}

interface Owned {
  readonly upstream: Upstream;
  readonly own: string;
}

const NO_RENAMES: Renames = new Map<string, string>();
/** What a client may fetch by itself is left as it is. */
const FETCHABLE = /^https?:/i;
const MARK = /^([a-z][a-z0-9+.-]*:(?:\/\/)?)~([^/]+)\/(.*)$/is;

/** Builds the index. Of servers that share an address the one registered first keeps it, on every node alike. */
export function indexResources(upstreams: readonly Upstream[], profile?: Profile): ResourceIndex {
  const owners = new Map<string, Owned>();
  const templateOwners = new Map<string, Owned>();
  const renames = new Map<Upstream, Map<string, string>>();

  function claim(index: Map<string, Owned>, upstream: Upstream, { name: own }: Listed): string {
    const isTaken = index.has(own);
    const uri = isTaken ? mark(upstream.client.name, own) : own;
    if (isTaken) renames.set(upstream, (renames.get(upstream) ?? new Map<string, string>()).set(own, uri));
    index.set(uri, { upstream, own });
    return uri;
  }

  function collect(kind: 'resources' | 'resourceTemplates', member: string, index: Map<string, Owned>) {
    const items = upstreams.flatMap((upstream) =>
      upstream.offerFor(profile)[kind].map((item) => {
        const uri = claim(index, upstream, item);
        const json = uri === item.name ? item.json : withString(item.json, member, uri).toString();
        return { upstream, uri, json };
      }),
    );
    return items.toSorted((a, b) => (a.uri < b.uri ? -1 : 1));
  }

  const resources = collect('resources', 'uri', owners);
  const templates = collect('resourceTemplates', 'uriTemplate', templateOwners);
  const patterns = [...templateOwners].map(([template, owned]) => ({ pattern: toPattern(template), ...owned }));

  function candidates(uri: string, servers: readonly Upstream[]): Owned[] {
    const marked = MARK.exec(uri);
    const named = marked === null ? undefined : servers.find(({ client }) => client.name === marked[2]);
    if (marked !== null && named !== undefined) return [{ upstream: named, own: `${marked[1]}${marked[3]}` }];
    const byTemplate = patterns
      .filter(({ pattern, upstream }) => servers.includes(upstream) && pattern.test(uri))
      .map(({ upstream }) => upstream);
    const scheme = uri.slice(0, uri.indexOf(':') + 1);
    const likely = servers.filter(({ offer }) =>
      [...offer.resources, ...offer.resourceTemplates].some(({ name }) => name.startsWith(scheme)),
    );
    const able = servers.filter(({ peer }) => peer?.capabilities.resources !== undefined);
    // An address may be a secret: it is shown to all only when there is but one who could know it.
    const all = byTemplate.length > 0 ? byTemplate : likely.length > 0 ? likely : able.length === 1 ? able : [];
    return [...new Set(all)].map((upstream) => ({ upstream, own: uri }));
  }

  /** What a changed template of a server expands to is changed as well: elsewhere it would be another server's. */
  function renamesOf(upstream: Upstream): Renames {
    const exact = renames.get(upstream);
    if (exact === undefined) return NO_RENAMES;
    const changed = upstream
      .offerFor(profile)
      .resourceTemplates.filter(({ name }) => exact.has(name) && !FETCHABLE.test(name))
      .map(({ name }) => toPattern(name));
    const expand = (own: string): string | undefined => {
      const isOwn = owners.get(own)?.upstream === upstream;
      return isOwn || !changed.some((pattern) => pattern.test(own)) ? undefined : mark(upstream.client.name, own);
    };
    return { size: exact.size, get: (own) => exact.get(own) ?? expand(own) };
  }

  const known = new Map(upstreams.map((upstream) => [upstream, renamesOf(upstream)]));

  function indexOf(seen: ReadonlySet<Upstream>): ResourceIndex {
    const servers = upstreams.filter((upstream) => seen.has(upstream));
    const shown = (items: readonly { upstream: Upstream; json: string }[]): string[] =>
      items.filter(({ upstream }) => seen.has(upstream)).map(({ json }) => json);
    let lists: { readonly resources: readonly string[]; readonly templates: readonly string[] } | undefined;
    const read = () => (lists ??= { resources: shown(resources), templates: shown(templates) });
    return {
      get resources() {
        return read().resources;
      },
      get templates() {
        return read().templates;
      },
      find: (uri) => [owners.get(uri), templateOwners.get(uri)].find((owned) => owned && seen.has(owned.upstream)),
      candidates: (uri) => candidates(uri, servers),
      renames: (upstream) => known.get(upstream) ?? NO_RENAMES,
      publicUri: (upstream, own) => known.get(upstream)?.get(own) ?? own,
      restrict: indexOf,
    };
  }

  return indexOf(new Set(upstreams));
}

/** `test://x` of server `b` becomes `test://~b/x`: the scheme stays, for some schemes have a meaning. */
function mark(client: string, uri: string): string {
  const [, scheme = '', rest = uri] = /^([a-z][a-z0-9+.-]*:(?:\/\/)?)(.*)$/is.exec(uri) ?? [];
  return `${scheme}~${client}/${rest}`;
}

/** What a URI template (RFC 6570) can expand to, roughly: an expression stands for any text. */
function toPattern(template: string): RegExp {
  const parts = template.split(/\{[^}]*\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
