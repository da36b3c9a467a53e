/**
 * Runs what it is given one after the other; each promise settles as its own work does. For whatever reads the database again: what
 * was read first never replaces what was read later.
 */
export function createOrder(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined); // whoever asked hears of it
    return done;
  };
}
