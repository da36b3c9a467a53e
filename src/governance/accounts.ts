import type { UserCreate, UserUpdate, UserView } from '../contract/account.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Executor } from '../store/schema.ts';
import { usernameKey, type User } from '../store/users.ts';
import { writeInTurn } from '../store/write-lock.ts';
import type { AccountDeps } from './account-deps.ts';
import { checkRole, isActiveAdmin, lastAdmin, newUser, unknownUser, userView } from './account-rules.ts';
import type { Attempts } from './attempts.ts';
import { describeChange, type Actor } from './audit.ts';
import { saveAuthSettings } from './auth-settings.ts';
import type { Caller } from './caller.ts';

interface Deps extends AccountDeps {
  readonly attempts: Attempts;
}

/** Who makes a change. */
export interface By {
  readonly caller: Caller;
  readonly actor: Actor;
}

/** The accounts of the dashboard. Every change is recorded, and live when its promise settles. */
export interface Accounts {
  list(page: { search?: string; limit?: number; offset?: number }): Promise<{ users: UserView[]; total_count: number }>;
  get(id: string): Promise<UserView>;
  hasAdmin(): Promise<boolean>;
  /** The first admin, while there is none. */
  setUp(input: { username: string; password: string }, actor: Actor): Promise<UserView>;
  create(input: UserCreate, by: By): Promise<UserView>;
  update(id: string, patch: UserUpdate, by: By): Promise<UserView>;
  remove(id: string, by: By): Promise<void>;
  /** Changes the caller's own password and ends all their sessions. `address` is where attempts are counted. */
  changePassword(
    change: { current_password: string; new_password: string },
    by: By & { readonly address: string },
  ): Promise<User>;
}

export function createAccounts(deps: Deps): Accounts {
  const { database, users, changes, passwords, attempts } = deps;

  async function get(id: string): Promise<User> {
    const user = await users.find(id);
    if (user === undefined) throw unknownUser(id);
    return user;
  }

  /** One write after the other: who is the last admin must still be true when it is written. */
  async function write(run: (tx: Executor) => Promise<User>): Promise<User> {
    const user = await writeInTurn(database, run);
    await changes.publish('users', user.id);
    return user;
  }

  return {
    async list(page) {
      const { users: found, total_count } = await users.list(page);
      return { users: found.map(userView), total_count };
    },
    get: async (id) => userView(await get(id)),
    hasAdmin: async () => (await users.countAdmins({})) > 0,

    async setUp({ username, password }, actor) {
      if ((await users.countAdmins({})) > 0) throw isSetUp();
      const user = newUser({ username, role: 'admin', password_hash: await passwords.hash(password) });
      await write(async (tx) => {
        if ((await users.with(tx).countAdmins({})) > 0) throw isSetUp();
        await saveAuthSettings(deps.settings.with(tx), { admin_user_id: user.id, admin_password_ref: '' });
        return insert(deps, tx, user, actor);
      });
      return userView(user);
    },

    async create({ username, password, role, is_active }, { caller, actor }) {
      checkRole(caller, role);
      const user = newUser({ username, role, is_active, password_hash: await passwords.hash(password) });
      return userView(await write((tx) => insert(deps, tx, user, actor)));
    },

    async update(id, patch, by) {
      checkPatch(await get(id), patch, by.caller);
      const { password } = patch;
      const password_hash = password === undefined ? undefined : await passwords.hash(password);
      return userView(await write((tx) => update(deps, tx, { id, patch, password_hash, by })));
    },

    async remove(id, { caller, actor }) {
      await write(async (tx) => {
        const stored = users.with(tx);
        const user = await stored.find(id);
        if (user === undefined) throw unknownUser(id);
        checkRole(caller, user.role);
        if (isActiveAdmin(user) && (await stored.countAdmins({ isActive: true })) === 1) throw lastAdmin();
        await stored.remove(id);
        const change = { action: 'delete', entity: 'user', id, name: user.username, before: userView(user) } as const;
        await deps.audit.with(tx).append(describeChange(actor, change));
        return user;
      });
    },

    async changePassword({ current_password, new_password }, { caller, actor, address }) {
      if (caller.user === undefined) throw new GatewayError('invalid_request', 'an API key has no password to change');
      const user = await get(caller.user.id);
      if (user.origin === 'sso') throw elsewhere();
      await attempts.run({ address, name: usernameKey(user.username) }, async () => {
        if (await passwords.verify(current_password, user.password_hash)) return;
        throw new GatewayError('forbidden', 'the current password is wrong');
      });
      const password_hash = await passwords.hash(new_password);
      return write(async (tx) => {
        const stored = await users.with(tx).find(user.id);
        // Somebody else was faster, and may have locked this one out.
        if (stored === undefined || stored.password_hash !== user.password_hash)
          throw new GatewayError('conflict', 'the password has changed');
        return save(deps, tx, { before: stored, after: { ...stored, password_hash }, actor });
      });
    },
  };
}

async function insert({ users, audit }: Deps, tx: Executor, user: User, actor: Actor): Promise<User> {
  await users.with(tx).insert(user);
  const change = { action: 'create', entity: 'user', id: user.id, name: user.username, after: userView(user) } as const;
  await audit.with(tx).append(describeChange(actor, change));
  return user;
}

interface Update {
  readonly id: string;
  readonly patch: UserUpdate;
  readonly password_hash: string | undefined;
  readonly by: By;
}

async function update(deps: Deps, tx: Executor, { id, patch, password_hash, by }: Update): Promise<User> {
  const stored = deps.users.with(tx);
  const before = await stored.find(id);
  if (before === undefined) throw unknownUser(id);
  checkPatch(before, patch, by.caller);
  const { username = before.username, role = before.role, is_active = before.is_active } = patch;
  const after = { ...before, username, role, is_active, ...(password_hash === undefined ? {} : { password_hash }) };
  if (isActiveAdmin(before) && !isActiveAdmin(after) && (await stored.countAdmins({ isActive: true })) === 1)
    throw lastAdmin();
  return save(deps, tx, { before, after, actor: by.actor });
}

interface Save {
  readonly before: User;
  readonly after: User;
  readonly actor: Actor;
}

/** Writes a changed account. Who could sign in before and can no longer, or only with another password, is signed out. */
async function save({ users, sessions, audit }: Deps, tx: Executor, { before, after, actor }: Save): Promise<User> {
  const saved = { ...after, updated_at: Date.now() };
  const hasNewPassword = saved.password_hash !== before.password_hash;
  await users.with(tx).update(saved);
  if (!saved.is_active || hasNewPassword) await sessions.with(tx).removeOfUser(saved.id);
  const change = {
    ...({ action: 'update', entity: 'user', id: saved.id, name: saved.username } as const),
    before: userView(before),
    after: { ...userView(saved), ...(hasNewPassword ? { password: 'changed' } : {}) },
  };
  await audit.with(tx).append(describeChange(actor, change));
  return saved;
}

function checkPatch(user: User, { role, password }: UserUpdate, caller: Caller): void {
  checkRole(caller, user.role);
  if (role !== undefined) checkRole(caller, role);
  if (password === undefined) return;
  if (user.origin === 'sso') throw elsewhere();
  if (caller.user?.id !== user.id) return;
  // Who finds an open browser must not be able to keep the account.
  throw new GatewayError('forbidden', 'change your own password with PUT /api/session/password');
}

function elsewhere(): GatewayError {
  return new GatewayError('invalid_request', 'this account signs in at the identity provider and has no password here');
}

function isSetUp(): GatewayError {
  return new GatewayError('conflict', 'there is an admin account already');
}
