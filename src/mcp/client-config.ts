import { randomUUID } from 'node:crypto';
import type { McpClientConfigView, McpClientCreate, McpClientUpdate } from '../contract/mcp-client.ts';
import { Secret, type SecretInput } from '../lib/secret.ts';
import { admits } from '../lib/tool-names.ts';
import type { McpClient, StdioConfig, TlsConfig } from '../store/mcp-clients.ts';
import { checkClient, invalid } from './client-rules.ts';
import { checkTokenExchange, patchTokenExchange, textOf, viewTokenExchange } from './exchange/record.ts';
import { patchSecret } from './secret-field.ts';

const MINUTE_NS = 60_000_000_000;
const SECOND_NS = 1_000_000_000;

/** The record for a new registration. Throws `invalid_request` for a broken rule. */
export function fromCreate(body: McpClientCreate, now = Date.now()): McpClient {
  const empty: McpClient = {
    client_id: body.client_id || randomUUID(),
    name: body.name,
    connection_type: body.connection_type,
    connection_string: Secret.empty,
    stdio_config: undefined,
    auth_type: Object.keys(body.headers ?? {}).length > 0 ? 'headers' : 'none',
    oauth_config_id: undefined,
    token_exchange: undefined,
    headers: {},
    tools_to_execute: [],
    tools_to_auto_execute: [],
    tools_to_approve: [],
    approval_by: 'manager',
    tool_pricing: {},
    is_code_mode_client: false,
    allow_on_all_virtual_keys: false,
    per_user_header_keys: [],
    disabled: false,
    tls_config: undefined,
    protocol_era: 'auto',
    is_ping_available: true,
    tool_sync_interval: 0,
    tool_execution_timeout: 0,
    allowed_extra_headers: [],
    config_hash: undefined,
    created_at: now,
    updated_at: now,
  };
  // An in-process server is found by its registered name, which stays when the client is renamed.
  const target = body.connection_type === 'inprocess' ? { connection_string: body.connection_string ?? body.name } : {};
  return applyPatch(empty, { ...body, ...target }, now);
}

/**
 * The record after a partial update: an absent or null field keeps what is stored, an empty value is a value, and a mask sent
 * back keeps the secret. Pure; throws `invalid_request` for a broken rule.
 */
export function applyPatch(current: McpClient, patch: McpClientUpdate, now = Date.now()): McpClient {
  if (patch.client_id && patch.client_id !== current.client_id) {
    throw invalid('client_id', 'differs from the id in the path; a client keeps its id for life');
  }
  const execute = patch.tools_to_execute ?? current.tools_to_execute;
  const next: McpClient = {
    ...current,
    name: patch.name ?? current.name,
    connection_type: patch.connection_type ?? current.connection_type,
    connection_string: patchSecret('connection_string', patch.connection_string, current.connection_string),
    stdio_config: stdioConfig(patch.stdio_config, current.stdio_config),
    auth_type: patch.auth_type ?? current.auth_type,
    oauth_config_id: patch.oauth_config_id ?? current.oauth_config_id,
    token_exchange: patchTokenExchange(patch.token_exchange, current.token_exchange),
    headers: headers(patch.headers, current.headers),
    tools_to_execute: execute,
    // Nothing may run, so nothing may run unattended, whatever was sent.
    tools_to_auto_execute: execute.length === 0 ? [] : (patch.tools_to_auto_execute ?? current.tools_to_auto_execute),
    // Kept even while nothing may run: a tool that comes back must not come back unguarded.
    tools_to_approve: patch.tools_to_approve ?? current.tools_to_approve,
    approval_by: patch.approval_by ?? current.approval_by,
    tool_pricing: patch.tool_pricing ?? current.tool_pricing,
    is_code_mode_client: patch.is_code_mode_client ?? current.is_code_mode_client,
    allow_on_all_virtual_keys:
      patch.allow_by_default ?? patch.allow_on_all_virtual_keys ?? current.allow_on_all_virtual_keys,
    per_user_header_keys:
      patch.per_user_header_keys?.map((key) => key.trim().toLowerCase()) ?? current.per_user_header_keys,
    disabled: patch.disabled ?? current.disabled,
    tls_config: tlsConfig(patch.tls_config, current.tls_config),
    protocol_era: patch.protocol_era ?? current.protocol_era,
    is_ping_available: patch.is_ping_available ?? current.is_ping_available,
    tool_sync_interval: duration(patch.tool_sync_interval, current.tool_sync_interval, MINUTE_NS),
    tool_execution_timeout: duration(patch.tool_execution_timeout, current.tool_execution_timeout, SECOND_NS),
    allowed_extra_headers: patch.allowed_extra_headers ?? current.allowed_extra_headers,
    // By this a process sees that another one was faster, so no two changes have the same.
    updated_at: Math.max(now, current.updated_at + 1),
  };
  checkClient(next, patch);
  checkTokenExchange(next);
  return next;
}

