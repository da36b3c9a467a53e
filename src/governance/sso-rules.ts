import type { Role } from '../contract/account.ts';
import type { OidcOptions } from '../contract/config.ts';
import { GatewayError } from '../lib/errors.ts';

/** What the identity provider says about a person. */
export type Claims = Readonly<Record<string, unknown>> & { readonly iss: string; readonly sub: string };

const RANK: readonly Role[] = ['viewer', 'editor', 'admin'];

/** The role of a person: the highest that a claim maps to, else the default. Throws `forbidden` when there is neither. */
export function roleOf(claims: Claims, { role_claim, role_mapping = {}, default_role }: OidcOptions): Role {
  const values = role_claim === undefined ? [] : wordsOf(claimAt(claims, role_claim));
  const mapped = values.flatMap((value) => (Object.hasOwn(role_mapping, value) ? [role_mapping[value]] : []));
  const role = RANK.findLast((candidate) => mapped.includes(candidate)) ?? default_role;
  if (role === undefined) throw new GatewayError('forbidden', 'the identity provider gives you no role here');
  return role;
}

/** Refuses addresses of other domains, and addresses that nobody has verified. */
export function checkDomain({ email, email_verified }: Claims, { allowed_domains }: OidcOptions): void {
  if (allowed_domains === undefined) return;
  const domain = typeof email === 'string' ? email.slice(email.lastIndexOf('@') + 1).toLowerCase() : '';
  const isAllowed = email_verified === true && allowed_domains.some((allowed) => allowed.toLowerCase() === domain);
  if (!isAllowed) throw new GatewayError('forbidden', 'only verified e-mail addresses of certain domains may sign in');
}

/** What a new account is called; only for people to read, never to find an account by. */
export function nameOf({ preferred_username, email, name, sub }: Claims): string {
  const first = [preferred_username, email, name, sub].find((text) => typeof text === 'string' && text.trim() !== '');
  const text = String(first)
    .replaceAll(/[:\p{Cc}\p{Cf}]/gu, ' ')
    .trim()
    .slice(0, 200);
  return text === '' ? 'unnamed' : text;
}

/** How a person is found again. Subjects are unique only within their issuer, a URL, which has no space in it. */
export function subjectKey({ iss, sub }: Claims): string {
  return `${iss} ${sub}`;
}

/** The claim of that very name, which may be a URL with dots; else a path into objects. */
function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  return path.split('.').reduce<unknown>((value, step) => {
    return typeof value === 'object' && value !== null && Object.hasOwn(value, step)
      ? Reflect.get(value, step)
      : undefined;
  }, claims);
}

function wordsOf(value: unknown): string[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((word) => typeof word === 'string');
}
