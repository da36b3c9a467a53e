import { passwordFaults } from '../contract/account.ts';
import type { AuthConfigInput, AuthConfigView } from '../contract/auth.ts';
import { GatewayError } from '../lib/errors.ts';
import { Secret, updateSecret } from '../lib/secret.ts';
import type { Executor } from '../store/schema.ts';
import { usernameKey, type User } from '../store/users.ts';
import { waitForTurn } from '../store/write-lock.ts';
import type { AccountDeps } from './account-deps.ts';
import { newUser } from './account-rules.ts';
import type { Attempts } from './attempts.ts';
import { describeChange, type Actor } from './audit.ts';
import { loadAuthSettings, saveAuthSettings, type AuthSettings } from './auth-settings.ts';

interface Deps extends AccountDeps {
  readonly attempts: Attempts;
}

/** Who changes the admin account. */
export interface AuthConfigBy {
  readonly actor: Actor;
  /** Where wrong passwords are counted; undefined for whoever need not know the current one: API keys, config.json. */
  readonly proveFrom: string | undefined;
}

/** Writes what was prepared, in a transaction; `publish` comes after it. */
export type WriteAuthConfig = (tx: Executor) => Promise<void>;

/** `auth_config`: the one account that existing dashboards and config.json know, and whether passwords open anything. */
export interface AuthConfig {
  /** Undefined while there is no such account. */
  view(): Promise<AuthConfigView | undefined>;
  /** Checks everything. Undefined when nothing would change. */
  prepare(input: AuthConfigInput, by: AuthConfigBy): Promise<WriteAuthConfig | undefined>;
  publish(): Promise<void>;
}

/** A state of both: the account, and the settings that point to it. */
interface State {
  readonly admin: User | undefined;
  readonly auth: AuthSettings;
}

/** Says nothing about the password, not even its length. */
const MASK = '********';

export function createAuthConfig(deps: Deps): AuthConfig {
  const { settings, changes, database } = deps;
  return {
    async view() {
      const state = await load(deps);
      return state.admin === undefined ? undefined : viewOf(state);
    },

    async prepare(input, { actor, proveFrom }) {
      const before = await load(deps, input.admin_username);
      const password = await readPassword(deps, before, input);
      if (password !== undefined && proveFrom !== undefined) await prove(deps, before.admin, input, proveFrom);
      const hash = password === undefined ? undefined : await deps.passwords.hash(password.resolve());
      const admin = nextAdmin(before.admin, input.admin_username, hash);
      const patch: Partial<AuthSettings> = {
        ...(input.is_enabled !== undefined && { is_enabled: input.is_enabled }),
        ...(admin !== undefined && { admin_user_id: admin.id }),
        ...(password !== undefined && { admin_password_ref: password.reference }),
      };
      const isSame = JSON.stringify({ ...before.auth, ...patch }) === JSON.stringify(before.auth);
      if (admin === before.admin && isSame) return undefined;
      return async (tx) => {
        await waitForTurn(database.dialect, tx);
        // Since it was prepared, with its slow hash, somebody else may have changed what this leaves as it is.
        const current = { ...before, auth: await loadAuthSettings(settings.with(tx)) };
        const next = { admin, auth: { ...current.auth, ...patch } };
        await write(deps, tx, current, next);
        const after = { ...viewOf(next), ...(hash === undefined ? {} : { password: 'changed' }) };
        const subject = { entity: 'auth_config', id: admin?.id ?? '', name: admin?.username ?? 'auth_config' } as const;
        const change = { ...subject, action: 'update', before: viewOf(current), after } as const;
        await deps.audit.with(tx).append(describeChange(actor, change));
      };
    },

    async publish() {
      const { admin_user_id } = await loadAuthSettings(settings);
      await changes.publish('users', admin_user_id ?? '*');
    },
  };
}

