import type { QueryClient } from '@tanstack/react-query';
import type { LiveMessage } from '../../../src/contract/live-feed.ts';
import { request, toApiError } from '../api.ts';
import { keys, KEYS_OF_TABLE } from './keys.ts';

/** Whether what the page shows is up to date. */
export type LiveState = 'connecting' | 'live' | 'offline';

/** What happens at the gateway, as it happens. */
export interface LiveFeed {
  readonly state: LiveState;
  /** For useSyncExternalStore. */
  subscribe(listener: () => void): () => void;
  /** Hears of every message; for pages that show rows as they come. */
  onMessage(listener: (message: LiveMessage) => void): () => void;
  close(): void;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

/** Connects to the live feed, again and again, and refreshes the queries whose records were changed by anybody. */
export function openLiveFeed(queries: QueryClient): LiveFeed {
  const watchers = new Set<() => void>();
  const listeners = new Set<(message: LiveMessage) => void>();
  let state: LiveState = 'connecting';
  let retryMs = FIRST_RETRY_MS;
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  function enter(next: LiveState): void {
    if (next === state) return;
    state = next;
    for (const watcher of watchers) watcher();
  }

  function retry(): void {
    if (isClosed) return;
    enter('offline');
    timer = setTimeout(() => void connect(), retryMs);
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
  }

  async function connect(): Promise<void> {
    try {
      const { ticket } = await request<{ ticket: string }>('POST', '/api/session/ws-ticket');
      if (isClosed) return;
      const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
      socket = new WebSocket(`${scheme}://${location.host}/ws?ticket=${encodeURIComponent(ticket)}`);
      socket.addEventListener('open', () => {
        retryMs = FIRST_RETRY_MS;
        // What changed in between was told to nobody.
        if (state === 'offline') void queries.invalidateQueries();
        enter('live');
      });
      socket.addEventListener('message', ({ data }) => receive(JSON.parse(String(data)) as LiveMessage));
      socket.addEventListener('close', retry);
    } catch (error) {
      // A page that asks for nothing else would not notice.
      if (toApiError(error).status === 401) void queries.invalidateQueries({ queryKey: keys.me });
      retry();
    }
  }

  function receive(message: LiveMessage): void {
    if (message.type === 'config_changed') {
      for (const queryKey of KEYS_OF_TABLE[message.payload.table] ?? []) void queries.invalidateQueries({ queryKey });
    }
    for (const listener of listeners) listener(message);
  }

  void connect();
  return {
    get state() {
      return state;
    },
    subscribe(listener) {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
    onMessage(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      socket?.close();
    },
  };
}
