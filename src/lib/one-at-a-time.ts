/** Starts `work`, unless it is running already: what every request would start, while the database is away, must not pile up. */
export function oneAtATime(work: () => Promise<unknown>): () => void {
  let running: Promise<unknown> | undefined;
  return () => {
    running ??= work()
      .catch(() => undefined) // it tells of its own failures
      .finally(() => (running = undefined));
  };
}
