import { useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useCallback, useEffect, useRef } from 'react';
import type { LiveMessage } from '../../../src/contract/live-feed.ts';
import { useLiveMessages } from './live-context.tsx';

/** A busy gateway reports faster than anybody reads. */
const PAUSE_MS = 700;

/** Asks again for what is shown when the gateway reports something of this kind: it knows best what its filters let through. */
export function useLiveRefresh(kind: LiveMessage['type'], queryKey: QueryKey, isOn: boolean): void {
  const queries = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const listener = useCallback(
    ({ type }: LiveMessage) => {
      if (!isOn || !type.startsWith(kind) || timer.current !== undefined) return;
      timer.current = setTimeout(() => {
        timer.current = undefined;
        void queries.invalidateQueries({ queryKey });
      }, PAUSE_MS);
    },
    [isOn, kind, queries, queryKey],
  );
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [listener],
  );
  useLiveMessages(listener);
}
