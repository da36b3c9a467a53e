import type { RsaJwk } from '../../store/signing-keys.ts';
import { SCOPE } from './provider-config.ts';
import { resourceOf } from './issuer.ts';

/** What `/mcp` is and who signs people in to it (RFC 9728). */
export function resourceMetadata(issuer: string): object {
  return {
    resource: resourceOf(issuer),
    authorization_servers: [issuer],
    scopes_supported: [SCOPE],
    bearer_methods_supported: ['header'],
    resource_name: 'Asbru',
  };
}

/** What the authorization server can do (RFC 8414). Our own list: the library would add what concerns OpenID Connect. */
export function serverMetadata(issuer: string): object {
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth2/authorize`,
    token_endpoint: `${issuer}/oauth2/token`,
    registration_endpoint: `${issuer}/oauth2/register`,
    revocation_endpoint: `${issuer}/oauth2/revoke`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
    revocation_endpoint_auth_methods_supported: ['none'],
    scopes_supported: [SCOPE],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: true,
  };
}

/** The key that access tokens are checked with: one, as §9.5 of the reference has it. */
export function keySet(publicKey: RsaJwk): object {
  return { keys: [publicKey] };
}
