/** What was taken down of a call, or of a request to a model. */
export interface WaitingRow<Start, End> {
  start: Start;
  end: End | undefined;
  /** When it began, by `performance.now()`. */
  readonly since: number;
  /** open: its row waits in the open segment. sealed: it is being written, or was. dropped: it has no row. */
  place: 'open' | 'sealed' | 'dropped';
}

/** What a segment writes of the open rows. */
interface Split<Start, End> {
  readonly started: Start[];
  readonly completed: { readonly start: Start; readonly end: End }[];
  /** These stay open. */
  readonly left: WaitingRow<Start, End>[];
}

/**
 * Seals the rows but for those that began less than `patience` ms ago and still run: most of them will have ended before the next
 * segment, and are then written once, where a row that ends later has to be found and changed.
 */
export function splitRows<Start, End>(rows: readonly WaitingRow<Start, End>[], patience: number): Split<Start, End> {
  const split: Split<Start, End> = { started: [], completed: [], left: [] };
  const young = performance.now() - patience;
  for (const row of rows) {
    const { start, end, since } = row;
    if (end === undefined && since > young) {
      split.left.push(row);
      continue;
    }
    row.place = 'sealed';
    if (end === undefined) split.started.push(start);
    else split.completed.push({ start, end });
  }
  return split;
}
