/** A token that was given for a caller and a server. */
export interface Kept {
  readonly token: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** When it was asked for because the server had refused the one before; undefined otherwise. */
  readonly renewedAt: number | undefined;
}

interface Entry {
  /** The latest, which servers may repeat in their errors. */
  recent: readonly string[];
  kept: Kept | undefined;
  asking: Promise<Kept> | undefined;
}

/** Tokens in memory, by a key that only one caller of one server can have. */
export interface TokenCache {
  /** The token of this key; `ask` is called when there is none that lasts, once for all who wait. */
  get(key: string, ask: () => Promise<Kept>): Kept | Promise<Kept>;
  /** Forgets a token that is no good, unless there is another already. */
  drop(key: string, kept: Kept): void;
  /** What was given under this key of late. */
  recent(key: string): readonly string[];
}

/** A token is not used in its last seconds: the request has a way to go. */
const SKEW_MS = 5_000;
const MAX_KEPT = 10_000;

export function createTokenCache(): TokenCache {
  const entries = new Map<string, Entry>();

  /** Room for one more: first what is over, then whoever came first. */
  function makeRoom(): void {
    if (entries.size < MAX_KEPT) return;
    const now = Date.now();
    for (const [key, { kept, asking }] of entries)
      if (asking === undefined && (kept?.expiresAt ?? 0) <= now) entries.delete(key);
    for (const key of entries.keys()) {
      if (entries.size < MAX_KEPT) return;
      entries.delete(key);
    }
  }

  async function ask(key: string, entry: Entry, run: () => Promise<Kept>): Promise<Kept> {
    try {
      const kept = await run();
      entry.kept = kept;
      entry.recent = [...entry.recent.slice(-2), kept.token];
      return kept;
    } catch (error) {
      if (entries.get(key) === entry) entries.delete(key);
      throw error;
    } finally {
      entry.asking = undefined;
    }
  }

  return {
    get(key, run) {
      const known = entries.get(key);
      if (known?.asking !== undefined) return known.asking;
      if (known?.kept !== undefined && known.kept.expiresAt - SKEW_MS > Date.now()) return known.kept;
      if (known === undefined) makeRoom();
      const entry: Entry = known ?? { kept: undefined, asking: undefined, recent: [] };
      entries.set(key, entry);
      entry.asking = ask(key, entry, run);
      return entry.asking;
    },
    drop(key, kept) {
      const entry = entries.get(key);
      if (entry?.kept === kept) entry.kept = undefined;
    },
    recent: (key) => entries.get(key)?.recent ?? [],
  };
}
