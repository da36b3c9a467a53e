/** Something that ends, such as an access token. */
export interface Expiring {
  /** Epoch milliseconds; Infinity: never. */
  readonly expiresAt: number;
}

/** What is fetched once for all who want it, and again before it ends. */
export interface Renewals<T extends Expiring> {
  /** What is kept under this id. `fetch` is called when there is nothing that lasts, once for all who wait. */
  find(id: string, fetch: () => Promise<T>): Promise<T>;
}

interface Entry<T> {
  value: T | undefined;
  flight: Promise<T> | undefined;
  /** Nothing is fetched in the background before: neither failures nor short lives make a storm of requests. */
  restsUntil: number;
}

/** From here to its end, a value is renewed in the background. */
const EARLY_MS = 5 * 60_000;
/** In the last minute of its life a value is waited for: a request may take that long to arrive. */
const LATE_MS = 60_000;
const REST_MS = 30_000;

/** Keeps values by id. One that cannot be renewed is used until it ends. */
export function createRenewals<T extends Expiring>(now: () => number): Renewals<T> {
  const entries = new Map<string, Entry<T>>();

  async function fetchFor(id: string, entry: Entry<T>, fetch: () => Promise<T>): Promise<T> {
    try {
      const value = await fetch();
      entry.value = value;
      return value;
    } catch (error) {
      if (entry.value !== undefined && entry.value.expiresAt > now()) return entry.value;
      entries.delete(id);
      throw error;
    } finally {
      entry.flight = undefined;
      entry.restsUntil = now() + REST_MS;
    }
  }

  return {
    async find(id, fetch) {
      const entry: Entry<T> = entries.get(id) ?? { value: undefined, flight: undefined, restsUntil: 0 };
      entries.set(id, entry);
      const { value } = entry;
      const left = value === undefined ? 0 : value.expiresAt - now();
      if (value !== undefined && left > EARLY_MS) return value;
      const isUsable = value !== undefined && left > LATE_MS;
      if (isUsable && now() < entry.restsUntil) return value;
      // A turn later, so that a `fetch` that throws at once has its flight to end.
      entry.flight ??= Promise.resolve().then(() => fetchFor(id, entry, fetch));
      if (!isUsable) return entry.flight;
      entry.flight.catch(() => undefined);
      return value;
    },
  };
}
