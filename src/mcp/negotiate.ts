import { resultOf, writeNotification, writeRequest, type JsonObject } from '../lib/json-rpc.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Connection } from './transport/transport.ts';

/** Revisions with a handshake and sessions, newest first. */
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
/** The stateless revision. */
export const MODERN_VERSION = '2026-07-28';

/** What a server said about itself in the handshake. */
export interface Peer {
  readonly protocolVersion: string;
  readonly serverInfo: JsonObject;
  readonly capabilities: JsonObject;
  readonly instructions: string | undefined;
}

/** The revision to speak with a legacy client: its own if we know it, else our newest (Lifecycle, version negotiation). */
export function chooseLegacyVersion(requested: unknown): string {
  return LEGACY_VERSIONS.find((version) => version === requested) ?? LEGACY_VERSIONS[0];
}

/** The `initialize` handshake towards a server. Throws `upstream_bad_reply` for a revision that nobody knows. */
export async function handshake(
  connection: Connection,
  gateway: { name: string; version: string },
  signal: AbortSignal,
): Promise<Peer> {
  const id = connection.nextId();
  const message = writeRequest(id, 'initialize', {
    protocolVersion: LEGACY_VERSIONS[0],
    capabilities: {},
    clientInfo: gateway,
  });
  const result = resultOf(await connection.request({ id, method: 'initialize', message, signal }));
  const { protocolVersion, serverInfo, capabilities, instructions } = result;
  if (!LEGACY_VERSIONS.some((version) => version === protocolVersion)) {
    throw new GatewayError(
      'upstream_bad_reply',
      `the server wants to speak MCP revision ${JSON.stringify(protocolVersion)}`,
    );
  }
  connection.ready(protocolVersion as string);
  await connection.notify(writeNotification('notifications/initialized'));
  return {
    protocolVersion: protocolVersion as string,
    serverInfo: asObject(serverInfo),
    capabilities: asObject(capabilities),
    instructions: typeof instructions === 'string' ? instructions : undefined,
  };
}

function asObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
