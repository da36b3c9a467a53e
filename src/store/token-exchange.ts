import type { TokenAuthMethod } from '../contract/oauth.ts';
import type { SubjectTokenType } from '../contract/token-exchange.ts';
import type { Secret } from '../lib/secret.ts';
import type { SecretColumns } from './secret-columns.ts';

/** How the token of a caller is exchanged for one that a server takes (RFC 8693). Empty texts mean the default. */
export interface TokenExchange {
  readonly use_idp_credentials: boolean;
  readonly authorization_server_url: string;
  readonly token_url: string;
  readonly jwks_url: string;
  readonly client_id: Secret;
  readonly client_secret: Secret;
  readonly token_endpoint_auth_method: TokenAuthMethod | '';
  readonly audience: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly subject_token_type: SubjectTokenType | '';
  readonly requested_token_type: string;
  /** In lower case. */
  readonly subject_token_header: string;
  readonly subject_audience: string;
}

/** The column of mcp_clients: JSON in which two members are secrets. */
export function writeTokenExchange(settings: TokenExchange, { seal }: SecretColumns): string {
  return JSON.stringify({
    ...settings,
    client_id: seal(settings.client_id, 'token_exchange.client_id'),
    client_secret: seal(settings.client_secret, 'token_exchange.client_secret'),
  });
}

export function readTokenExchange(text: string, { open }: SecretColumns): TokenExchange {
  const stored = JSON.parse(text) as Omit<TokenExchange, 'client_id' | 'client_secret'> & {
    client_id: string;
    client_secret: string;
  };
  return {
    ...stored,
    client_id: open(stored.client_id, 'token_exchange.client_id'),
    client_secret: open(stored.client_secret, 'token_exchange.client_secret'),
  };
}
