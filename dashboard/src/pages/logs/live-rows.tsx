import { useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { LiveMessage } from '../../../../src/contract/live-feed.ts';
import { useLiveRefresh } from '../../shell/live-refresh.ts';
import { Button } from '../../ui/button.tsx';

interface LiveRows {
  /** For useQuery: while somebody reads, nothing is old. */
  readonly freshness: { readonly staleTime?: number };
  /** The button that stops new rows from coming. */
  readonly button: ReactNode;
}

/** Rows that come as they happen, until somebody pauses them. */
export function useLiveRows(kind: LiveMessage['type'], queryKey: QueryKey, isNewestPage: boolean): LiveRows {
  const queries = useQueryClient();
  const [isPaused, setPaused] = useState(false);
  useLiveRefresh(kind, queryKey, !isPaused && isNewestPage);

  function pause(next: boolean): void {
    setPaused(next);
    if (!next) void queries.invalidateQueries({ queryKey });
  }

  return {
    freshness: isPaused ? { staleTime: Infinity } : {},
    button: (
      <Button icon={isPaused ? 'play' : 'pause'} aria-pressed={isPaused} onClick={() => pause(!isPaused)}>
        {isPaused ? 'Go on' : 'Pause'}
      </Button>
    ),
  };
}
