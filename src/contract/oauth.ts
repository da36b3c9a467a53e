import { z } from 'zod';
import { SecretInput } from './common.ts';

/** How the gateway proves who it is at a token endpoint. */
export const TokenAuthMethod = z.enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']);
export type TokenAuthMethod = z.infer<typeof TokenAuthMethod>;

const endpoint = z.string().refine((text) => text === '' || URL.canParse(text), 'is not a valid URL');

/** `oauth_config` of a client: all of it may be left out where the server can be asked. */
export const OAuthConfigInput = z.looseObject({
  client_id: z.string().nullish().meta({ description: 'The id under which the gateway is registered there already.' }),
  client_secret: SecretInput.nullish(),
  authorize_url: endpoint.nullish().meta({ description: 'Discovered when absent, as the other endpoints.' }),
  token_url: endpoint.nullish(),
  registration_url: endpoint.nullish(),
  scopes: z.array(z.string()).nullish().meta({
    description: 'Asked for exactly. Absent or empty: what the server asks for.',
  }),
  resource: z.string().nullish().meta({ description: 'RFC 8707 resource indicator, if the discovered one is wrong.' }),
  grant_type: z.enum(['authorization_code', 'client_credentials']).nullish().meta({
    description: 'client_credentials needs no browser: the gateway signs in as itself.',
  }),
  token_endpoint_auth_method: TokenAuthMethod.nullish(),
  private_key: SecretInput.nullish().meta({ description: 'PKCS#8 PEM or JWK, for private_key_jwt.' }),
});
export type OAuthConfigInput = z.infer<typeof OAuthConfigInput>;

/** Where an OAuth configuration stands. */
export const OAuthConfigStatus = z.enum(['pending', 'authorized', 'failed', 'expired', 'revoked']);
export type OAuthConfigStatus = z.infer<typeof OAuthConfigStatus>;

/** Answer of `GET /api/oauth/config/{id}/status`. */
export const OAuthStatus = z.object({
  id: z.string(),
  status: OAuthConfigStatus.meta({
    description: 'authorized: the code was exchanged, which does not mean that the client exists already.',
  }),
  status_reason: z.string().optional().meta({ description: 'Why it failed.' }),
  created_at: z.string(),
  expires_at: z.string().optional().meta({ description: 'End of the time to sign in.' }),
  token_id: z.string().optional(),
  token_expires_at: z.string().optional(),
  token_scopes: z.array(z.string()).optional(),
  wanted_scopes: z.array(z.string()).optional().meta({
    description: 'What calls lacked; asked for at the next sign-in.',
  }),
});
export type OAuthStatus = z.infer<typeof OAuthStatus>;

/** One step of an OAuth exchange, as the diagnosis shows it. No secret is in it. */
export const OAuthTraceStep = z.object({
  at: z.string(),
  step: z.string(),
  request: z.record(z.string(), z.unknown()).optional(),
  response: z.record(z.string(), z.unknown()).optional(),
  rule: z.string().optional().meta({ description: 'The specification and what it demands.' }),
  outcome: z.enum(['ok', 'skipped', 'failed']),
  detail: z.string().optional(),
  hint: z.string().optional().meta({ description: 'What to do about a failure.' }),
});
export type OAuthTraceStep = z.infer<typeof OAuthTraceStep>;
