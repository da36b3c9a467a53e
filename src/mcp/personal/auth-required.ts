import type { McpAuthRequired } from '../../contract/mcp-session.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { Begun } from './kind.ts';

/**
 * The caller has to sign in, or to enter values, before the call can run. The link is in the details alone: the message is kept
 * in logs, and the link opens the form.
 */
export function authRequired(
  { client_id, name }: McpClient,
  kind: McpAuthRequired['kind'],
  { flow_id, required_header_keys, admin_header_keys }: Begun,
  url: string,
): GatewayError {
  const what = kind === 'headers' ? 'submit the required headers' : 'connect your account';
  const mcp_auth_required: McpAuthRequired = {
    kind,
    mcp_client_id: client_id,
    mcp_client_name: name,
    message: `Authentication required for ${name}. Open this URL to ${what}: ${url}`,
    authorize_url: url,
    session_id: flow_id,
    ...(kind === 'headers' && { submit_url: url }),
    ...(required_header_keys && { required_header_keys: [...required_header_keys] }),
    ...(admin_header_keys && { admin_header_keys: [...admin_header_keys] }),
  };
  return new GatewayError('mcp_auth_required', `Authentication required for ${name}`, {
    details: { mcp_auth_required },
  });
}

/** The server knows each of its callers, and this one could be anybody. */
export function identityRequired({ client_id, name }: McpClient, kind: McpAuthRequired['kind']): GatewayError {
  const message = `Authentication required for ${name}, which knows each of its callers: send a virtual key, sign in, or send x-bf-mcp-session-id with a random text of your own`;
  const mcp_auth_required: McpAuthRequired = { kind, mcp_client_id: client_id, mcp_client_name: name, message };
  return new GatewayError('mcp_auth_required', message, { details: { mcp_auth_required } });
}

/** What a caller has to do, if that is what was thrown. */
export function authRequiredIn(error: unknown): McpAuthRequired | undefined {
  if (!(error instanceof GatewayError) || error.code !== 'mcp_auth_required') return undefined;
  return error.details?.mcp_auth_required as McpAuthRequired | undefined; // only the two functions above make one
}