/** What was sent but has no effect as the record stands, for the answer to say so. */
export function listIdleSettings(client: McpClient, patch: McpClientUpdate): string[] {
  const idle: string[] = [];
  if (Object.keys(patch.headers ?? {}).length > 0 && client.auth_type === 'none')
    idle.push('headers are not sent while auth_type is "none"');
  const both = client.tools_to_auto_execute.filter((tool) => tool !== '*' && admits(client.tools_to_approve, tool));
  if (both.length > 0 && (patch.tools_to_auto_execute || patch.tools_to_approve))
    idle.push(`tools_to_auto_execute: calls of ${both.join(', ')} wait for approval all the same (tools_to_approve)`);
  const isHttp = client.connection_type === 'http' || client.connection_type === 'sse';
  if (patch.tls_config && !isHttp) idle.push(`tls_config has no effect on a ${client.connection_type} server`);
  if (patch.token_exchange && client.auth_type !== 'token_exchange')
    idle.push(`token_exchange has no effect while auth_type is "${client.auth_type}"`);
  return idle;
}

/** True when both records reach the same server in the same way, so that a connection of one serves the other. */
export function sameTarget(a: McpClient, b: McpClient): boolean {
  return JSON.stringify(target(a)) === JSON.stringify(target(b));
}

/** Whether somebody has to sign in to the server. */
export function needsSignIn({ auth_type }: Pick<McpClient, 'auth_type'>): boolean {
  return auth_type === 'oauth' || auth_type === 'per_user_oauth';
}

/** True when what callers entered for the one server might not be meant for the other: it is at another place. */
export function isMoved(a: McpClient, b: McpClient): boolean {
  return a.connection_type !== b.connection_type || a.connection_string.resolve() !== b.connection_string.resolve();
}

/** True when both ask callers for the same headers; their order does not matter. */
export function sameHeaderKeys(
  { per_user_header_keys: a }: McpClient,
  { per_user_header_keys: b }: McpClient,
): boolean {
  return JSON.stringify(a.toSorted()) === JSON.stringify(b.toSorted());
}

/** Whether each caller has a credential of their own for the server. */
export function isPerUser({ auth_type }: Pick<McpClient, 'auth_type'>): boolean {
  return auth_type === 'per_user_oauth' || auth_type === 'per_user_headers' || auth_type === 'token_exchange';
}

/** Everything a connection is made of, secrets by their resolved text: only ever compared, never shown. */
function target(client: McpClient): unknown {
  const { connection_type, auth_type, connection_string, stdio_config, tls_config } = client;
  return [
    client.oauth_config_id,
    auth_type === 'token_exchange' ? textOf(client.token_exchange) : '',
    connection_type,
    client.protocol_era,
    auth_type,
    connection_string.resolve(),
    stdio_config && [
      stdio_config.command,
      stdio_config.args,
      stdio_config.envs.map(({ name, value }) => [name, value?.resolve()]),
    ],
    Object.entries(client.headers)
      .map(([name, value]) => [name.toLowerCase(), value.resolve()])
      .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    tls_config && [
      tls_config.insecure_skip_verify,
      tls_config.ca_cert_pem.resolve(),
      tls_config.client_cert_pem.resolve(),
      tls_config.client_key_pem.resolve(),
    ],
  ];
}

