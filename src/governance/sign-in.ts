import { createHmac, randomBytes } from 'node:crypto';
import { GatewayError } from '../lib/errors.ts';
import { usernameKey, type User } from '../store/users.ts';
import { writeInTurn } from '../store/write-lock.ts';
import type { AccountDeps } from './account-deps.ts';
import type { Attempts } from './attempts.ts';
import { describeChange, type Actor } from './audit.ts';
import { loadAuthSettings } from './auth-settings.ts';
import { principalOfUser } from './caller.ts';

interface Deps extends AccountDeps {
  readonly attempts: Attempts;
  readonly now?: () => number;
}

/** Who tries, as far as it is known before it is known who it is. */
export interface Visitor {
  /** Where attempts are counted: the address of the client, also behind a proxy. */
  readonly address: string;
  readonly userAgent?: string | undefined;
  /** For the audit logs; its principal is replaced by who it turns out to be. */
  readonly actor: Actor;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Tells people by their password or by the session that they opened with it. Whatever throws in here, nobody is signed in. */
export interface SignIn {
  /** Whether anybody could sign in with a password. */
  isPossible(): Promise<boolean>;
  /** The account, if the password is right. Throws `unauthorized`, the same for every reason, or `too_many_attempts`. */
  checkPassword(credentials: Credentials, visitor: Visitor): Promise<User>;
  /** As checkPassword, for credentials that come with every request: what was right stays so for a minute. */
  checkBasic(credentials: Credentials, visitor: Visitor): Promise<User>;
  /** Opens a session and gives its token; the one that the browser had before ends. */
  open(user: User, visitor: Visitor, former?: string): Promise<string>;
  /** The account behind a token; undefined for a token that is not or no longer good. */
  find(token: string): Promise<User | undefined>;
  /** Ends the session, if there is one. */
  close(token: string, actor: Actor): Promise<User | undefined>;
}

export const SESSION_MS = 30 * 24 * 60 * 60_000;
const BASIC_MS = 60_000;
const MAX_BASIC = 1_000;
const TOKEN_BYTES = 32;

export function createSignIn(deps: Deps): SignIn {
  const { database, users, sessions, settings, audit, changes, now = Date.now } = deps;
  const checkPassword = createPasswordCheck(deps);

  async function find(token: string): Promise<User | undefined> {
    const id = await sessions.findUser(token, now());
    const user = id === undefined ? undefined : await users.find(id);
    if (user?.is_active !== true) return undefined;
    return user.origin === 'sso' || (await loadAuthSettings(settings)).is_enabled ? user : undefined;
  }

  return {
    isPossible: async () => (await loadAuthSettings(settings)).is_enabled && (await users.hasPasswords()),
    checkPassword,
    checkBasic: createBasicCheck(deps, checkPassword, now),
    find,

    async open(user, { actor, userAgent }, former) {
      const token = randomBytes(TOKEN_BYTES).toString('base64url');
      const createdAt = now();
      const ip = actor.request?.ip;
      await writeInTurn(database, async (tx) => {
        // Since the password was checked, it may have been changed, and the sessions of the old one ended.
        const current = await users.with(tx).find(user.id);
        if (current?.is_active !== true || current.password_hash !== user.password_hash) throw wrong();
        const stored = sessions.with(tx);
        await stored.removeExpired(createdAt);
        if (former !== undefined) await stored.remove(former);
        const session = { token, userId: user.id, createdAt, expiresAt: createdAt + SESSION_MS, ip, userAgent };
        await stored.insert(session);
        await users.with(tx).noteLogin(user.id, createdAt);
        await audit.with(tx).append(describe('login', user, actor));
      });
      return token;
    },

    async close(token, actor) {
      const user = await find(token);
      if (user === undefined) {
        await sessions.remove(token);
        return undefined;
      }
      await database.transaction(async (tx) => {
        await sessions.with(tx).remove(token);
        await audit.with(tx).append(describe('logout', user, actor));
      });
      // Ends the live feed of that browser; others of the same account come back at once.
      await changes.publish('users', user.id);
      return user;
    },
  };
}

type PasswordCheck = SignIn['checkPassword'];

function createPasswordCheck({ database, users, settings, audit, passwords, attempts }: Deps): PasswordCheck {
  async function noteFailure(user: User | undefined, actor: Actor): Promise<void> {
    // What is no account may be a password in the wrong field.
    await database.transaction((tx) => audit.with(tx).append(describe('login_failed', user, actor)));
  }

  return async ({ username, password }, { address, actor }) => {
    const { is_enabled } = await loadAuthSettings(settings);
    if (!is_enabled) throw wrong();
    const who = { address, name: usernameKey(username) };
    return attempts.run(who, async () => {
      const user = await users.findByName(username);
      const isRight = await passwords.verify(password, user?.password_hash);
      if (isRight && user?.is_active === true) return user;
      await noteFailure(user, actor);
      throw wrong();
    });
  };
}

/** Spares Argon2 on every request. What is kept is a hash under a key that only this process knows. */
function createBasicCheck({ users, settings }: Deps, check: PasswordCheck, now: () => number): PasswordCheck {
  const key = randomBytes(32);
  const recent = new Map<string, { readonly until: number; readonly checked: Promise<User> }>();

  return async (credentials, visitor) => {
    const { username, password } = credentials;
    const id = createHmac('sha256', key)
      .update(JSON.stringify([username, password]))
      .digest('base64');
    const known = recent.get(id);
    if (known !== undefined && known.until > now()) {
      const { password_hash } = await known.checked;
      const user = await users.findByName(username);
      const isEnabled = (await loadAuthSettings(settings)).is_enabled;
      // The account may have changed since, here or in another process.
      if (isEnabled && user?.is_active === true && user.password_hash === password_hash) return user;
    }
    if (recent.size >= MAX_BASIC) recent.clear();
    // Kept while it is being checked: many requests at once are one attempt.
    const fresh = { until: now() + BASIC_MS, checked: check(credentials, visitor) };
    recent.set(id, fresh);
    try {
      return await fresh.checked;
    } catch (error) {
      if (recent.get(id) === fresh) recent.delete(id);
      throw error;
    }
  };
}

function describe(action: 'login' | 'login_failed' | 'logout', user: User | undefined, actor: Actor) {
  const isKnown = user !== undefined && action !== 'login_failed';
  const who = isKnown ? { ...actor, principal: principalOfUser(user.id), name: user.username } : actor;
  return describeChange(who, { action, entity: 'session', id: user?.id ?? '', name: user?.username ?? '' });
}

function wrong(): GatewayError {
  return new GatewayError('unauthorized', 'Invalid username or password');
}
