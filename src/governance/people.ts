import { createOrder } from '../lib/in-order.ts';
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
}

/** Loads them and follows their changes. */
export async function createPeople({ users, changes }: Deps): Promise<People> {
  let callers: ReadonlyMap<string, Caller> = new Map();
  const inOrder = createOrder();

  changes.subscribe((table) => (table === 'users' ? inOrder(reload) : undefined));
  await inOrder(reload);

  /** When it fails nobody is known until it has succeeded: it is tried again then. */
  async function reload(): Promise<void> {
    try {
      callers = await load();
    } catch (error) {
      callers = new Map(); // somebody may have been shut out
      throw error;
    }
  }

  async function load(): Promise<ReadonlyMap<string, Caller>> {
    const active = (await users.list({})).users.filter(({ is_active }) => is_active);
    const found = active.map((user) => [user.id, Object.freeze(callerOfUser(user))] as const);
    return new Map(found.filter(([, { scopes }]) => scopes.includes('mcp')));
  }

  return { find: (id) => callers.get(id) };
}
