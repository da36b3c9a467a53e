import { useLayoutEffect, useRef, type RefObject } from 'react';

interface Place<Row> {
  readonly rows: readonly Row[];
  /** Another order is another list: there is no place in it yet. */
  readonly order: string;
}

/** Keeps the row at the top of a scrolled list where it is when rows come or go above it. At the very top new rows show. */
export function usePlace<Row>(
  frame: RefObject<HTMLElement | null>,
  { rows, order, rowKey, rowHeight }: Place<Row> & { rowKey: (row: Row) => string; rowHeight: number },
): void {
  const former = useRef<Place<Row>>({ rows, order });
  useLayoutEffect(() => {
    const before = former.current;
    former.current = { rows, order };
    const element = frame.current;
    if (before.rows === rows || before.order !== order || element === null || element.scrollTop === 0) return;
    const at = Math.floor(element.scrollTop / rowHeight);
    const top = before.rows[at];
    if (top === undefined) return;
    const key = rowKey(top);
    const now = rows.findIndex((row) => rowKey(row) === key);
    if (now !== -1) element.scrollTop += (now - at) * rowHeight;
  });
}
