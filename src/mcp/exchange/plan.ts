import { hash } from 'node:crypto';
import type { OidcOptions } from '../../contract/auth.ts';
import type { TokenAuthMethod } from '../../contract/oauth.ts';
import { GatewayError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import { canonicalResource } from '../oauth/urls.ts';
import { textOf } from './record.ts';

/** How tokens are exchanged for one server, with every default filled in. Made once for each state of the record. */
export interface Plan {
  /** Differs whenever a token that was made by the one plan must not be used by the other. */
  readonly fingerprint: string;
  readonly provider: {
    readonly issuer: string;
    /** As an administrator gave them; else they are discovered. */
    readonly token_url: string | undefined;
    readonly jwks_url: string | undefined;
  };
  readonly gateway: {
    readonly client_id: string;
    readonly client_secret: Secret;
    readonly token_endpoint_auth_method: TokenAuthMethod | undefined;
  };
  /** What is asked for. */
  readonly wanted: {
    readonly audience: string | undefined;
    readonly resource: string | undefined;
    readonly scopes: readonly string[];
    readonly requested_token_type: string;
  };
  /** What callers come with. */
  readonly subject: { readonly type: string; readonly header: string; readonly audience: string };
}

export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** Where callers put their token unless the record says something else: beside `x-bf-vk`, as other gateways have it. */
export const DEFAULT_HEADER = 'authorization';

/** Makes the function that gives the plan of a server. Throws `wrong_state` where the record has none that works. */
export function createPlans(idp: OidcOptions | undefined) {
  const plans = new WeakMap<McpClient, Plan>();
  return (client: McpClient): Plan => {
    const known = plans.get(client);
    if (known !== undefined) return known;
    const plan = planOf(client, idp);
    plans.set(client, plan);
    return plan;
  };
}

function planOf(client: McpClient, idp: OidcOptions | undefined): Plan {
  const settings = client.token_exchange;
  if (client.auth_type !== 'token_exchange' || settings === undefined)
    throw new GatewayError('wrong_state', `${client.name}: its auth_type is "${client.auth_type}"`);
  const { provider, gateway } = settings.use_idp_credentials ? fromIdp(idp) : fromRecord(settings);
  const method = settings.token_endpoint_auth_method || undefined;
  const address = client.connection_string.resolve();
  const audience = settings.audience || undefined;
  const fallback = audience === undefined && URL.canParse(address) ? canonicalResource(address) : undefined;
  return {
    fingerprint: hash('sha256', JSON.stringify([client.client_id, address, provider, textOf(settings)])),
    provider,
    gateway: { ...gateway, token_endpoint_auth_method: method },
    wanted: {
      audience,
      resource: settings.resource || fallback,
      scopes: settings.scopes,
      requested_token_type: settings.requested_token_type || ACCESS_TOKEN,
    },
    subject: {
      type: settings.subject_token_type || ACCESS_TOKEN,
      header: settings.subject_token_header || DEFAULT_HEADER,
      audience: settings.subject_audience || gateway.client_id,
    },
  };
}

function fromRecord({
  authorization_server_url: issuer,
  token_url,
  jwks_url,
  client_id,
  client_secret,
}: NonNullable<McpClient['token_exchange']>) {
  const provider = { issuer, token_url: token_url || undefined, jwks_url: jwks_url || undefined };
  return { provider, gateway: { client_id: demand('client_id', client_id), client_secret } };
}

function fromIdp(idp: OidcOptions | undefined) {
  if (idp === undefined)
    throw new GatewayError('wrong_state', 'token_exchange.use_idp_credentials: config.json has no auth.oidc to use');
  const provider = { issuer: idp.issuer, token_url: undefined, jwks_url: undefined };
  return { provider, gateway: { client_id: idp.client_id, client_secret: Secret.parse(idp.client_secret ?? '') } };
}

/** The text of a secret; to go on with nothing instead would be to be somebody else. */
export function demand(field: 'client_id' | 'client_secret', secret: Secret): string {
  if (secret.problem !== undefined) throw new GatewayError('wrong_state', `token_exchange.${field}: ${secret.problem}`);
  return secret.resolve();
}
