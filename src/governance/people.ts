import { createKeptCopy } from '../lib/kept-copy.ts';
import type { Changes } from '../store/changes.ts';
import type { UserStore } from '../store/users.ts';
import { callerOfUser, type Caller } from './caller.ts';

/** The accounts whose role may use `/mcp`, in memory: a call does not wait for the database. */
export interface People {
  /** Undefined for whoever is not there, was switched off or has no such role. Throws `database_unavailable` when nobody can tell. */
  find(id: string): Caller | undefined;
}

interface Deps {
  readonly users: Pick<UserStore, 'list'>;
  readonly changes: Pick<Changes, 'subscribe'>;
  readonly onError: (error: unknown) => void;
}

/** Loads them and follows their changes. */
export async function createPeople({ users, changes, onError }: Deps): Promise<People> {
  const callers = createKeptCopy({ read, onError, refusal: 'the accounts cannot be read at the moment' });

  changes.subscribe((table) => (table === 'users' ? callers.refresh() : undefined));
  await callers.refresh();

  async function read(): Promise<ReadonlyMap<string, Caller>> {
    const active = (await users.list({})).users.filter(({ is_active }) => is_active);
    const found = active.map((user) => [user.id, Object.freeze(callerOfUser(user))] as const);
    return new Map(found.filter(([, { scopes }]) => scopes.includes('mcp')));
  }

  return { find: (id) => callers.get().get(id) };
}
