import type { RequestId } from '../../lib/json-rpc.ts';
import { scanArray, scanObject, skipSpace } from '../../lib/json-scan.ts';
import { META_VERSION, modernHeaders, NAMED_BY } from './modern-headers.ts';

/** The id of a request: as its sender wrote it, and as a value that compares. */
export interface WrittenId {
  readonly text: string;
  readonly value: RequestId;
}

/** One line of the client, told apart without parsing what it carries. */
export interface ClientMessage {
  /** The line as it came. */
  readonly bytes: Buffer;
  /** Undefined for a response to a request of the server, and for a batch. */
  readonly method: string | undefined;
  /** The requests in it: one, none, or several in a batch of 2025-03-26. */
  readonly ids: readonly WrittenId[];
  readonly isBatch: boolean;
  /** The headers that repeat the body of a request of 2026-07-28; undefined for an older revision. */
  readonly modernHeaders: readonly string[] | undefined;
  /** The request that `notifications/cancelled` speaks of. */
  readonly cancels: RequestId | undefined;
}

interface Members {
  id?: Buffer;
  method?: Buffer;
  params?: Buffer;
}

const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

/** Reads one line of the client. Throws a SyntaxError for what is not a JSON object or array. */
export function readClientMessage(bytes: Buffer): ClientMessage {
  if (isArray(bytes)) return readBatch(bytes);
  const { id, method: written, params } = readMembers(bytes);
  const method = written === undefined ? undefined : readString(written);
  const found = method === undefined ? {} : readParams(params, method);
  return {
    bytes,
    method,
    ids: id === undefined || method === undefined ? [] : [id].flatMap(readId),
    isBatch: false,
    modernHeaders: found.version === undefined ? undefined : modernHeaders(found.version, method ?? '', found.name),
    cancels: method === 'notifications/cancelled' ? found.requestId : undefined,
  };
}

/** The ids that a message of the server answers, alone or in a batch. Throws a SyntaxError for what is not JSON. */
export function answeredIds(bytes: Buffer): RequestId[] {
  const messages = isArray(bytes) ? elements(bytes) : [bytes];
  return messages.flatMap((message) => {
    const { id, method } = readMembers(message);
    return id === undefined || method !== undefined ? [] : readId(id).map(({ value }) => value);
  });
}

/** A JSON-RPC error message: its `error` as it was written, and what stands in it. */
export interface RpcErrorMessage {
  readonly error: Buffer;
  readonly id: RequestId | undefined;
  readonly text: string;
}

/** Undefined for anything but a JSON-RPC error message. */
export function readRpcError(bytes: Buffer): RpcErrorMessage | undefined {
  const found: { error?: Buffer; id?: Buffer } = {};
  try {
    const { jsonrpc, error } = JSON.parse(bytes.toString()) as { jsonrpc?: unknown; error?: { message?: unknown } };
    scanObject(bytes, (key, start, end) => {
      if (key === 'error' || key === 'id') found[key] = bytes.subarray(start, end);
    });
    if (jsonrpc !== '2.0' || found.error === undefined || typeof error?.message !== 'string') return undefined;
    const [id] = found.id === undefined ? [] : readId(found.id);
    return { error: found.error, id: id?.value, text: error.message };
  } catch {
    return undefined; // a web page, or nothing
  }
}

/** The message without line breaks, which in JSON can only be white space. */
export function oneLine(bytes: Buffer): Buffer {
  if (!bytes.includes(0x0a) && !bytes.includes(0x0d)) return bytes;
  return Buffer.from(bytes.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte)));
}

function readBatch(bytes: Buffer): ClientMessage {
  const ids = elements(bytes).flatMap((message) => {
    const { id, method } = readMembers(message);
    return id === undefined || method === undefined ? [] : readId(id);
  });
  return { bytes, method: undefined, ids, isBatch: true, modernHeaders: undefined, cancels: undefined };
}

function elements(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  expectEnd(
    bytes,
    scanArray(bytes, (start, end) => found.push(bytes.subarray(start, end))),
  );
  return found;
}

function readMembers(bytes: Buffer): Members {
  const found: Members = {};
  const end = scanObject(bytes, (key, start, end) => {
    if (key === 'id' || key === 'method' || key === 'params') found[key] = bytes.subarray(start, end);
  });
  expectEnd(bytes, end);
  return found;
}

function expectEnd(bytes: Buffer, end: number): void {
  if (skipSpace(bytes, end) !== bytes.length) throw new SyntaxError('something follows the message');
}

interface Params {
  version?: string;
  name?: string;
  requestId?: RequestId | undefined;
}

function readParams(params: Buffer | undefined, method: string): Params {
  const found: Params = {};
  if (params?.[0] !== OPEN_BRACE) return found;
  const nameKey = NAMED_BY.get(method);
  scanObject(params, (key, start, end) => {
    const value = params.subarray(start, end);
    if (key === nameKey) found.name = readString(value);
    if (key === 'requestId') found.requestId = readId(value)[0]?.value;
    if (key !== '_meta' || value[0] !== OPEN_BRACE) return;
    scanObject(value, (key, start, end) => {
      if (key === META_VERSION) found.version = readString(value.subarray(start, end));
    });
  });
  return found;
}

function isArray(bytes: Buffer): boolean {
  return bytes[skipSpace(bytes, 0)] === OPEN_BRACKET;
}

/** Empty for `null`, which stands in errors that belong to no request. */
function readId(bytes: Buffer): WrittenId[] {
  const text = bytes.toString();
  const value: unknown = JSON.parse(text);
  return typeof value === 'string' || typeof value === 'number' ? [{ text, value }] : [];
}

/** The string, or nothing at all for any other value: the gateway will say what is wrong with it. */
function readString(bytes: Buffer): string {
  const value: unknown = JSON.parse(bytes.toString());
  return typeof value === 'string' ? value : '';
}
