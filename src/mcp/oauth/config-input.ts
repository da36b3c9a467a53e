import type { OAuthConfigInput } from '../../contract/oauth.ts';
import { GatewayError } from '../../lib/errors.ts';
import { looksMasked, Secret } from '../../lib/secret.ts';
import type { OAuthConfig } from '../../store/oauth-configs.ts';
import { readKey } from './client-authentication.ts';
import { checkEndpoint } from './urls.ts';

type Given = Omit<OAuthConfig, 'id' | 'mcp_client_id' | 'pending_client' | 'created_at' | 'updated_at'>;

/** What an operator wrote as `oauth_config`, checked. Throws `invalid_request`. */
export function configFromInput(input: OAuthConfigInput): Given {
  const client_id = input.client_id || undefined;
  const grant_type = input.grant_type ?? 'authorization_code';
  const client_secret = secretFrom(input.client_secret, 'client_secret');
  const private_key = secretFrom(input.private_key, 'private_key');
  if (private_key.isSet) readKey(private_key.resolve());
  if (client_id === undefined && (client_secret.isSet || private_key.isSet || grant_type === 'client_credentials')) {
    throw new GatewayError(
      'invalid_request',
      'oauth_config.client_id: is needed with a secret, a key or client_credentials',
    );
  }
  if (grant_type === 'client_credentials' && !client_secret.isSet && !private_key.isSet) {
    throw new GatewayError(
      'invalid_request',
      'oauth_config: client_credentials needs a client_secret or a private_key',
    );
  }
  return {
    grant_type,
    issuer: undefined,
    authorize_url: endpoint(input.authorize_url, 'authorize_url'),
    token_url: endpoint(input.token_url, 'token_url'),
    registration_url: endpoint(input.registration_url, 'registration_url'),
    server: undefined,
    client_id,
    client_secret,
    registration: client_id === undefined ? undefined : 'given',
    registered_redirect_uri: undefined,
    registered_scopes: undefined,
    client_secret_expires_at: undefined,
    token_endpoint_auth_method: input.token_endpoint_auth_method ?? undefined,
    private_key,
    scopes: input.scopes ?? [],
    resource: input.resource || undefined,
    status: 'pending',
    status_reason: undefined,
    expires_at: undefined,
  };
}

function secretFrom(input: OAuthConfigInput['client_secret'], name: string): Secret {
  const secret = Secret.parse(input ?? '');
  if (secret.isDangling)
    throw new GatewayError('invalid_request', `oauth_config.${name}: ${secret.reference} is not set`);
  // The mask of a stored value: whoever updates a configuration has put that value in before.
  if (secret.reference === '' && secret.isSet && looksMasked(secret.resolve()))
    throw new GatewayError('invalid_request', `oauth_config.${name}: is a mask, and there is nothing behind it`);
  return secret;
}

function endpoint(text: string | null | undefined, name: string): string | undefined {
  if (text === null || text === undefined || text === '') return undefined;
  try {
    return checkEndpoint(text, name);
  } catch (cause) {
    throw new GatewayError(
      'invalid_request',
      `oauth_config.${name}: must be an https URL (http on the loopback only)`,
      { cause },
    );
  }
}