/** The record as read APIs show it: secrets masked, durations in nanoseconds. */
export function clientView(client: McpClient): McpClientConfigView {
  const {
    config_hash: _hash,
    created_at: _created,
    updated_at: _updated,
    connection_string,
    stdio_config,
    oauth_config_id,
    token_exchange,
    tls_config,
    ...plain
  } = client;
  return {
    ...plain,
    connection_string: connection_string.view(),
    ...(stdio_config === undefined ? {} : { stdio_config: stdioView(stdio_config) }),
    ...(oauth_config_id === undefined ? {} : { oauth_config_id }),
    ...(token_exchange === undefined ? {} : { token_exchange: viewTokenExchange(token_exchange) }),
    headers: Object.fromEntries(Object.entries(client.headers).map(([name, value]) => [name, value.view()])),
    ...(tls_config === undefined ? {} : { tls_config: tlsView(tls_config) }),
    tools_to_execute: [...client.tools_to_execute],
    tools_to_auto_execute: [...client.tools_to_auto_execute],
    tools_to_approve: [...client.tools_to_approve],
    tool_pricing: { ...client.tool_pricing },
    per_user_header_keys: [...client.per_user_header_keys],
    allowed_extra_headers: [...client.allowed_extra_headers],
    tool_sync_interval: client.tool_sync_interval * MINUTE_NS,
    tool_execution_timeout: client.tool_execution_timeout * SECOND_NS,
  };
}

function stdioView({ command, args, envs }: StdioConfig): NonNullable<McpClientConfigView['stdio_config']> {
  const shown = envs.map(({ name, value }) =>
    value === undefined ? name : `${name}=${value.reference || value.toString()}`,
  );
  return { command, args: [...args], envs: shown };
}

function tlsView({
  insecure_skip_verify,
  ca_cert_pem,
  client_cert_pem,
  client_key_pem,
}: TlsConfig): NonNullable<McpClientConfigView['tls_config']> {
  return {
    insecure_skip_verify,
    ca_cert_pem: ca_cert_pem.view(),
    client_cert_pem: client_cert_pem.view(),
    client_key_pem: client_key_pem.view(),
  };
}

function headers(
  sent: Record<string, SecretInput> | null | undefined,
  stored: McpClient['headers'],
): McpClient['headers'] {
  if (sent === null || sent === undefined) return stored;
  const known = new Map(Object.entries(stored).map(([name, value]) => [name.toLowerCase(), value]));
  const seen = new Set<string>();
  const next: Record<string, Secret> = {};
  for (const [name, value] of Object.entries(sent)) {
    const lower = name.toLowerCase();
    if (seen.has(lower))
      throw invalid(`headers.${name}`, 'is given twice; header names are compared without regard to case');
    seen.add(lower);
    next[name] = patchSecret(`headers.${name}`, value, known.get(lower) ?? Secret.empty);
  }
  return next;
}

function stdioConfig(sent: McpClientUpdate['stdio_config'], stored: StdioConfig | undefined): StdioConfig | undefined {
  if (sent === null || sent === undefined) return stored;
  const envs = (sent.envs ?? []).map((entry) => {
    const equals = entry.indexOf('=');
    if (equals === -1) return { name: entry, value: undefined };
    const name = entry.slice(0, equals);
    const before = stored?.envs.find((env) => env.name === name)?.value;
    return { name, value: patchSecret(`stdio_config.envs (${name})`, entry.slice(equals + 1), before ?? Secret.empty) };
  });
  return { command: sent.command, args: sent.args ?? [], envs };
}

function tlsConfig(sent: McpClientUpdate['tls_config'], stored: TlsConfig | undefined): TlsConfig | undefined {
  if (sent === null || sent === undefined) return stored;
  const pem = (key: 'ca_cert_pem' | 'client_cert_pem' | 'client_key_pem'): Secret => {
    const input = sent[key];
    if (input === null || input === undefined) return Secret.empty;
    const isBlank = !Secret.parse(input).isSet;
    return isBlank ? Secret.empty : patchSecret(`tls_config.${key}`, input, stored?.[key] ?? Secret.empty);
  };
  const next: TlsConfig = {
    insecure_skip_verify: sent.insecure_skip_verify ?? false,
    ca_cert_pem: pem('ca_cert_pem'),
    client_cert_pem: pem('client_cert_pem'),
    client_key_pem: pem('client_key_pem'),
  };
  const isEmpty =
    !next.insecure_skip_verify && !next.ca_cert_pem.isSet && !next.client_cert_pem.isSet && !next.client_key_pem.isSet;
  return isEmpty ? undefined : next;
}

/** Reads show nanoseconds where writes take minutes or seconds: a read value sent back changes nothing. */
function duration(sent: number | null | undefined, stored: number, unitNs: number): number {
  if (sent === null || sent === undefined) return stored;
  return stored !== 0 && sent === stored * unitNs ? stored : sent;
}
