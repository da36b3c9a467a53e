import { z } from 'zod';
import { SecretInput, SecretView } from './common.ts';
import { TokenAuthMethod } from './oauth.ts';

/** The kinds of token that callers may come with: all of them are JWTs, since the gateway checks them itself. */
export const SubjectTokenType = z.enum([
  'urn:ietf:params:oauth:token-type:access_token',
  'urn:ietf:params:oauth:token-type:id_token',
  'urn:ietf:params:oauth:token-type:jwt',
]);
export type SubjectTokenType = z.infer<typeof SubjectTokenType>;

const orEmpty = <T extends z.ZodType>(schema: T) => schema.or(z.literal(''));

const address = orEmpty(z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })).nullish();
const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]*$/, 'is not a valid HTTP header name');

/** `token_exchange` of a client. On update an absent or null field keeps what is stored; an empty one means the default. */
export const TokenExchangeInput = z.looseObject({
  use_idp_credentials: z
    .boolean()
    .nullish()
    .meta({ description: 'Use issuer, client_id and client_secret of auth.oidc in config.json.' }),
  authorization_server_url: address.meta({
    description: 'The issuer of the identity provider: whose tokens callers come with, and who exchanges them.',
  }),
  token_url: address.meta({ description: 'Discovered from the issuer when absent, as the next.' }),
  jwks_url: address,
  client_id: SecretInput.nullish().meta({ description: 'The id under which the gateway is registered there.' }),
  client_secret: SecretInput.nullish(),
  token_endpoint_auth_method: orEmpty(TokenAuthMethod.exclude(['private_key_jwt'])).nullish(),
  audience: z.string().nullish().meta({ description: 'What the new token is for, in the words of the provider.' }),
  resource: address.meta({
    description: 'What the new token is for, as a URL. Default: the address of the server, unless audience is set.',
  }),
  scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'is not a valid scope')).nullish(),
  subject_token_type: orEmpty(SubjectTokenType).nullish().meta({ description: 'Default: …:token-type:access_token.' }),
  requested_token_type: orEmpty(z.string().regex(/^[a-z][a-z0-9+.-]*:\S+$/i, 'must be a URI'))
    .nullish()
    .meta({ description: 'Default: urn:ietf:params:oauth:token-type:access_token.' }),
  subject_token_header: headerName
    .nullish()
    .meta({ description: 'The header in which callers send their token. Default: authorization, beside x-bf-vk.' }),
  subject_audience: z
    .string()
    .nullish()
    .meta({ description: 'What must stand in aud of the callers’ tokens. Default: client_id.' }),
});
export type TokenExchangeInput = z.infer<typeof TokenExchangeInput>;

/** `token_exchange` as read APIs show it; empty texts mean the default. */
export const TokenExchangeView = z.object({
  use_idp_credentials: z.boolean(),
  authorization_server_url: z.string(),
  token_url: z.string(),
  jwks_url: z.string(),
  client_id: SecretView,
  client_secret: SecretView,
  token_endpoint_auth_method: z.string(),
  audience: z.string(),
  resource: z.string(),
  scopes: z.array(z.string()),
  subject_token_type: z.string(),
  requested_token_type: z.string(),
  subject_token_header: z.string(),
  subject_audience: z.string(),
});
export type TokenExchangeView = z.infer<typeof TokenExchangeView>;
