import { unlessAborted } from '../../lib/unless-aborted.ts';
import type { Changes } from '../../store/changes.ts';

/** Calls that stay on the line until somebody decides. */
export interface Waiting {
  /** Returns when that approval changes, whichever process changed it, or after so long. Throws when the caller gives up. */
  forChange(id: string, ms: number, signal: AbortSignal): Promise<void>;
  stop(): void;
}

/** Listens for changes of approvals. */
export function createWaiting(changes: Pick<Changes, 'subscribe'>): Waiting {
  const waiting = new Map<string, Set<() => void>>();
  const wake = (id: string): void => {
    const ids = id === '*' ? [...waiting.keys()] : [id];
    for (const each of ids) for (const resolve of waiting.get(each) ?? []) resolve();
  };
  const unsubscribe = changes.subscribe((table, id) => {
    if (table === 'mcp_approvals') wake(id);
  });
  return {
    async forChange(id, ms, signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const entries = waiting.get(id) ?? new Set();
      waiting.set(id, entries.add(resolve));
      const timer = setTimeout(resolve, ms).unref();
      try {
        await unlessAborted(promise, signal);
      } finally {
        clearTimeout(timer);
        entries.delete(resolve);
        if (entries.size === 0) waiting.delete(id);
      }
    },
    stop() {
      unsubscribe();
      wake('*');
    },
  };
}
