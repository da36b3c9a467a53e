import { GatewayError } from '../lib/errors.ts';
import type { JsonObject, JsonRpcNotification, RequestId } from '../lib/json-rpc.ts';
import { keyOfPrincipal } from '../governance/caller.ts';
import { EVERYTHING, type Audience } from './audience.ts';
import type { Lists } from './view.ts';
import type { Catalog } from './catalog.ts';
import { isSevereEnough, LOG_LEVELS } from './log-levels.ts';
import type { LegacySession } from './legacy-session.ts';
import type { SessionState } from '../store/mcp-session-states.ts';
import { META } from './revisions.ts';
import type { Tasks } from './tasks.ts';
import type { Upstream } from './upstream/upstream.ts';

const LIST_CHANGED: Readonly<Record<keyof Lists, string>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  resourceTemplates: 'resources',
};

/** One client that hears of what happens outside its requests. */
interface Listener {
  readonly send: (notification: JsonRpcNotification) => void;
  /** What it may hear of is what it may see. */
  readonly audience: Audience;
  readonly resources: Set<string>;
  /** What a modern listener asked for; a legacy session hears of every list. */
  readonly wants: (list: string) => boolean;
  /** Ends the watch over its lists. */
  readonly unwatch: () => void;
}

/** What the headers of a client say about what it wants to see. */
type Narrowing = Pick<Audience, 'filter' | 'mode'>;

interface SubscriptionDeps {
  readonly catalog: Catalog;
  readonly tasks: Pick<Tasks, 'translate'>;
  /** Remembers what a session asked for, for the node that takes it over. */
  readonly save: (sessionId: string, state: SessionState) => Promise<void>;
}

/** Change notices and log lines: from many servers in, to the clients who want them out. */
export interface Subscriptions {
  /** A legacy session that can be reached outside its requests. */
  addSession(session: LegacySession, state: SessionState | undefined): void;
  endSession(key: string): void;
  /** What the client opens a stream with asks to be shown no more than this. */
  narrow(key: string, narrowing: Narrowing): void;
  setLogLevel(key: string, level: unknown): Promise<void>;
  subscribe(key: string, uri: string): Promise<void>;
  unsubscribe(key: string, uri: string): Promise<void>;
  /** A modern client's standing request. Gives what is granted, and how to end it. */
  listen(
    id: RequestId,
    filter: JsonObject,
    audience: Audience,
    send: (notification: JsonRpcNotification) => void,
  ): { granted: JsonObject; end: () => void };
  /** What a server said outside any request. */
  onUpstream(upstream: Upstream, notification: JsonRpcNotification): void;
}

