/** Whether what was counted is there no more: the virtual key, or the server, by their ids. */
export type IsGone = (counted: {
  readonly virtual_key_id?: string | undefined;
  readonly client_id?: string | undefined;
}) => boolean;

/** What is counted under one set of labels. */
export interface Leaving {
  /** Whom it is about was gone when it was last looked at. */
  isLeaving: boolean;
}

/**
 * Forgets those that are about somebody who is gone now and was gone the last time, so that whoever scrapes in between still reads what
 * was counted at the end. True when there were any.
 */
export function forgetLeaving<S extends Leaving>(all: Map<string, S>, isGone: (series: S) => boolean): boolean {
  const before = all.size;
  for (const [labels, series] of all) {
    const wasGone = series.isLeaving;
    series.isLeaving = isGone(series);
    if (wasGone && series.isLeaving) all.delete(labels);
  }
  return all.size < before;
}
