import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../lib/errors.ts';
import {
  resultOf,
  writeNotification,
  writeRequest,
  type JsonObject,
  type JsonRpcError,
  type Reply,
} from '../../lib/json-rpc.ts';
import { objectOf } from '../../lib/json-value.ts';
import { LEGACY_VERSIONS, META, MODERN_VERSION, modernHeaders, type Era } from '../revisions.ts';
import type { Connection } from '../transport/transport.ts';

/** What is known of a server after the first words with it. */
export interface Peer {
  readonly era: Era;
  readonly protocolVersion: string;
  readonly serverInfo: JsonObject;
  readonly capabilities: JsonObject;
  readonly instructions: string | undefined;
}

/** Who the gateway is to a server. */
export interface Introduction {
  readonly clientInfo: { readonly name: string; readonly version: string };
  /** What the callers of this session can do; the gateway claims nothing for itself. */
  readonly capabilities: JsonObject;
}

/** How to begin with a server. */
export interface Opening {
  readonly choice: Era | 'auto';
  readonly introduction: Introduction;
  /** After so long without an answer to the modern question the older one is asked too; undefined: never. */
  readonly silenceMs: number | undefined;
}

/**
 * Finds out which era a server speaks and shakes hands. `auto` asks as a modern client first; whatever refuses that for a
 * reason of its own (no access, a fault) is no evidence of an era and fails. A process that others talk to already is not asked.
 */
export async function negotiate(connection: Connection, opening: Opening, signal: AbortSignal): Promise<Peer> {
  const { introduction, silenceMs } = opening;
  const version = connection.shared?.version;
  const choice = version === undefined ? opening.choice : version === MODERN_VERSION ? 'modern' : 'legacy';
  if (choice === 'legacy') return initialize(connection, introduction, signal);
  const found = discover(connection, introduction, signal);
  if (choice === 'auto')
    return (await unlessSilent(found, silenceMs, signal)) ?? eitherWay(connection, found, introduction, signal);
  const peer = await found;
  if (peer !== undefined) return peer;
  throw new GatewayError(
    'upstream_bad_reply',
    `the server does not speak MCP ${MODERN_VERSION}, to which protocol_era pins it`,
  );
}

/** The modern answer, if it comes in time. A program that is still being installed is silent for longer than that. */
async function unlessSilent(
  found: Promise<Peer | undefined>,
  silenceMs: number | undefined,
  signal: AbortSignal,
): Promise<Peer | undefined> {
  if (silenceMs === undefined) return found;
  const early = new AbortController();
  const silence = sleep(silenceMs, undefined, { signal: AbortSignal.any([signal, early.signal]), ref: false }).catch(
    () => undefined,
  );
  try {
    return await Promise.race([found, silence]);
  } finally {
    early.abort();
  }
}

/** `initialize`, while the modern question may still be answered: whichever comes to something. */
async function eitherWay(
  connection: Connection,
  found: Promise<Peer | undefined>,
  introduction: Introduction,
  signal: AbortSignal,
): Promise<Peer> {
  const older = initialize(connection, introduction, signal);
  const newer = found.then((peer) => peer ?? older);
  return Promise.any([older, newer]).catch(() => older);
}

/** `server/discover`; undefined when the server is of the older era. */
async function discover(
  connection: Connection,
  introduction: Introduction,
  signal: AbortSignal,
  isRetry = false,
): Promise<Peer | undefined> {
  const { clientInfo } = introduction;
  const id = connection.nextId();
  const _meta = {
    [META.protocolVersion]: MODERN_VERSION,
    [META.clientInfo]: clientInfo,
    [META.clientCapabilities]: {},
  };
  const message = writeRequest(id, 'server/discover', { _meta });
  const headers = modernHeaders('server/discover');
  const reply = await connection.request({ id, method: 'server/discover', message, headers, signal }).catch(isOlder);
  if (reply === undefined) return undefined;
  if (reply.kind === 'error') {
    if (isRetry || !isToBeAskedAgain(reply)) return undefined;
    return discover(connection, introduction, signal, true);
  }
  const { supportedVersions, capabilities, instructions, _meta: meta } = resultOf(reply);
  if (!Array.isArray(supportedVersions) || !supportedVersions.includes(MODERN_VERSION)) return undefined;
  connection.ready(MODERN_VERSION);
  return {
    era: 'modern',
    protocolVersion: MODERN_VERSION,
    serverInfo: objectOf(objectOf(meta)[META.serverInfo]),
    capabilities: objectOf(capabilities),
    instructions: typeof instructions === 'string' ? instructions : undefined,
  };
}

/** A 4xx without a JSON-RPC answer comes from an HTTP server that wants `initialize` first. Everything else is a failure. */
function isOlder(error: unknown): undefined {
  const status = error instanceof GatewayError ? error.details?.status : undefined;
  if (typeof status === 'number' && status >= 400 && status < 500 && status !== 401 && status !== 403 && status !== 429)
    return undefined;
  throw error;
}

/** True for a server that speaks our revision but refused the first question; throws for other faults that only it knows. */
function isToBeAskedAgain(reply: Reply): boolean {
  const { code, message, data } = JSON.parse(reply.bytes.toString()) as JsonRpcError;
  if (code === -32020 || code === -32021)
    throw new GatewayError('upstream_bad_reply', `server/discover was refused: ${message}`);
  const { supported } = (data ?? {}) as { supported?: unknown };
  return code === -32022 && Array.isArray(supported) && supported.includes(MODERN_VERSION);
}

/** The handshake of 2024-11-05 to 2025-11-25. */
async function initialize(connection: Connection, introduction: Introduction, signal: AbortSignal): Promise<Peer> {
  const id = connection.nextId();
  const message = writeRequest(id, 'initialize', { protocolVersion: LEGACY_VERSIONS[0], ...introduction });
  const result = resultOf(await connection.request({ id, method: 'initialize', message, signal }));
  const { serverInfo, capabilities, instructions } = result;
  const protocolVersion = LEGACY_VERSIONS.find((version) => version === result.protocolVersion);
  if (protocolVersion === undefined) {
    throw new GatewayError(
      'upstream_bad_reply',
      `the server wants to speak MCP ${JSON.stringify(result.protocolVersion)}`,
    );
  }
  connection.ready(protocolVersion);
  await connection.notify(writeNotification('notifications/initialized'));
  return {
    era: 'legacy',
    protocolVersion,
    serverInfo: objectOf(serverInfo),
    capabilities: objectOf(capabilities),
    instructions: typeof instructions === 'string' ? instructions : undefined,
  };
}
