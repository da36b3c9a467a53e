import { z } from 'zod';
import { Password, Role, Username } from './account.ts';
import { SecretInput, SecretView } from './common.ts';

/** `auth_config` as it is sent: in `PUT /api/config`, and under `governance` in config.json. */
export const AuthConfigInput = z.object({
  admin_username: Username.optional(),
  admin_password: SecretInput.optional().meta({
    description:
      'At least 12 characters, with upper case, lower case, a digit and a symbol; or "env.NAME". A mask keeps it.',
  }),
  is_enabled: z
    .boolean()
    .optional()
    .meta({ description: 'false: nobody signs in with a password. API keys still work.' }),
  current_password: Password.optional().meta({ description: 'To change the password without an API key.' }),
});
export type AuthConfigInput = z.infer<typeof AuthConfigInput>;

/** `auth_config` as it is shown. */
export const AuthConfigView = z.object({
  admin_username: z.string(),
  admin_password: SecretView,
  is_enabled: z.boolean(),
});
export type AuthConfigView = z.infer<typeof AuthConfigView>;

/** `auth.oidc` of config.json: single sign-on for the dashboard. */
export const OidcOptions = z.looseObject({
  issuer: z.url({ protocol: /^https?$/ }),
  client_id: z.string().min(1),
  client_secret: z
    .string()
    .optional()
    .meta({ description: 'Better "env.NAME". Absent: a public client, with PKCE alone.' }),
  scopes: z.array(z.string()).optional().meta({ description: 'Default: openid, profile, email.' }),
  role_claim: z.string().optional().meta({
    description: 'The claim that says the role, such as "groups" or "realm_access.roles". Read at each sign-in.',
  }),
  role_mapping: z
    .record(z.string(), Role)
    .optional()
    .meta({ description: 'Values of role_claim, each with its role. The highest wins.' }),
  default_role: Role.optional().meta({ description: 'For whoever no mapping fits. Absent: they are refused.' }),
  allowed_domains: z
    .array(z.string())
    .optional()
    .meta({ description: 'Domains of verified e-mail addresses that may sign in. Absent: any.' }),
});
export type OidcOptions = z.infer<typeof OidcOptions>;

/** `auth` of config.json: how people sign in. */
export const AuthSection = z.looseObject({
  oidc: OidcOptions.optional().meta({ description: 'Single sign-on for the dashboard.' }),
  trusted_proxies: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
    .optional()
    .meta({ description: 'Addresses of proxies in front, whose X-Forwarded-For and X-Forwarded-Proto count.' }),
});
