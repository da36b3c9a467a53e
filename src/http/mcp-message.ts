import type { IncomingHttpHeaders } from 'node:http';
import { GatewayError } from '../lib/errors.ts';
import { decodeHeader } from '../lib/header-value.ts';
import { scanArray, scanObject } from '../lib/json-scan.ts';
import type { JsonObject, RequestId } from '../lib/json-rpc.ts';
import { isObject, objectOf } from '../lib/json-value.ts';
import { readRelayParams, type RelayParams } from '../mcp/relay/relay-params.ts';
import { LEGACY_VERSIONS, META, MODERN_VERSION, SUPPORTED_VERSIONS, type Era } from '../mcp/revisions.ts';

/** One JSON-RPC message of a client, parsed once. */
export type McpMessage =
  | {
      readonly kind: 'request';
      readonly era: Era;
      readonly method: string;
      readonly requestId: RequestId;
      /** The same as the client wrote it, as JSON text. */
      readonly id: string;
      readonly params: JsonObject;
      /** The same as the client wrote them. */
      readonly relayParams: RelayParams;
    }
  | { readonly kind: 'notification'; readonly era: Era; readonly method: string; readonly params: JsonObject }
  | {
      readonly kind: 'answer';
      readonly id: RequestId;
      readonly result: JsonObject | undefined;
      readonly error: JsonObject | undefined;
    };
export type McpRequest = Extract<McpMessage, { kind: 'request' }>;

/** The largest body with messages that is taken. */
export const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

const NO_PARAMS = readRelayParams(Buffer.from('{}'));
/** The methods whose subject a modern client repeats in `Mcp-Name`, and the param it stands in. */
const NAMED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

/** One message of a body: its bytes, and what they parse to. */
export interface BodyPart {
  readonly bytes: Buffer;
  readonly value: unknown;
}

/** The messages of a body: one, or a batch as 2025-03-26 has it. Throws `parse_error` for what is not JSON. */
export function splitBody(body: Buffer): { readonly isBatch: boolean; readonly parts: readonly BodyPart[] } {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (error) {
    throw new GatewayError('parse_error', 'the body is not valid JSON', { cause: error });
  }
  if (!Array.isArray(value)) return { isBatch: false, parts: [{ bytes: body, value }] };
  const parts: BodyPart[] = [];
  scanArray(body, (start, end) =>
    parts.push({ bytes: body.subarray(start, end), value: (value as unknown[])[parts.length] }),
  );
  return { isBatch: true, parts };
}

/** Reads one message, and tells which era it speaks. Throws `invalid_request`. */
export function readMcpMessage({ bytes, value: parsed }: BodyPart, headers: IncomingHttpHeaders): McpMessage {
  if (!isObject(parsed)) throw new GatewayError('invalid_request', 'the body must be a JSON-RPC message');
  const { jsonrpc, method, id, params = {}, result, error } = parsed;
  if (jsonrpc !== '2.0') throw new GatewayError('invalid_request', 'jsonrpc: must be "2.0"');
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') {
    throw new GatewayError('invalid_request', 'id: must be a string or a number');
  }
  if (method === undefined && id !== undefined)
    return { kind: 'answer', id, result: result as JsonObject, error: error as JsonObject };
  if (typeof method !== 'string') throw new GatewayError('invalid_request', 'method: must be a string');
  if (!isObject(params)) throw new GatewayError('invalid_request', 'params: must be an object');
  const era = eraOf(params, headers);
  if (id === undefined) return { kind: 'notification', era, method, params };
  let idText = '';
  let paramsAt: number | undefined;
  scanObject(bytes, (key, start, end) => {
    if (key === 'id') idText = bytes.toString('utf8', start, end);
    else if (key === 'params') paramsAt = start;
  });
  const relayParams = paramsAt === undefined ? NO_PARAMS : readRelayParams(bytes, paramsAt);
  return { kind: 'request', era, method, requestId: id, id: idText, params, relayParams };
}

/** A modern request says so in its `_meta`; a legacy one is known by its header, or by having none. */
function eraOf(params: JsonObject, headers: IncomingHttpHeaders): Era {
  const isModern =
    metaOf(params)[META.protocolVersion] !== undefined || headers['mcp-protocol-version'] === MODERN_VERSION;
  return isModern ? 'modern' : 'legacy';
}

/** The revision in the header of a legacy message must be one that we speak. */
export function checkLegacyVersion(headers: IncomingHttpHeaders): void {
  const header = headers['mcp-protocol-version'];
  if (header !== undefined && !LEGACY_VERSIONS.some((version) => version === header)) throw unsupported(header);
}

/** The headers of a modern request repeat the body for the sake of routers on the way; they must not disagree (SEP-2243). */
export function checkModern({ method, params }: McpRequest, headers: IncomingHttpHeaders): void {
  const meta = metaOf(params);
  const version = meta[META.protocolVersion];
  if (typeof version !== 'string')
    throw new GatewayError('invalid_request', `params._meta: "${META.protocolVersion}" is required`);
  expectHeader('MCP-Protocol-Version', headers['mcp-protocol-version'], version);
  if (version !== MODERN_VERSION) throw unsupported(version);
  expectHeader('Mcp-Method', headers['mcp-method'], method);
  const named = Object.hasOwn(NAMED, method) ? NAMED[method] : undefined;
  const name = headers['mcp-name'];
  if (named !== undefined)
    expectHeader('Mcp-Name', name, params[named], typeof name === 'string' ? (decodeHeader(name) ?? null) : name);
  if (!isObject(meta[META.clientCapabilities])) {
    throw new GatewayError(
      'invalid_request',
      `params._meta: "${META.clientCapabilities}" is required and must be an object`,
    );
  }
}

function expectHeader(
  name: string,
  header: string | string[] | undefined,
  value: unknown,
  meant: string | string[] | null | undefined = header,
): void {
  if (meant === value) return;
  const found = header === undefined ? 'is missing' : `is ${JSON.stringify(header)}`;
  throw new GatewayError('header_mismatch', `header ${name} ${found}, but the body says ${JSON.stringify(value)}`);
}

function unsupported(requested: unknown): GatewayError {
  const details = { supported: SUPPORTED_VERSIONS, requested };
  return new GatewayError(
    'unsupported_protocol_version',
    `MCP revision ${JSON.stringify(requested)} is not supported`,
    { details },
  );
}

/** `params._meta`, or nothing. */
export function metaOf(params: JsonObject): JsonObject {
  return objectOf(params._meta);
}
