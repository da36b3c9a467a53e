import { writeRequest, type JsonObject } from '../../../lib/json-rpc.ts';
import { LOG_LEVELS } from '../../log-levels.ts';

/** What to do with a message that a server must not simply be sent by each connection. */
export type Step =
  /** `onReply` is told the result when the server has answered; undefined: it was an error. */
  | { readonly kind: 'pass'; readonly line: Buffer | string; readonly onReply?: (result: Buffer | undefined) => void }
  | { readonly kind: 'answer'; readonly result: string }
  | { readonly kind: 'drop' };

/** What a server knows of its only client, put together from what several connections want of it. */
export interface SharedState<Holder> {
  /** Undefined for a message that each connection may send as it likes. */
  take(holder: Holder, method: string, line: Buffer): Step | undefined;
  /** A connection has ended: gives back what it alone wanted. */
  leave(holder: Holder): void;
}

/** Sends a request whose answer nobody waits for. */
type Ask = (method: string, params: JsonObject) => void;

const DONE: Step = { kind: 'answer', result: '{}' };

/** Merges the handshake, subscriptions to resources, and the log level of connections to one server of the older era. */
export function createSharedState<Holder>(ask: Ask): SharedState<Holder> {
  const introduction = createIntroduction();
  const resources = createResources<Holder>(ask);
  const level = createLevel<Holder>(ask);
  return {
    take(holder, method, line) {
      switch (method) {
        case 'initialize':
          return introduction.initialize(line);
        case 'notifications/initialized':
          return introduction.initialized(line);
        case 'resources/subscribe':
          return resources.subscribe(holder, line);
        case 'resources/unsubscribe':
          return resources.unsubscribe(holder, line);
        case 'logging/setLevel':
          return level.set(holder, line);
        default:
          return undefined;
      }
    },
    leave(holder) {
      resources.leave(holder);
      level.leave(holder);
    },
  };
}

/** A server shakes hands once; later connections get the answer that the first one got. */
function createIntroduction() {
  let answer: string | undefined;
  let isDone = false;
  return {
    initialize(line: Buffer): Step {
      if (answer !== undefined) return { kind: 'answer', result: answer };
      const onReply = (result: Buffer | undefined): void => void (answer ??= result?.toString());
      return { kind: 'pass', line, onReply };
    },
    initialized(line: Buffer): Step {
      if (isDone) return { kind: 'drop' };
      isDone = true;
      return { kind: 'pass', line };
    },
  };
}

interface Subscription<Holder> {
  readonly holders: Set<Holder>;
  /** The server has said yes. */
  isGranted: boolean;
}

/** A resource is subscribed to while any connection wants it. */
function createResources<Holder>(ask: Ask) {
  const subscriptions = new Map<unknown, Subscription<Holder>>();

  /** True when nobody is left who wants it. */
  function release(uri: unknown, holder: Holder): boolean {
    const subscription = subscriptions.get(uri);
    if (subscription === undefined) return true;
    subscription.holders.delete(holder);
    return subscription.holders.size === 0 && subscriptions.delete(uri);
  }

  return {
    subscribe(holder: Holder, line: Buffer): Step {
      const { uri } = paramsOf(line);
      const subscription = subscriptions.get(uri) ?? { holders: new Set(), isGranted: false };
      subscriptions.set(uri, subscription);
      subscription.holders.add(holder);
      if (subscription.isGranted) return DONE;
      const onReply = (result: Buffer | undefined): void => {
        if (result !== undefined) subscription.isGranted = true;
        else if (subscriptions.get(uri) === subscription) release(uri, holder);
      };
      return { kind: 'pass', line, onReply };
    },
    unsubscribe: (holder: Holder, line: Buffer): Step =>
      release(paramsOf(line).uri, holder) ? { kind: 'pass', line } : DONE,
    leave(holder: Holder): void {
      for (const [uri, { holders }] of subscriptions)
        if (holders.has(holder) && release(uri, holder)) ask('resources/unsubscribe', { uri: uri as string });
    },
  };
}

/** The server logs as much as the connection that wants most; gateways leave out what their clients did not ask for. */
function createLevel<Holder>(ask: Ask) {
  const wanted = new Map<Holder, number>();
  let told = -1;

  const least = (): number => (wanted.size === 0 ? -1 : Math.min(...wanted.values()));

  return {
    set(holder: Holder, line: Buffer): Step | undefined {
      const { id, params } = JSON.parse(line.toString()) as { id: number; params: JsonObject };
      const asked = LOG_LEVELS.findIndex((name) => name === params.level);
      if (asked === -1) return undefined; // the server may know better
      wanted.set(holder, asked);
      const level = least();
      if (level === told) return DONE;
      told = level;
      const onReply = (result: Buffer | undefined): void => {
        if (result === undefined && told === level) told = -1;
      };
      const words = writeRequest(id, 'logging/setLevel', { ...params, level: LOG_LEVELS[level] });
      return { kind: 'pass', line: words, onReply };
    },
    leave(holder: Holder): void {
      if (!wanted.delete(holder)) return;
      const level = least();
      if (level === -1 || level === told) return;
      told = level;
      ask('logging/setLevel', { level: LOG_LEVELS[level] });
    },
  };
}

function paramsOf(line: Buffer): JsonObject {
  return (JSON.parse(line.toString()) as { params?: JsonObject }).params ?? {};
}
