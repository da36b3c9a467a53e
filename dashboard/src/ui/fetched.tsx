import type { ReactNode } from 'react';
import { Problem, Skeleton } from './states.tsx';

interface FetchedProps<T> {
  /** What useQuery gave. */
  readonly query: { readonly data: T | undefined; readonly error: unknown; readonly refetch: () => unknown };
  /** How high the page will be, in rows. */
  readonly rows?: number;
  readonly children: (data: T) => ReactNode;
}

/** Shows what was fetched; grey lines until it is there, and what went wrong if it is not. */
export function Fetched<T>({ query: { data, error, refetch }, rows = 6, children }: FetchedProps<T>) {
  const hasFailed = error !== null;
  return (
    <>
      {hasFailed && <Problem error={error} onRetry={() => void refetch()} />}
      {data === undefined ? !hasFailed && <Skeleton rows={rows} /> : children(data)}
    </>
  );
}
