import { GatewayError } from '../lib/errors.ts';
import type { JsonObject, JsonRpcNotification, RequestId } from '../lib/json-rpc.ts';
import type { Catalog, Lists } from './catalog.ts';
import { isSevereEnough, LOG_LEVELS } from './log-levels.ts';
import type { LegacySession } from './legacy-session.ts';
import type { Profile } from './profile.ts';
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
  /** Lists are what its kind of client sees. */
  readonly profileKey: string | undefined;
  readonly resources: Set<string>;
  /** What a modern listener asked for; a legacy session hears of every list. */
  readonly wants: (list: string) => boolean;
}

interface SubscriptionDeps {
  readonly catalog: Catalog;
  readonly tasks: Pick<Tasks, 'translate'>;
}

/** Change notices and log lines: from many servers in, to the clients who want them out. */
export interface Subscriptions {
  /** A legacy session that can be reached outside its requests. */
  addSession(session: LegacySession): void;
  endSession(key: string): void;
  setLogLevel(key: string, level: unknown): void;
  subscribe(key: string, uri: string): Promise<void>;
  unsubscribe(key: string, uri: string): Promise<void>;
  /** A modern client's standing request. Gives what is granted, and how to end it. */
  listen(
    id: RequestId,
    filter: JsonObject,
    profile: Profile | undefined,
    send: (notification: JsonRpcNotification) => void,
  ): { granted: JsonObject; end: () => void };
  /** What a server said outside any request. */
  onUpstream(upstream: Upstream, notification: JsonRpcNotification): void;
}

export function createSubscriptions({ catalog, tasks }: SubscriptionDeps): Subscriptions {
  const sessions = new Map<string, Listener & { session: LegacySession }>();
  const standing = new Set<Listener>();
  const all = (): Listener[] => [...sessions.values(), ...standing];

  catalog.onListChanged((kinds, profileKey) => {
    for (const list of new Set(kinds.map((kind) => LIST_CHANGED[kind]))) {
      const notification = { method: `notifications/${list}/list_changed` };
      for (const listener of all()) {
        if (listener.profileKey === profileKey && listener.wants(list)) listener.send(notification);
      }
    }
    void watch();
  });

  /** Tells each server which of its resources somebody wants to hear of. */
  async function watch(): Promise<void> {
    const { resources, upstreams } = catalog.view();
    const wanted = new Map<Upstream, Set<string>>(upstreams.map((upstream) => [upstream, new Set()]));
    for (const uri of new Set(all().flatMap((listener) => [...listener.resources]))) {
      const owner = resources.find(uri) ?? resources.candidates(uri)[0];
      if (owner !== undefined) wanted.get(owner.upstream)?.add(owner.own);
    }
    await Promise.all([...wanted].map(([upstream, uris]) => upstream.watchResources([...uris])));
  }

  /** A change is one of a view, so whoever listens must have one, even if nobody of that kind has listed anything yet. */
  function hasView(profile: Profile | undefined): void {
    catalog.view(profile);
  }

  function find(key: string): Listener & { session: LegacySession } {
    const listener = sessions.get(key);
    if (listener === undefined) throw new GatewayError('mcp_session_not_found', 'unknown session; initialize again');
    return listener;
  }

  /** Servers log at the most talkative level that any session wants; each session gets its own share. */
  function setServersLevel(): void {
    const wanted = [...sessions.values()]
      .map(({ session }) => LOG_LEVELS.indexOf(session.logLevel ?? ''))
      .filter((level) => level >= 0);
    const level = LOG_LEVELS[Math.min(...wanted)];
    if (level === undefined) return;
    for (const upstream of catalog.view().upstreams) upstream.setLogLevel(level).catch(() => undefined); // it logs as it did
  }

  return {
    addSession(session) {
      const { id, profile, between } = session;
      hasView(profile);
      sessions.set(id, {
        session,
        send: between.notify,
        profileKey: profile?.key,
        resources: new Set(),
        wants: () => true,
      });
    },
    endSession(key) {
      const had = sessions.get(key)?.resources.size ?? 0;
      sessions.delete(key);
      if (had > 0) void watch();
    },
    setLogLevel(key, level) {
      if (typeof level !== 'string' || !LOG_LEVELS.includes(level)) {
        throw new GatewayError('invalid_request', `params.level: must be one of ${LOG_LEVELS.join(', ')}`);
      }
      find(key).session.logLevel = level;
      for (const { dedicated } of catalog.view().upstreams) dedicated.setLogLevel(key, level);
      setServersLevel();
    },
    async subscribe(key, uri) {
      find(key).resources.add(uri);
      await watch();
    },
    async unsubscribe(key, uri) {
      find(key).resources.delete(uri);
      await watch();
    },
    listen(id, filter, profile, send) {
      hasView(profile);
      const { granted, wants, resources } = readFilter(filter);
      const tagged = ({ method, params }: JsonRpcNotification): void => {
        const meta = { ...(params?._meta as JsonObject | undefined), [META.subscriptionId]: id };
        send({ method, params: { ...params, _meta: meta } });
      };
      const listener: Listener = { send: tagged, profileKey: profile?.key, resources, wants };
      standing.add(listener);
      tagged({ method: 'notifications/subscriptions/acknowledged', params: { notifications: granted } });
      if (resources.size > 0) void watch();
      return {
        granted,
        end() {
          standing.delete(listener);
          if (resources.size > 0) void watch();
        },
      };
    },
    onUpstream(upstream, { method, params = {} }) {
      if (method === 'notifications/resources/updated' && typeof params.uri === 'string') {
        const uri = catalog.view().resources.publicUri(upstream, params.uri);
        for (const { resources, send } of all()) if (resources.has(uri)) send({ method, params: { ...params, uri } });
      } else if (method === 'notifications/tasks/status') {
        const found = tasks.translate(upstream, { method, params });
        if (found !== undefined) sessions.get(found.sessionKey)?.send(found.notification);
      } else if (method === 'notifications/message') {
        for (const { session, send } of sessions.values()) {
          const { logLevel } = session;
          if (logLevel !== undefined && isSevereEnough(params.level, logLevel)) send({ method, params });
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
