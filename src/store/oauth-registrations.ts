import type { TokenAuthMethod } from '../contract/oauth.ts';
import type { Encryption, Place } from '../lib/encryption.ts';
import { Secret } from '../lib/secret.ts';
import type { OAuthConfig } from './oauth-configs.ts';

/**
 * As whom the gateway signed in. An authorization server takes a code or a refresh token back from no other client (RFC 6749
 * §4.1.3, §6), and the configuration may have registered anew since.
 */
export type RegisteredClient = Pick<OAuthConfig, 'client_id' | 'client_secret' | 'token_endpoint_auth_method'>;

interface Stored {
  readonly client_id: string;
  readonly client_secret: string;
  readonly token_endpoint_auth_method?: TokenAuthMethod | undefined;
}

/** What to keep with what this registration gets; nothing where an operator gave it, who may give a new secret. */
export function keptRegistration(
  config: RegisteredClient & Pick<OAuthConfig, 'registration'>,
): RegisteredClient | undefined {
  const { registration, client_id, client_secret, token_endpoint_auth_method } = config;
  if (registration !== 'dynamic' && registration !== 'cimd') return undefined;
  return { client_id, client_secret, token_endpoint_auth_method };
}

/** How a registration is kept in a column: encrypted as a whole, and nothing as nothing. */
export function registrationColumn(encryption: Encryption, table: 'oauth_flows' | 'oauth_tokens', id: string) {
  const place: Place = `${table}:registration:${id}`;
  return {
    seal(client: RegisteredClient | undefined): string | null {
      if (client === undefined) return null;
      const { client_id = '', client_secret, token_endpoint_auth_method } = client;
      const stored: Stored = { client_id, client_secret: client_secret.resolve(), token_endpoint_auth_method };
      return encryption.encrypt(JSON.stringify(stored), place);
    },
    open(text: string | null): RegisteredClient | undefined {
      if (text === null) return undefined;
      const { client_secret, token_endpoint_auth_method, ...rest } = JSON.parse(
        encryption.decrypt(text, place),
      ) as Stored;
      return { ...rest, client_secret: Secret.literal(client_secret), token_endpoint_auth_method };
    },
  };
}
