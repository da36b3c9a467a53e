import type { TokenExchangeInput, TokenExchangeView } from '../../contract/token-exchange.ts';
import { Secret } from '../../lib/secret.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { TokenExchange } from '../../store/token-exchange.ts';
import { invalid } from '../client-rules.ts';
import { isSafeEndpoint } from '../oauth/urls.ts';
import { patchSecret } from '../secret-field.ts';

const EMPTY: TokenExchange = {
  use_idp_credentials: false,
  authorization_server_url: '',
  token_url: '',
  jwks_url: '',
  client_id: Secret.empty,
  client_secret: Secret.empty,
  token_endpoint_auth_method: '',
  audience: '',
  resource: '',
  scopes: [],
  subject_token_type: '',
  requested_token_type: '',
  subject_token_header: '',
  subject_audience: '',
};

/** The settings after a partial update: an absent or null field keeps what is stored, an empty one means the default. */
export function patchTokenExchange(
  sent: TokenExchangeInput | null | undefined,
  stored: TokenExchange | undefined,
): TokenExchange | undefined {
  if (sent === null || sent === undefined) return stored;
  const before = stored ?? EMPTY;
  return {
    use_idp_credentials: sent.use_idp_credentials ?? before.use_idp_credentials,
    authorization_server_url: sent.authorization_server_url ?? before.authorization_server_url,
    token_url: sent.token_url ?? before.token_url,
    jwks_url: sent.jwks_url ?? before.jwks_url,
    client_id: patchSecret('token_exchange.client_id', sent.client_id, before.client_id),
    client_secret: patchSecret('token_exchange.client_secret', sent.client_secret, before.client_secret),
    token_endpoint_auth_method: sent.token_endpoint_auth_method ?? before.token_endpoint_auth_method,
    audience: sent.audience?.trim() ?? before.audience,
    resource: sent.resource ?? before.resource,
    scopes: sent.scopes ?? before.scopes,
    subject_token_type: sent.subject_token_type ?? before.subject_token_type,
    requested_token_type: sent.requested_token_type ?? before.requested_token_type,
    subject_token_header: sent.subject_token_header?.toLowerCase() ?? before.subject_token_header,
    subject_audience: sent.subject_audience?.trim() ?? before.subject_audience,
  };
}

/** As read APIs show it: secrets masked. */
export function viewTokenExchange(settings: TokenExchange): TokenExchangeView {
  const { client_id, client_secret, scopes, ...plain } = settings;
  return { ...plain, scopes: [...scopes], client_id: client_id.view(), client_secret: client_secret.view() };
}

/** All of it, secrets by their text: only ever compared, never shown. */
export function textOf(settings: TokenExchange | undefined): string {
  const { client_id, client_secret, ...plain } = settings ?? EMPTY;
  return JSON.stringify([plain, ...[client_id, client_secret].map((each) => each.reference || each.resolve())]);
}

/** Headers that mean something else to the gateway, to proxies or to the server. */
const TAKEN = /^(?:cookie|host|connection|content-.*|transfer-encoding|te|upgrade|accept.*|mcp-.*|x-bf-.*|x-api-key)$/;

/** Throws the first broken rule. */
export function checkTokenExchange({ auth_type, connection_type, token_exchange: settings }: McpClient): void {
  if (auth_type === 'token_exchange') {
    if (connection_type !== 'http' && connection_type !== 'sse')
      throw invalid('auth_type', `"token_exchange" needs a server of type http or sse, not ${connection_type}`);
    if (settings === undefined) throw invalid('token_exchange', 'is required with auth_type "token_exchange"');
    checkProvider(settings);
  }
  if (settings === undefined) return;
  for (const field of ['authorization_server_url', 'token_url', 'jwks_url'] as const)
    if (settings[field] !== '' && !isSafeEndpoint(settings[field]))
      throw invalid(
        `token_exchange.${field}`,
        'must be an https URL (http on the loopback only), without user and "#"',
      );
  if (settings.resource.includes('#')) throw invalid('token_exchange.resource', 'must not contain "#" (RFC 8707)');
  if (TAKEN.test(settings.subject_token_header))
    throw invalid('token_exchange.subject_token_header', `"${settings.subject_token_header}" has another meaning`);
}

function checkProvider(settings: TokenExchange): void {
  if (settings.use_idp_credentials) return refuseOthers(settings);
  const field = settings.authorization_server_url === '' ? 'authorization_server_url' : 'client_id';
  if (settings.authorization_server_url !== '' && settings.client_id.isSet) return;
  throw invalid(`token_exchange.${field}`, 'is required, unless use_idp_credentials is true');
}

/** The secret of single sign-on goes to its own provider alone, whoever may change a server. */
function refuseOthers(settings: TokenExchange): void {
  for (const field of ['authorization_server_url', 'token_url', 'jwks_url'] as const)
    if (settings[field] !== '') throw invalid(`token_exchange.${field}`, 'must be empty with use_idp_credentials');
  if (settings.client_id.isSet || settings.client_secret.isSet)
    throw invalid('token_exchange.client_id', 'and client_secret must be empty with use_idp_credentials');
}
