import { MAX_SYNC_MINUTES, type McpClientUpdate } from '../contract/mcp-client.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { checkTls } from '../lib/http-client.ts';
import type { McpClient, TlsConfig } from '../store/mcp-clients.ts';
import type { Grants } from './registration.ts';

/** The error for a field that breaks a rule. */
export function invalid(field: string, rule: string): GatewayError {
  return new GatewayError('invalid_request', `${field}: ${rule}`, { details: { field } });
}

/** The rules that concern more than one field, or that need to know what was stored before. Throws the first broken one. */
export function checkClient(client: McpClient, patch: McpClientUpdate): void {
  checkDurations(client);
  checkAutoTools(client);
  checkToolsToApprove(client);
  checkAuth(client, patch);
  checkTarget(client);
  checkHeaders(client);
  if (client.tls_config !== undefined) checkTlsConfig(client.tls_config);
}

function checkDurations({ tool_sync_interval, tool_execution_timeout }: McpClient): void {
  if (Math.abs(tool_sync_interval) > MAX_SYNC_MINUTES) {
    throw invalid('tool_sync_interval', `must be between -${MAX_SYNC_MINUTES} and ${MAX_SYNC_MINUTES} minutes`);
  }
  const maxSeconds = MAX_SYNC_MINUTES * 60;
  if (tool_execution_timeout > maxSeconds)
    throw invalid('tool_execution_timeout', `must be at most ${maxSeconds} seconds`);
}

function checkAutoTools({ tools_to_execute, tools_to_auto_execute }: McpClient): void {
  if (tools_to_execute.includes('*')) return;
  if (tools_to_auto_execute.includes('*')) {
    throw invalid('tools_to_auto_execute', '"*" needs "*" in tools_to_execute');
  }
  const extra = tools_to_auto_execute.find((tool) => !tools_to_execute.includes(tool));
  if (extra !== undefined) {
    throw invalid('tools_to_auto_execute', `tool '${extra}' in tools_to_auto_execute is not in tools_to_execute`);
  }
}

/** "*" stands for whatever may run, so it goes with any list; a name that may not run is a slip that would guard nothing. */
function checkToolsToApprove({ tools_to_execute, tools_to_approve }: McpClient): void {
  // With an empty list nothing runs, and what is guarded stays for the day when something does.
  if (tools_to_execute.length === 0 || tools_to_execute.includes('*') || tools_to_approve.includes('*')) return;
  const extra = tools_to_approve.find((tool) => !tools_to_execute.includes(tool));
  if (extra !== undefined)
    throw invalid('tools_to_approve', `tool '${extra}' in tools_to_approve is not in tools_to_execute`);
}

function checkAuth({ auth_type, connection_type, per_user_header_keys }: McpClient, patch: McpClientUpdate): void {
  if (auth_type === 'per_user_headers' && per_user_header_keys.length === 0) {
    throw invalid('per_user_header_keys', 'must be a non-empty list for per_user_headers clients');
  }
  const isSignedIn = auth_type === 'oauth' || auth_type === 'per_user_oauth';
  const isHttp = connection_type === 'http' || connection_type === 'sse';
  if (isSignedIn && !isHttp) throw invalid('auth_type', `"${auth_type}" needs a server of type http or sse`);
  for (const field of ['oauth_config_id', 'oauth_config'] as const)
    if (patch[field] && !isSignedIn) throw invalid(field, 'only applies to auth_type "oauth" and "per_user_oauth"');
}

function checkTarget(client: McpClient): void {
  const { connection_type, connection_string } = client;
  if (client.auth_type === 'per_user_headers' && connection_type !== 'http' && connection_type !== 'sse') {
    throw invalid('auth_type', `"per_user_headers" needs a server of type http or sse, not ${connection_type}`);
  }
  if (connection_type === 'stdio') {
    if (client.stdio_config === undefined) throw invalid('stdio_config', 'is required for a stdio server');
    return;
  }
  if (!connection_string.isSet)
    throw invalid('connection_string', `is required for a server of type ${connection_type}`);
  if (connection_type === 'inprocess') return;
  const text = connection_string.resolve();
  if (text === '' && connection_string.isDangling) return; // stored as it is; connecting says which variable is missing
  if (!/^https?:\/\//i.test(text)) throw invalid('connection_string', 'must be an http:// or https:// URL');
  if (!URL.canParse(text)) throw invalid('connection_string', 'is not a valid URL');
}

/** Headers that the transport sets: another value would break the connection or take over a session. */
const RESERVED_HEADERS =
  /^(?:host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|keep-alive|accept|last-event-id|mcp-.*)$/i;

/** Literals only: what a reference stands for is seen when it is used. */
function checkHeaders({ headers, per_user_header_keys }: McpClient): void {
  for (const name of per_user_header_keys)
    if (RESERVED_HEADERS.test(name)) throw invalid('per_user_header_keys', `"${name}" is set by the gateway itself`);
  for (const [name, value] of Object.entries(headers)) {
    if (RESERVED_HEADERS.test(name)) throw invalid(`headers.${name}`, 'is set by the gateway itself');
    const hasControl = value.reference === '' && /[^\t\x20-\x7e\x80-\xff]/.test(value.resolve());
    if (hasControl) throw invalid(`headers.${name}`, 'must not contain line breaks or other control characters');
  }
}

function checkTlsConfig(tls: TlsConfig): void {
  const { ca_cert_pem, client_cert_pem, client_key_pem } = tls;
  if (client_cert_pem.isSet !== client_key_pem.isSet) {
    throw invalid('tls_config', 'client_cert_pem and client_key_pem must be given together');
  }
  // What a reference stands for may change later, so only literals are checked here; insecure_skip_verify ignores the CA.
  const literal = (pem: TlsConfig['ca_cert_pem']): string => (pem.reference === '' ? pem.resolve() : '');
  try {
    checkTls({
      insecureSkipVerify: tls.insecure_skip_verify,
      caPem: literal(ca_cert_pem),
      clientCertPem: literal(client_cert_pem),
      clientKeyPem: literal(client_key_pem),
    });
  } catch (error) {
    throw invalid('tls_config', messageOf(error));
  }
}

/**
 * The grants that `vk_configs` asks for; undefined when it is absent, which keeps them. An entry without a list denies the key
 * this server, even if the server is open to all keys.
 */
export function readGrants(
  entries: McpClientUpdate['vk_configs'],
  hasVirtualKey: (id: string) => boolean,
): Grants | undefined {
  if (entries === undefined || entries === null) return undefined;
  const grants = new Map<string, readonly string[]>();
  for (const [index, { virtual_key_id: id, tools_to_execute }] of entries.entries()) {
    const field = `vk_configs[${index}].virtual_key_id`;
    if (grants.has(id)) throw invalid(field, `duplicate virtual_key_id in vk_configs: ${id}`);
    if (!hasVirtualKey(id)) throw invalid(field, `there is no virtual key "${id}"`);
    grants.set(id, tools_to_execute ?? []);
  }
  return grants;
}
