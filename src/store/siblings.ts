import { GatewayError } from '../lib/errors.ts';
import type { Link, LinkOptions } from './link.ts';

/** The other processes that one supervisor has started on this machine; they work on the same SQLite files. */
export interface Siblings {
  /** Sends a message to all others. Those of one process arrive in their order. */
  send(channel: string, message: object): Promise<void>;
  /** Gives the function that ends it. */
  hear(channel: string, listener: (message: object) => void): () => void;
  /**
   * Holds the lock of this name against all others, until it is disposed of or the process ends. Waits for it, or gives undefined
   * when another has it.
   */
  lock(name: string, isWaiting: boolean): Promise<AsyncDisposable | undefined>;
}

/** The way to the supervisor: `process` in a child that has an IPC channel. */
export interface Port {
  send?: ((message: object, callback: (error: Error | null) => void) => unknown) | undefined;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
}

/** What tells messages of siblings from others on the same channel. */
export const KIND = 'siblings';

/** What a process says to the exchange of its supervisor. */
export type Request = { readonly kind: typeof KIND } & (
  | { readonly do: 'send'; readonly channel: string; readonly message: object }
  /** The number is the process's own. */
  | { readonly do: 'lock'; readonly name: string; readonly number: number; readonly isWaiting: boolean }
  | { readonly do: 'unlock'; readonly name: string; readonly number: number }
);

/** What it hears from there. */
export type Delivery = { readonly kind: typeof KIND } & (
  | { readonly do: 'send'; readonly channel: string; readonly message: object }
  | { readonly do: 'locked'; readonly number: number; readonly isHeld: boolean }
);

/** Whether a message is one of ours. */
export function isOfSiblings(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === KIND;
}

interface Waiting {
  settle(isHeld: boolean): void;
  fail(error: Error): void;
}

/** Connects a process with those that the same supervisor has started; exchange.ts is the other end. */
export function createSiblings(port: Port): Siblings {
  const listeners = new Map<string, Set<(message: object) => void>>();
  const waiting = new Map<number, Waiting>();
  let last = 0;

  port.on('message', (message) => {
    if (!isOfSiblings(message)) return;
    const delivery = message as Delivery; // the exchange wrote it
    if (delivery.do === 'send') {
      for (const listener of listeners.get(delivery.channel) ?? []) listener(delivery.message);
    } else waiting.get(delivery.number)?.settle(delivery.isHeld);
  });
  port.on('disconnect', () => {
    for (const { fail } of waiting.values()) fail(orphaned());
  });

  function post(request: Request): Promise<void> {
    return new Promise((resolve, reject) => {
      if (port.send === undefined) return reject(orphaned());
      port.send(request, (error) => (error === null ? resolve() : reject(orphaned(error))));
    });
  }

  async function ask(name: string, number: number, isWaiting: boolean): Promise<boolean> {
    const { promise, resolve: settle, reject: fail } = Promise.withResolvers<boolean>();
    waiting.set(number, { settle, fail });
    try {
      await Promise.race([promise, post({ kind: KIND, do: 'lock', name, number, isWaiting })]);
      return await promise;
    } finally {
      waiting.delete(number);
    }
  }

  return {
    send: (channel, message) => post({ kind: KIND, do: 'send', channel, message }),
    hear(channel, listener) {
      const known = listeners.get(channel) ?? new Set();
      listeners.set(channel, known.add(listener));
      return () => known.delete(listener);
    },
    async lock(name, isWaiting) {
      const number = (last += 1);
      if (!(await ask(name, number, isWaiting))) return undefined;
      // Without a supervisor nobody can be waiting for it.
      const unlock = () => post({ kind: KIND, do: 'unlock', name, number }).catch(() => {});
      return { [Symbol.asyncDispose]: unlock };
    },
  };
}

/** The link over which changes go. Nothing is ever lost on it, so nothing has to be reloaded. */
export function openSiblingLink(siblings: Siblings, { hear }: Pick<LinkOptions, 'hear'>): Link {
  const stops = Object.entries(hear).map(([channel, listener]) => siblings.hear(channel, listener));
  return {
    send: (channel, message) => siblings.send(channel, message),
    close() {
      for (const stop of stops) stop();
      return Promise.resolve();
    },
  };
}

function orphaned(cause?: Error): GatewayError {
  return new GatewayError('database_unavailable', 'the process that started this one is gone', { cause });
}
