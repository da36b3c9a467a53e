import { randomUUID } from 'node:crypto';
import { ROLE_SCOPES, type Role, type UserView } from '../contract/account.ts';
import { GatewayError } from '../lib/errors.ts';
import type { User } from '../store/users.ts';
import type { Caller } from './caller.ts';

/** A new account as it is stored. */
export function newUser(fields: Pick<User, 'username' | 'role'> & Partial<User>): User {
  const now = Date.now();
  return {
    id: randomUUID(),
    password_hash: undefined,
    origin: 'local',
    sso_subject: undefined,
    is_active: true,
    created_at: now,
    updated_at: now,
    last_login_at: undefined,
    ...fields,
  };
}

/** What read APIs show of an account: nothing that helps to sign in. */
export function userView(user: User): UserView {
  const { id, username, role, origin, is_active, last_login_at } = user;
  const time = (ms: number) => new Date(ms).toISOString();
  return {
    ...{ id, username, role, origin, is_active },
    created_at: time(user.created_at),
    updated_at: time(user.updated_at),
    last_login_at: last_login_at === undefined ? null : time(last_login_at),
  };
}

/** Nobody gives, or takes over, more than they have: an account could be used to get it. */
export function checkRole(caller: Caller, role: Role): void {
  const missing = ROLE_SCOPES[role].find((scope) => !caller.scopes.includes(scope));
  if (missing === undefined) return;
  throw new GatewayError('forbidden', `you lack the scope "${missing}", which the role "${role}" has`, {
    details: { scope: missing },
  });
}

/** True for accounts that can let others in. */
export function isActiveAdmin(user: Pick<User, 'role' | 'is_active'>): boolean {
  return user.role === 'admin' && user.is_active;
}

export function unknownUser(id: string): GatewayError {
  return new GatewayError('not_found', `there is no account ${id}`);
}

/** The refusal to leave nobody who could let anybody in. */
export function lastAdmin(): GatewayError {
  return new GatewayError('wrong_state', 'this is the last active admin; make somebody else an admin first');
}
