import type { Changes } from '../store/changes.ts';
import type { UserStore } from '../store/users.ts';
import { callerOfUser, type Caller } from './caller.ts';

/** The accounts whose role may use `/mcp`, in memory: a call does not wait for the database. */
export interface People {
  /** Undefined for whoever is not there, was switched off or has no such role. */
  find(id: string): Caller | undefined;
}

interface Deps {
  readonly users: Pick<UserStore, 'list'>;
  readonly changes: Pick<Changes, 'subscribe'>;
  readonly onError: (error: unknown) => void;
}

/** Loads them and follows their changes. */
export async function createPeople({ users, changes, onError }: Deps): Promise<People> {
  let callers: ReadonlyMap<string, Caller> = new Map();
  let reloading = Promise.resolve();

  changes.subscribe((table) => (table === 'users' ? reload() : undefined));
  await reload();

  /** One after the other, so that the newest state is also the last to arrive. */
  function reload(): Promise<void> {
    reloading = reloading.then(async () => {
      try {
        callers = await load();
      } catch (error) {
        callers = new Map(); // somebody may have been shut out
        onError(error);
      }
    });
    return reloading;
  }

  async function load(): Promise<ReadonlyMap<string, Caller>> {
    const active = (await users.list({})).users.filter(({ is_active }) => is_active);
    const found = active.map((user) => [user.id, Object.freeze(callerOfUser(user))] as const);
    return new Map(found.filter(([, { scopes }]) => scopes.includes('mcp')));
  }

  return { find: (id) => callers.get(id) };
}
