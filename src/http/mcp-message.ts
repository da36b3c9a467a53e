import type { IncomingHttpHeaders } from 'node:http';
import { GatewayError } from '../lib/errors.ts';
import { scanObject } from '../lib/json-scan.ts';
import type { JsonObject } from '../lib/json-rpc.ts';
import { LEGACY_VERSIONS, MODERN_VERSION } from '../mcp/negotiate.ts';
import type { Era } from '../mcp/server.ts';

/** One JSON-RPC message of a client, parsed once. */
export interface McpMessage {
  readonly era: Era;
  readonly method: string;
  /** The request id as the client wrote it; undefined for a notification. */
  readonly id: string | undefined;
  readonly params: JsonObject;
  /** The bytes of `params`, to hand on what the gateway does not read. */
  readonly paramsBytes: Buffer;
}

const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';
const NO_PARAMS = Buffer.from('{}');
const SUPPORTED = [MODERN_VERSION, ...LEGACY_VERSIONS];

/**
 * Reads the body of a POST and tells which era it speaks. Gives undefined for an answer to a request of the gateway. Throws
 * `parse_error`, `invalid_request`, `header_mismatch` or `unsupported_protocol_version`.
 */
export function readMcpMessage(body: Buffer, headers: IncomingHttpHeaders): McpMessage | undefined {
  const parsed = parse(body);
  if (Array.isArray(parsed))
    throw new GatewayError('invalid_request', 'batches are not supported; send one message a request');
  if (typeof parsed !== 'object' || parsed === null)
    throw new GatewayError('invalid_request', 'the body must be a JSON-RPC message');
  const { jsonrpc, method, id, params = {} } = parsed as JsonObject;
  if (jsonrpc !== '2.0') throw new GatewayError('invalid_request', 'jsonrpc: must be "2.0"');
  if (method === undefined && id !== undefined) return undefined;
  if (typeof method !== 'string') throw new GatewayError('invalid_request', 'method: must be a string');
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') {
    throw new GatewayError('invalid_request', 'id: must be a string or a number');
  }
  if (typeof params !== 'object' || params === null || Array.isArray(params)) {
    throw new GatewayError('invalid_request', 'params: must be an object');
  }
  let idText: string | undefined;
  let paramsBytes: Buffer = NO_PARAMS;
  scanObject(body, (key, start, end) => {
    if (key === 'id') idText = body.toString('utf8', start, end);
    else if (key === 'params') paramsBytes = body.subarray(start, end);
  });
  const message = { era: eraOf(params, headers), method, id: idText, params, paramsBytes };
  if (message.era === 'modern') checkModern(message, headers);
  return message;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw new GatewayError('parse_error', 'the body is not valid JSON', { cause: error });
  }
}

/** A modern request says so in its `_meta`; a legacy one is known by its header, or by having none. */
function eraOf(params: JsonObject, headers: IncomingHttpHeaders): Era {
  const meta = metaOf(params);
  const header = headers['mcp-protocol-version'];
  if (meta[VERSION_KEY] !== undefined || header === MODERN_VERSION) return 'modern';
  if (header !== undefined && !LEGACY_VERSIONS.some((version) => version === header)) throw unsupported(header);
  return 'legacy';
}

function unsupported(requested: unknown): GatewayError {
  const details = { supported: SUPPORTED, requested };
  return new GatewayError(
    'unsupported_protocol_version',
    `MCP revision ${JSON.stringify(requested)} is not supported`,
    { details },
  );
}

/** The headers of a modern request repeat the body for the sake of routers on the way; they must not disagree (SEP-2243). */
function checkModern({ method, id, params }: McpMessage, headers: IncomingHttpHeaders): void {
  const meta = metaOf(params);
  const version = meta[VERSION_KEY];
  if (typeof version !== 'string')
    throw new GatewayError('invalid_request', `params._meta: "${VERSION_KEY}" is required`);
  expectHeader('MCP-Protocol-Version', headers['mcp-protocol-version'], version);
  if (version !== MODERN_VERSION) throw unsupported(version);
  expectHeader('Mcp-Method', headers['mcp-method'], method);
  if (method === 'tools/call') expectHeader('Mcp-Name', decodeHeader(headers['mcp-name']), params.name);
  const capabilities = meta[CAPABILITIES_KEY];
  if (id !== undefined && (typeof capabilities !== 'object' || capabilities === null || Array.isArray(capabilities))) {
    throw new GatewayError('invalid_request', `params._meta: "${CAPABILITIES_KEY}" is required and must be an object`);
  }
}

function expectHeader(name: string, header: string | string[] | undefined, value: unknown): void {
  if (header === value) return;
  const found = header === undefined ? 'is missing' : `is ${JSON.stringify(header)}`;
  throw new GatewayError('header_mismatch', `header ${name} ${found}, but the body says ${JSON.stringify(value)}`);
}

/** Values that no header can hold travel as `=?base64?…?=`. */
function decodeHeader(header: string | string[] | undefined): string | string[] | undefined {
  const encoded = typeof header === 'string' ? /^=\?base64\?(.*)\?=$/s.exec(header)?.[1] : undefined;
  return encoded === undefined ? header : Buffer.from(encoded, 'base64').toString();
}

function metaOf(params: JsonObject): JsonObject {
  const meta = params._meta;
  return typeof meta === 'object' && meta !== null && !Array.isArray(meta) ? meta : {};
}
