import type { McpClient } from '../../store/mcp-clients.ts';

/** HTTP headers of a caller, names in lower case, as Node gives them. */
export type CallerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Headers that never leave the gateway, even under `["*"]`: credentials, hop-by-hop headers, framing, our own and MCP's. */
const NEVER = new Set([
  'authorization',
  'proxy-authorization',
  'proxy-authenticate',
  'cookie',
  'set-cookie',
  'x-csrf-token',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
  'host',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'accept',
  'accept-encoding',
  'origin',
  'referer',
]);
const NEVER_PREFIX = /^(?:x-bf-|x-asbru-|mcp-|content-|sec-|proxy-)/;

const TOKEN = /^(?:bearer\s+)?eyJ[\w-]+\.[\w-]+\.[\w-]+$/i;

/** The caller's headers that a server is to get with a tool call: those it allows, minus those it gets from its own settings. */
export function forwardedHeaders(client: McpClient, headers: CallerHeaders): Record<string, string> | undefined {
  const allowed = client.allowed_extra_headers;
  const isAll = allowed.includes('*');
  const names = isAll ? Object.keys(headers) : allowed.map((name) => name.toLowerCase());
  // Two values of one header would leave it to the server whose credential it takes.
  const own = new Set(
    [
      ...Object.keys(client.headers),
      ...client.per_user_header_keys,
      client.token_exchange?.subject_token_header ?? '',
    ].map((name) => name.toLowerCase()),
  );
  const forwarded: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (value === undefined || own.has(name) || NEVER.has(name) || NEVER_PREFIX.test(name)) continue;
    // The token of a caller, which one server of several wants exchanged, is none of the business of the others.
    if (isAll && TOKEN.test(String(value))) continue;
    forwarded[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return Object.keys(forwarded).length === 0 ? undefined : forwarded;
}
