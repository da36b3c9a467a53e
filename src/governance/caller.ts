import { ROLE_SCOPES } from '../contract/account.ts';
import type { ApiKeyScope } from '../contract/api-key.ts';
import type { User } from '../store/users.ts';
import type { Limits } from './limits.ts';
import type { AdmitsModel } from './model-names.ts';

/** Something that has an id for programs and a name for people. */
export interface Reference {
  readonly id: string;
  readonly name: string;
}

/** What a virtual key may do with one provider, compiled. */
export interface ProviderPolicy {
  readonly provider: string;
  /** Share in weighted routing; undefined: may be used, but is not chosen by weight. */
  readonly weight: number | undefined;
  readonly admits: AdmitsModel;
  readonly refuses: AdmitsModel;
  /** Keys of the provider by id: ["*"] all, [] none. */
  readonly keyIds: readonly string[];
  /** Of this provider for this key alone, then those of the key, its team and its customer. */
  readonly limits: Limits | undefined;
}

/** A virtual key, compiled: all that a request needs to know of it. Frozen; a change makes a new one. */
export interface KeyPolicy extends Reference {
  readonly team: Reference | undefined;
  readonly customer: Reference | undefined;
  /** Budgets and limits of the key, its team and its customer. */
  readonly limits: Limits | undefined;
  readonly isActive: boolean;
  /** Epoch milliseconds. */
  readonly expiresAt: number | undefined;
  /** Undefined: as the gateway-wide setting says. */
  readonly disableContentLogging: boolean | undefined;
  /** What it may do with which provider of models, by name. */
  readonly providers: ReadonlyMap<string, ProviderPolicy>;
  /** It may also use the providers that it does not name. */
  readonly allowsAllProviders: boolean;
}

/** Who is behind a request, once the edge has checked the credential. Everything below the edge decides by this alone. */
export interface Caller {
  /**
   * `operator`: a management API key or somebody who signed in, with the unrestricted view. `anonymous`: nobody in particular,
   * where that is allowed.
   */
  readonly kind: 'operator' | 'anonymous' | 'virtual_key';
  /** Stable id such as "api-key:3": what sessions and per-user credentials are bound to. */
  readonly principal: string;
  /** For logs and screens only. */
  readonly name: string;
  readonly scopes: readonly ApiKeyScope[];
  /** The virtual key that it came with, if it is one. */
  readonly key?: KeyPolicy;
  /** The person who signed in, if it is one. */
  readonly user?: {
    readonly id: string;
    readonly name: string;
    /** Issuer and subject of the identity provider, for whoever comes from there; see sso-rules.ts. */
    readonly subject?: string | undefined;
  };
}

/** The caller without a credential, when `enforce_auth_on_inference` is off. It may use tools and nothing else. */
export const ANONYMOUS: Caller = Object.freeze({
  kind: 'anonymous',
  principal: 'anonymous',
  name: 'anonymous',
  scopes: Object.freeze(['mcp'] as const),
});

const KEY_PREFIX = 'virtual-key:';

/** The principal of whoever comes with this virtual key. */
export function principalOfKey(virtualKeyId: string): string {
  return KEY_PREFIX + virtualKeyId;
}

/** The virtual key behind a principal; undefined for principals of other kinds. */
export function keyOfPrincipal(principal: string): string | undefined {
  return principal.startsWith(KEY_PREFIX) ? principal.slice(KEY_PREFIX.length) : undefined;
}

/** The principal of whoever signed in to this account. */
export function principalOfUser(userId: string): string {
  return `user:${userId}`;
}

type Who = Pick<User, 'id' | 'username' | 'role' | 'sso_subject'>;

/** Somebody who signed in, with what the role allows at this moment. */
export function callerOfUser({ id, username, role, sso_subject }: Who): Caller {
  const user = { id, name: username, ...(sso_subject && { subject: sso_subject }) };
  return { kind: 'operator', principal: principalOfUser(id), name: username, scopes: ROLE_SCOPES[role], user };
}