/** The account that is meant: the one of that name, else the one that the settings point to. */
async function load({ users, settings }: Deps, username?: string): Promise<State> {
  const auth = await loadAuthSettings(settings);
  const named = username === undefined ? undefined : await users.findByName(username);
  if (named !== undefined && (named.role !== 'admin' || named.origin !== 'local')) {
    throw new GatewayError('conflict', `the account "${named.username}" is no admin that signs in with a password`);
  }
  const meant = named ?? (auth.admin_user_id === null ? undefined : await users.find(auth.admin_user_id));
  return { admin: meant?.role === 'admin' && meant.origin === 'local' ? meant : undefined, auth };
}

/** The password to set; undefined when it stays: nothing, a mask, or the one that it is already. */
async function readPassword({ passwords }: Deps, { admin, auth }: State, input: AuthConfigInput) {
  const { admin_password } = input;
  if (admin_password === undefined) return undefined;
  // Existing dashboards send empty fields along when they switch it off.
  if (admin_password === '' && input.is_enabled === false) return undefined;
  const stored = admin === undefined ? undefined : Secret.parse(auth.admin_password_ref || MASK);
  const sent = updateSecret(admin_password, stored);
  if (sent === undefined) throw refuse('is a mask, but no password is stored');
  if (sent === stored) return undefined;
  if (sent.isDangling) throw refuse(`refers to ${sent.reference}, which is not set`);
  const password = sent.resolve();
  const isSame = admin !== undefined && (await passwords.verify(password, admin.password_hash));
  if (isSame && sent.reference === auth.admin_password_ref) return undefined;
  const faults = passwordFaults(password);
  if (faults.length > 0) throw refuse(`must have ${faults.join(', ')}`);
  return sent;
}

async function prove({ attempts, passwords }: Deps, admin: User | undefined, input: AuthConfigInput, address: string) {
  if (admin?.password_hash === undefined) return;
  const { current_password = '' } = input;
  await attempts.run({ address, name: usernameKey(admin.username) }, async () => {
    if (await passwords.verify(current_password, admin.password_hash)) return;
    throw new GatewayError('forbidden', 'auth_config.current_password: must be the current password of this account');
  });
}

/** The account as it will be: the same object when nothing changes. */
function nextAdmin(admin: User | undefined, username: string | undefined, hash: string | undefined): User | undefined {
  if (admin === undefined) {
    if (hash === undefined) return undefined;
    if (username === undefined) throw new GatewayError('invalid_request', 'auth_config.admin_username: is missing');
    return newUser({ username, role: 'admin', password_hash: hash });
  }
  const isSame = hash === undefined && (username === undefined || username === admin.username);
  if (isSame) return admin;
  return {
    ...admin,
    username: username ?? admin.username,
    password_hash: hash ?? admin.password_hash,
    updated_at: Date.now(),
  };
}

async function write({ users, sessions, settings }: Deps, tx: Executor, before: State, after: State): Promise<void> {
  const stored = users.with(tx);
  const { admin } = after;
  if (admin !== before.admin && admin !== undefined) {
    const current = await stored.find(admin.id);
    // Prepared before the transaction began, because of the slow hash.
    if (current?.updated_at !== before.admin?.updated_at)
      throw new GatewayError('conflict', 'the account was changed at the same time; try again');
    await (before.admin === undefined ? stored.insert(admin) : stored.update(admin));
    if (admin.password_hash !== before.admin?.password_hash) await sessions.with(tx).removeOfUser(admin.id);
  }
  await saveAuthSettings(settings.with(tx), after.auth);
  if (!after.auth.is_enabled) await sessions.with(tx).removeOfLocalUsers();
}

function viewOf({ admin, auth }: State): AuthConfigView {
  const reference = auth.admin_password_ref;
  const value = admin?.password_hash === undefined ? '' : MASK;
  return {
    admin_username: admin?.username ?? '',
    admin_password: { value, env_var: reference, from_env: reference !== '' },
    is_enabled: auth.is_enabled,
  };
}

function refuse(rule: string): GatewayError {
  return new GatewayError('invalid_request', `auth_config.admin_password: ${rule}`);
}
