import type { ClientSettings } from '../../contract/client-settings.ts';
import { isLoopback } from '../check-origin.ts';
import type { RequestHeaders } from '../identify.ts';

type Settings = Pick<ClientSettings, 'oauth2_server_config' | 'mcp_external_server_url'>;

/** The resource that access tokens are for: `/mcp` at an address of this gateway. */
export function resourceOf(issuer: string): string {
  return `${issuer}/mcp`;
}

/** Where clients of `/mcp` find out how to sign in (RFC 9728). */
export function metadataUrlOf(issuer: string): string {
  return `${issuer}/.well-known/oauth-protected-resource/mcp`;
}

/**
 * The address of this gateway as an issuer of tokens: as the settings say, else as this request says. The latter only on this
 * machine, where a client may use any of its names and none can be wrong; elsewhere a Host header is no ground to build on.
 */
export function issuerOf({ oauth2_server_config, mcp_external_server_url }: Settings, { host }: RequestHeaders) {
  const configured = oauth2_server_config.issuer_url || mcp_external_server_url;
  if (configured !== '') return URL.canParse(configured) ? new URL(configured).origin : undefined;
  if (typeof host !== 'string' || !isLoopback(host)) return undefined;
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).origin : undefined;
}