export function createSubscriptions({ catalog, tasks, save }: SubscriptionDeps): Subscriptions {
  const sessions = new Map<string, Listener & { session: LegacySession }>();
  const standing = new Set<Listener>();
  let isWatchPlanned = false;
  let isWatching = false;
  const all = (): Listener[] => [...sessions.values(), ...standing];

  // Which resources servers are to report on depends on who has them.
  catalog.onChange(watchLater);

  /** Watches the lists that an audience sees, and with them the resources that it asked to hear of. */
  function watchLists(
    { audience, resources }: Pick<Listener, 'audience' | 'resources'>,
    hear: (list: string, notification: JsonRpcNotification) => void,
  ): () => void {
    return catalog.watch(audience, (changed) => {
      if (resources.size > 0) watchLater();
      for (const list of new Set(changed.map((kind) => LIST_CHANGED[kind])))
        hear(list, { method: `notifications/${list}/list_changed` });
    });
  }

  /** Makes a legacy session hear of what it may see. */
  function attach(session: LegacySession, narrowing: Narrowing, resources: Set<string>): void {
    const { id, principal, profile, between } = session;
    const audience: Audience = { profile, virtualKey: keyOfPrincipal(principal), ...narrowing };
    const unwatch = watchLists({ audience, resources }, (_, notification) => {
      leaveHidden(id, audience);
      between.notify(notification);
    });
    sessions.set(id, { session, send: between.notify, audience, resources, wants: () => true, unwatch });
  }

  /** Ends the sessions that servers have for this client, where it sees them no more: they would go on talking to it. */
  function leaveHidden(key: string, audience: Audience): void {
    const seen = new Set(catalog.view(audience).upstreams);
    for (const upstream of catalog.view(EVERYTHING).upstreams) if (!seen.has(upstream)) upstream.dedicated.end(key);
  }

  /** Once for all changes of this turn. A server that refuses reports on what it likes; nobody waits to be told. */
  function watchLater(): void {
    if (isWatchPlanned) return;
    isWatchPlanned = true;
    queueMicrotask(() => {
      isWatchPlanned = false;
      watch().catch(() => undefined);
    });
  }

  /** Tells each server which of its resources somebody wants to hear of. */
  async function watch(): Promise<void> {
    const isWanted = all().some(({ resources }) => resources.size > 0);
    if (!isWanted && !isWatching) return;
    isWatching = isWanted;
    const { upstreams } = catalog.view(EVERYTHING);
    const wanted = new Map<Upstream, Set<string>>(upstreams.map((upstream) => [upstream, new Set()]));
    for (const { audience, resources: asked } of all()) {
      if (asked.size === 0) continue;
      const { resources } = catalog.view(audience);
      for (const uri of asked) {
        const owner = resources.find(uri) ?? resources.candidates(uri)[0];
        if (owner !== undefined) wanted.get(owner.upstream)?.add(owner.own);
      }
    }
    await Promise.all([...wanted].map(([upstream, uris]) => upstream.shared.watchResources([...uris])));
  }

  function sees({ audience }: Listener, upstream: Upstream): boolean {
    return catalog.view(audience).upstreams.includes(upstream);
  }

  function find(key: string): Listener & { session: LegacySession } {
    const listener = sessions.get(key);
    if (listener === undefined) throw new GatewayError('mcp_session_not_found', 'unknown session; initialize again');
    return listener;
  }

  function remember(key: string): Promise<void> {
    const { session, resources } = find(key);
    return save(key, { logLevel: session.logLevel, resources: [...resources] });
  }

  /** Servers log at the most talkative level that any session wants; each session gets its own share. */
  function setServersLevel(): void {
    const wanted = [...sessions.values()]
      .map(({ session }) => LOG_LEVELS.indexOf(session.logLevel ?? ''))
      .filter((level) => level >= 0);
    const level = LOG_LEVELS[Math.min(...wanted)];
    if (level === undefined) return;
    for (const { shared } of catalog.view(EVERYTHING).upstreams) shared.setLogLevel(level).catch(() => undefined); // it logs as it did
  }

  return {
    addSession(session, state) {
      attach(session, { filter: undefined, mode: undefined }, new Set(state?.resources));
      if (state === undefined) return;
      watchLater();
      setServersLevel();
    },
    narrow(key, narrowing) {
      const listener = sessions.get(key);
      if (listener === undefined) return;
      const { filter, mode } = listener.audience;
      if (filter?.key === narrowing.filter?.key && mode === narrowing.mode) return;
      listener.unwatch();
      attach(listener.session, narrowing, listener.resources);
      if (listener.resources.size > 0) watchLater();
    },
    endSession(key) {
      const listener = sessions.get(key);
      sessions.delete(key);
      listener?.unwatch();
      if (listener !== undefined && listener.resources.size > 0) watchLater();
    },
    async setLogLevel(key, level) {
      if (typeof level !== 'string' || !LOG_LEVELS.includes(level)) {
        throw new GatewayError('invalid_request', `params.level: must be one of ${LOG_LEVELS.join(', ')}`);
      }
      find(key).session.logLevel = level;
      for (const { dedicated } of catalog.view(EVERYTHING).upstreams) dedicated.setLogLevel(key, level);
      setServersLevel();
      await remember(key);
    },
    async subscribe(key, uri) {
      find(key).resources.add(uri);
      await Promise.all([watch(), remember(key)]);
    },
    async unsubscribe(key, uri) {
      find(key).resources.delete(uri);
      await Promise.all([watch(), remember(key)]);
    },
    listen(id, filter, audience, send) {
      const { granted, wants, resources } = readFilter(filter);
      const tagged = ({ method, params }: JsonRpcNotification): void => {
        const meta = { ...(params?._meta as JsonObject | undefined), [META.subscriptionId]: id };
        send({ method, params: { ...params, _meta: meta } });
      };
      const unwatch = watchLists({ audience, resources }, (list, notification) => {
        if (wants(list)) tagged(notification);
      });
      const listener: Listener = { send: tagged, audience, resources, wants, unwatch };
      standing.add(listener);
      tagged({ method: 'notifications/subscriptions/acknowledged', params: { notifications: granted } });
      if (resources.size > 0) watchLater();
      return {
        granted,
        end() {
          standing.delete(listener);
          unwatch();
          if (resources.size > 0) watchLater();
        },
      };
    },
    onUpstream(upstream, { method, params = {} }) {
      if (method === 'notifications/resources/updated' && typeof params.uri === 'string') {
        const uri = catalog.view(EVERYTHING).resources.publicUri(upstream, params.uri);
        for (const listener of all())
          if (listener.resources.has(uri) && sees(listener, upstream))
            listener.send({ method, params: { ...params, uri } });
      } else if (method === 'notifications/tasks/status') {
        const found = tasks.translate(upstream, { method, params });
        if (found === undefined) return;
        const listener = sessions.get(found.sessionKey);
        if (listener !== undefined && sees(listener, upstream)) listener.send(found.notification);
      } else if (method === 'notifications/message') {
        for (const listener of sessions.values()) {
          const { logLevel } = listener.session;
          const isWanted = logLevel !== undefined && isSevereEnough(params.level, logLevel);
          if (isWanted && sees(listener, upstream)) listener.send({ method, params });
        }
      }
    },
  };
}

/** What a modern client may hear of: all that it asks for and that there is (`subscriptions/listen`). */
function readFilter(filter: JsonObject): {
  granted: JsonObject;
  wants: (list: string) => boolean;
  resources: Set<string>;
} {
  const lists = ['tools', 'prompts', 'resources'].filter((list) => filter[`${list}ListChanged`] === true);
  const asked = filter.resourceSubscriptions;
  const resources = new Set(Array.isArray(asked) ? asked.filter((uri) => typeof uri === 'string') : []);
  const granted: JsonObject = Object.fromEntries(lists.map((list) => [`${list}ListChanged`, true]));
  if (resources.size > 0) granted.resourceSubscriptions = [...resources];
  return { granted, wants: (list) => lists.includes(list), resources };
}
