import { z } from 'zod';
import { ApiKeyScope } from './api-key.ts';

/** What an account may do, from little to everything. */
export const Role = z.enum(['viewer', 'editor', 'admin']).meta({
  description: 'viewer reads; editor also changes; admin also manages accounts, API keys and who may sign in.',
});
export type Role = z.infer<typeof Role>;

/** The scopes of each role. */
export const ROLE_SCOPES: Readonly<Record<Role, readonly ApiKeyScope[]>> = {
  viewer: ['read'],
  editor: ['read', 'write'],
  admin: ['read', 'write', 'mcp', 'admin'],
};

const NEEDS: readonly (readonly [RegExp, string])[] = [
  [/^.{12}/su, 'at least 12 characters'],
  [/\p{Lu}/u, 'an upper-case letter'],
  [/\p{Ll}/u, 'a lower-case letter'],
  [/\p{Nd}/u, 'a digit'],
  [/[^\p{L}\p{N}\s]/u, 'a symbol'],
];

/** What a new password lacks, in words; empty when it will do. */
export function passwordFaults(password: string): string[] {
  return NEEDS.filter(([pattern]) => !pattern.test(password)).map(([, need]) => need);
}

/** A password as it is typed. The limit keeps a request from being expensive. */
export const Password = z.string().max(1024, 'must be at most 1024 characters');

/** A password that is about to be set. */
export const NewPassword = Password.superRefine((password, context) => {
  const faults = passwordFaults(password);
  if (faults.length > 0) context.addIssue({ code: 'custom', message: `must have ${faults.join(', ')}` });
}).meta({ description: 'At least 12 characters, with upper case, lower case, a digit and a symbol.' });

/** The name of an account. HTTP Basic ends the name at the first colon. */
export const Username = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(255)
  .regex(/^[^:\p{Cc}\p{Cf}]*$/u, 'must not hold a colon or an invisible character');

/** Body of `POST /api/session/setup`. */
export const Setup = z.object({
  username: Username,
  password: NewPassword,
  setup_token: z.string().optional().meta({ description: 'May also be sent as the header X-Asbru-Setup-Token.' }),
});

/** Body of `POST /api/session/login`. */
export const Login = z.object({ username: z.string().max(1024), password: Password });

/** Body of `PUT /api/session/password`. */
export const PasswordChange = z.object({ current_password: Password, new_password: NewPassword });

/** Body of `POST /api/users`. */
export const UserCreate = z.object({
  username: Username,
  password: NewPassword,
  role: Role.default('viewer'),
  is_active: z.boolean().default(true),
});
export type UserCreate = z.infer<typeof UserCreate>;

/** Body of `PUT /api/users/{id}`: what is absent stays. */
export const UserUpdate = z.object({
  username: Username.optional(),
  role: Role.optional(),
  is_active: z.boolean().optional(),
  password: NewPassword.optional().meta({ description: 'Ends the sessions of this account.' }),
});
export type UserUpdate = z.infer<typeof UserUpdate>;

/** An account as it is shown. */
export const UserView = z.object({
  id: z.string(),
  username: z.string(),
  role: Role,
  origin: z
    .enum(['local', 'sso'])
    .meta({ description: 'Who checks the sign-in: this gateway, or the identity provider.' }),
  is_active: z.boolean(),
  created_at: z.string(),
  updated_at: z.string(),
  last_login_at: z.string().nullable(),
});
export type UserView = z.infer<typeof UserView>;

/** Answer of `GET /api/session/me`. */
export const Me = z.object({
  principal: z.string(),
  name: z.string(),
  scopes: z.array(ApiKeyScope),
  user: UserView.nullable().meta({ description: 'null for an API key.' }),
  csrf_token: z.string().nullable().meta({
    description: 'For the header X-CSRF-Token of every request that changes something; null without a cookie.',
  }),
});

/** Answer of `GET /api/session/is-auth-enabled`. */
export const AuthStatus = z.object({
  is_auth_enabled: z.boolean().meta({ description: 'Somebody can sign in. The API wants a credential either way.' }),
  has_valid_token: z.boolean(),
  auth_type: z.enum(['password', 'sso', 'none']),
  inference_auth_enforced: z.boolean(),
  is_sso_enabled: z.boolean(),
  is_setup_needed: z.boolean().meta({ description: 'There is no admin account yet.' }),
});
