import type { OidcOptions } from '../contract/config.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Executor } from '../store/schema.ts';
import type { User, UserStore } from '../store/users.ts';
import { writeInTurn } from '../store/write-lock.ts';
import type { AccountDeps } from './account-deps.ts';
import { newUser, userView } from './account-rules.ts';
import { describeChange, type Actor } from './audit.ts';
import { principalOfUser } from './caller.ts';
import { checkDomain, nameOf, roleOf, subjectKey, type Claims } from './sso-rules.ts';

type Deps = Pick<AccountDeps, 'database' | 'users' | 'audit' | 'changes'>;

/** The account of somebody whom the identity provider has identified; made when they come for the first time. */
export type AdmitUser = (claims: Claims, actor: Actor) => Promise<User>;

/**
 * Finds accounts by issuer and subject alone. Names and e-mail addresses can be chosen, and given to somebody else later: an
 * account that merely has the same one stays untouched.
 */
export function createAdmitUser(deps: Deps, options: OidcOptions): AdmitUser {
  const { database, users, changes } = deps;
  return async (claims, actor) => {
    checkDomain(claims, options);
    const role = roleOf(claims, options);
    const subject = subjectKey(claims);
    const user = await writeInTurn(database, async (tx) => {
      const known = await users.with(tx).findBySubject(subject);
      if (known === undefined)
        return { ...(await insert(deps, tx, { claims, role, subject, actor })), isChanged: true };
      if (!known.is_active) throw new GatewayError('forbidden', 'your account is switched off');
      // Without a claim the role is ours to change, and stays.
      if (options.role_claim === undefined || known.role === role) return { ...known, isChanged: false };
      return { ...(await updateRole(deps, tx, { known, role, actor })), isChanged: true };
    });
    const { isChanged, ...found } = user;
    if (isChanged) await changes.publish('users', found.id);
    return found;
  };
}

interface Insert {
  readonly claims: Claims;
  readonly role: User['role'];
  readonly subject: string;
  readonly actor: Actor;
}

async function insert({ users, audit }: Deps, tx: Executor, { claims, role, subject, actor }: Insert): Promise<User> {
  const stored = users.with(tx);
  const username = await freeName(stored, nameOf(claims));
  const user = newUser({ username, role, origin: 'sso', sso_subject: subject });
  await stored.insert(user);
  const change = { action: 'create', entity: 'user', id: user.id, name: username, after: userView(user) } as const;
  await audit.with(tx).append(describeChange(asUser(user, actor), change));
  return user;
}

interface UpdateRole {
  readonly known: User;
  readonly role: User['role'];
  readonly actor: Actor;
}

/** Also for the last admin: who is one is said by the identity provider then. */
async function updateRole({ users, audit }: Deps, tx: Executor, { known, role, actor }: UpdateRole): Promise<User> {
  const user = { ...known, role, updated_at: Date.now() };
  await users.with(tx).update(user);
  const subject = { action: 'update', entity: 'user', id: user.id, name: user.username } as const;
  const change = { ...subject, before: userView(known), after: userView(user) };
  await audit.with(tx).append(describeChange(asUser(user, actor), change));
  return user;
}

async function freeName(users: UserStore, wanted: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted} (${number})`;
    if ((await users.findByName(name)) === undefined) return name;
  }
}

function asUser({ id, username }: User, actor: Actor): Actor {
  return { ...actor, principal: principalOfUser(id), name: username };
}
