import { randomBytes } from 'node:crypto';
import type { CodeArtifactStore } from '../store/code-artifacts.ts';
import type { Database } from '../store/database.ts';

/** What runs of one session keep for the next. In the database: other nodes have it, and later processes. */
export interface Artifacts {
  /** A name for a new session, which nobody can guess. */
  begin(): string;
  /** Whether a session keeps anything. */
  has(session: string): Promise<boolean>;
  /** JSON text of all that a session keeps; undefined: nothing. */
  load(session: string): Promise<string | undefined>;
  /** Takes over changes of a run. */
  save(session: string, principal: string, changes: ArtifactChanges): Promise<SavedArtifacts>;
  stop(): void;
}

/** What a run did to its artifacts. */
export interface ArtifactChanges {
  /** JSON texts by name. */
  readonly set: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
}

/** The names of what a session keeps now, and of what there was no room for. */
export interface SavedArtifacts {
  readonly kept: readonly string[];
  readonly lost: readonly string[];
}

interface ArtifactsDeps {
  readonly store: CodeArtifactStore;
  readonly database: Pick<Database, 'transaction'>;
  readonly onError: (error: unknown) => void;
  readonly now?: () => number;
  /** Characters of one session. */
  readonly perSession?: number;
}

const KEPT_MS = 60 * 60_000;
const SWEEP_MS = 10 * 60_000;
const PER_SESSION = 1024 * 1024;

/** Keeps artifacts for an hour after their last use. */
export function createArtifacts(deps: ArtifactsDeps): Artifacts {
  const { store, database, onError, now = Date.now, perSession = PER_SESSION } = deps;
  const sweeping = setInterval(() => void store.sweep(now()).catch(onError), SWEEP_MS).unref();

  return {
    begin: () => randomBytes(12).toString('base64url'),
    has: (session) => store.has(session, now()),
    async load(session) {
      const texts = read(await store.find(session, now()));
      if (texts.size === 0) return undefined;
      return `{${[...texts].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
    },
    async save(session, principal, changes) {
      const owner = { session, principal, expires_at: now() + KEPT_MS };
      // Two runs of a session may end at once, on two nodes: each adds its own to what the other kept.
      const saved = await database.transaction(async (tx) => {
        const inTurn = store.with(tx);
        const texts = read(await inTurn.take(owner, now()));
        const lost = apply(texts, changes, perSession);
        await inTurn.put(session, texts.size === 0 ? undefined : JSON.stringify([...texts]));
        return { kept: [...texts.keys()], lost };
      });
      await store.trim(principal);
      return saved;
    },
    stop: () => clearInterval(sweeping),
  };
}

/** JSON texts by name, as `save` has written them. */
function read(stored: string | undefined): Map<string, string> {
  return new Map(stored === undefined ? [] : (JSON.parse(stored) as [string, string][]));
}

/** Gives the names of what there was no room for. */
function apply(texts: Map<string, string>, { set, removed }: ArtifactChanges, room: number): readonly string[] {
  for (const name of removed) texts.delete(name);
  let size = 0;
  for (const [name, text] of texts) size += name.length + text.length;
  const lost = Object.entries(set).filter(([name, text]) => {
    const before = texts.get(name);
    const growth = before === undefined ? name.length + text.length : text.length - before.length;
    if (!isJson(text) || size + growth > room) return true;
    texts.set(name, text);
    size += growth;
    return false;
  });
  return lost.map(([name]) => name);
}

/** The texts were made by code, which may have made them up. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
