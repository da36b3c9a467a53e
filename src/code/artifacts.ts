import { randomBytes } from 'node:crypto';

/** What runs of one session keep for the next. In memory: it is gone with the process, and other nodes do not have it. */
export interface Artifacts {
  /** A name for a new session, which nobody can guess. */
  begin(): string;
  /** JSON text of all that a session keeps; undefined: nothing. */
  load(session: string): string | undefined;
  /** Takes over changes. Gives the names of what there was no room for. */
  save(session: string, changes: ArtifactChanges): readonly string[];
  /** The names of what a session keeps. */
  list(session: string): readonly string[];
}

/** What a run did to its artifacts. */
export interface ArtifactChanges {
  /** JSON texts by name. */
  readonly set: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
}

interface Space {
  readonly texts: Map<string, string>;
  size: number;
  usedAt: number;
}

interface ArtifactOptions {
  readonly now?: () => number;
  /** Characters of one session, and of all together. */
  readonly perSession?: number;
  readonly total?: number;
}

const KEPT_MS = 60 * 60_000;
const PER_SESSION = 1024 * 1024;
const TOTAL = 64 * PER_SESSION;

/** Keeps artifacts for an hour after their last use; when there are too many, those used longest ago go first. */
export function createArtifacts(options: ArtifactOptions = {}): Artifacts {
  const { now = Date.now, perSession = PER_SESSION, total = TOTAL } = options;
  /** In the order of their last use. */
  const spaces = new Map<string, Space>();
  let size = 0;

  function find(session: string): Space | undefined {
    for (const [name, { usedAt }] of spaces) {
      if (now() - usedAt < KEPT_MS) break;
      forget(name);
    }
    return spaces.get(session);
  }

  function forget(session: string): void {
    size -= spaces.get(session)?.size ?? 0;
    spaces.delete(session);
  }

  function put(space: Space, name: string, text: string | undefined): boolean {
    const before = space.texts.get(name);
    const growth = sizeOf(name, text) - sizeOf(name, before);
    if (space.size + growth > perSession) return false;
    if (text === undefined) space.texts.delete(name);
    else space.texts.set(name, text);
    space.size += growth;
    size += growth;
    return true;
  }

  return {
    begin: () => randomBytes(12).toString('base64url'),
    load(session) {
      const texts = find(session)?.texts;
      if (texts === undefined || texts.size === 0) return undefined;
      return `{${[...texts].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
    },
    save(session, { set, removed }) {
      const space = find(session) ?? { texts: new Map<string, string>(), size: 0, usedAt: 0 };
      for (const name of removed) put(space, name, undefined);
      const lost = Object.entries(set).filter(([name, text]) => !isJson(text) || !put(space, name, text));
      // Last in the order again.
      spaces.delete(session);
      if (space.texts.size > 0) spaces.set(session, Object.assign(space, { usedAt: now() }));
      for (const name of spaces.keys()) {
        if (size <= total) break;
        forget(name);
      }
      return lost.map(([name]) => name);
    },
    list: (session) => [...(find(session)?.texts.keys() ?? [])],
  };
}

function sizeOf(name: string, text: string | undefined): number {
  return text === undefined ? 0 : name.length + text.length;
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
