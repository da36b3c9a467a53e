import { useQueryClient } from '@tanstack/react-query';
import { createContext, use, useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import type { LiveMessage } from '../../../src/contract/live-feed.ts';
import { openLiveFeed, type LiveFeed, type LiveState } from '../data/live.ts';
import { classes } from '../ui/classes.ts';
import { Tooltip } from '../ui/tooltip.tsx';

const Feed = createContext<LiveFeed | undefined>(undefined);

/** Keeps one connection to the live feed while somebody is signed in. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [feed, setFeed] = useState<LiveFeed>();
  useEffect(() => {
    const opened = openLiveFeed(queries);
    setFeed(opened);
    return () => opened.close();
  }, [queries]);
  return <Feed value={feed}>{children}</Feed>;
}

/** Hears of everything that happens at the gateway while the page is shown. */
export function useLiveMessages(listener: (message: LiveMessage) => void): void {
  const feed = use(Feed);
  useEffect(() => feed?.onMessage(listener), [feed, listener]);
}

const TEXTS: Readonly<Record<LiveState, string>> = {
  connecting: 'Connecting to the gateway',
  live: 'Live: changes show at once',
  offline: 'Not connected: trying again',
};
const COLOURS: Readonly<Record<LiveState, string>> = {
  connecting: 'bg-warn',
  live: 'bg-good',
  offline: 'bg-bad',
};

/** Says whether what is shown is up to date. */
export function LiveIndicator() {
  const feed = use(Feed);
  const state = useSyncExternalStore<LiveState>(
    (listener) => feed?.subscribe(listener) ?? (() => {}),
    () => feed?.state ?? 'connecting',
  );
  return (
    <Tooltip text={TEXTS[state]}>
      <span role="status" tabIndex={0} className="flex h-8 items-center gap-1.5 rounded-md px-1.5 text-xs text-muted">
        <span aria-hidden="true" className={classes('size-2 rounded-full', COLOURS[state])} />
        <span className="capitalize">{state}</span>
      </span>
    </Tooltip>
  );
}
