import { setTimeout as sleep } from 'node:timers/promises';
import { writeRequest, type JsonObject, type JsonRpcNotification, type Reply } from '../../lib/json-rpc.ts';
import { backOff } from '../../lib/time.ts';
import { META } from '../revisions.ts';
import type { OutgoingRequest } from '../transport/transport.ts';

/** The session as far as listening needs it. */
interface Listening {
  readonly peer: { readonly capabilities: JsonObject };
  nextId(): number;
  request(request: OutgoingRequest): Promise<Reply>;
  own(params: JsonObject): JsonObject;
  headers(method: string): Record<string, string> | undefined;
}

/** The standing request in which a modern server reports its changes (`subscriptions/listen`, 2026-07-28). */
export interface Listen {
  /** The resources to hear of; asks anew when they are others than before. */
  watchResources(uris: readonly string[]): void;
  close(): void;
}

/** Keeps the request open for as long as the session lives. A server that refuses it is not asked again. */
export function createListen(session: Listening, onNotification: (notification: JsonRpcNotification) => void): Listen {
  const closed = new AbortController();
  let current = new AbortController();
  let resources: readonly string[] = [];
  let isRefused = false;
  let wasLost = false;

  function filter(): JsonObject {
    const { tools, prompts, resources: offered } = session.peer.capabilities as Record<string, JsonObject | undefined>;
    return {
      ...(tools?.listChanged === true && { toolsListChanged: true }),
      ...(prompts?.listChanged === true && { promptsListChanged: true }),
      ...(offered?.listChanged === true && { resourcesListChanged: true }),
      ...(resources.length > 0 && { resourceSubscriptions: [...resources] }),
    };
  }

  async function listenOnce(changed: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([closed.signal, changed]);
    const id = session.nextId();
    const message = writeRequest(id, 'subscriptions/listen', session.own({ notifications: filter() }));
    const hear = (notification: JsonRpcNotification): void => {
      if (notification.method !== 'notifications/subscriptions/acknowledged') onNotification(withoutId(notification));
      // What changed while nobody listened was said to nobody.
      else if (wasLost) onNotification({ method: 'notifications/tools/list_changed' });
    };
    const headers = session.headers('subscriptions/listen');
    const reply = await session.request({
      id,
      method: 'subscriptions/listen',
      message,
      headers,
      signal,
      onNotification: hear,
    });
    isRefused = reply.kind === 'error';
  }

  async function run(): Promise<void> {
    for (let attempt = 0; !closed.signal.aborted && !isRefused; attempt += 1) {
      const startedAt = performance.now();
      current = new AbortController();
      const { signal: changed } = current;
      const isWanted = Object.keys(filter()).length > 0;
      if (isWanted) await listenOnce(changed).catch(() => undefined); // a lost stream is opened again
      wasLost ||= isWanted && !changed.aborted;
      if (changed.aborted || performance.now() - startedAt > 10_000) attempt = 0;
      const pause = changed.aborted ? 0 : isWanted ? backOff(attempt) : 2 ** 31 - 1;
      await sleep(pause, undefined, { signal: AbortSignal.any([closed.signal, changed]), ref: false }).catch(
        () => undefined,
      );
    }
  }

  void run();
  return {
    watchResources(uris) {
      if (uris.length === resources.length && uris.every((uri) => resources.includes(uri))) return;
      resources = [...uris];
      current.abort();
    },
    close: () => closed.abort(),
  };
}

/** The id of our standing request means nothing to anybody else. */
function withoutId({ method, params }: JsonRpcNotification): JsonRpcNotification {
  const { _meta, ...rest } = params ?? {};
  const { [META.subscriptionId]: _, ...meta } = (_meta ?? {}) as JsonObject;
  return { method, params: Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta } };
}
