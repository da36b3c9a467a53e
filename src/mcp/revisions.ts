import { encodeHeader } from '../lib/header-value.ts';

/** The two ways of MCP: with a handshake and sessions (up to 2025-11-25), and stateless (2026-07-28). */
export type Era = 'legacy' | 'modern';

/** Revisions with a handshake and sessions, newest first. */
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
/** The stateless revision. */
export const MODERN_VERSION = '2026-07-28';
/** Everything we speak, newest first. */
export const SUPPORTED_VERSIONS = [MODERN_VERSION, ...LEGACY_VERSIONS] as const;

/** What a request's `_meta` says about its sender in the modern revision. */
export const META = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const;

/** The revision to speak with a legacy client: its own if we know it, else our newest (Lifecycle, version negotiation). */
export function chooseLegacyVersion(requested: unknown): string {
  return LEGACY_VERSIONS.find((version) => version === requested) ?? LEGACY_VERSIONS[0];
}

/** The headers that repeat a modern request's body for routers on the way (SEP-2243). */
export function modernHeaders(method: string, name?: string): Record<string, string> {
  const headers = { 'mcp-protocol-version': MODERN_VERSION, 'mcp-method': method };
  return name === undefined ? headers : { ...headers, 'mcp-name': encodeHeader(name) };
}
