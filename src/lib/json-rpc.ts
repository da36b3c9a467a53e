import { GatewayError, messageOf } from './errors.ts';
import { scanObject, skipSpace } from './json-scan.ts';

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue | undefined;
}

/** JSON-RPC 2.0 request id as MCP allows it. */
export type RequestId = string | number;

export interface JsonRpcNotification {
  method: string;
  params?: JsonObject | undefined;
}
export interface JsonRpcRequest extends JsonRpcNotification {
  id: RequestId;
}
export interface JsonRpcError {
  code: number;
  message: string;
  data?: JsonValue | undefined;
}

/** A reply from an upstream: the bytes of its `result` or `error` member, untouched. */
export type Reply =
  | { readonly kind: 'result'; readonly bytes: Buffer; readonly isError: boolean; readonly hasResultType: boolean }
  | { readonly kind: 'error'; readonly bytes: Buffer };

/** Any JSON-RPC message that arrives from an upstream, told apart without parsing what a reply carries. */
export type Incoming =
  | { readonly kind: 'reply'; readonly id: RequestId | null; readonly reply: Reply }
  | { readonly kind: 'request'; readonly message: JsonRpcRequest }
  | { readonly kind: 'notification'; readonly message: JsonRpcNotification };

/** Reads one message. Throws `upstream_bad_reply` for anything that is not JSON-RPC. */
export function readIncoming(bytes: Buffer): Incoming {
  try {
    return classify(bytes);
  } catch (error) {
    throw new GatewayError('upstream_bad_reply', `not a JSON-RPC message: ${messageOf(error)}`, { cause: error });
  }
}

function classify(bytes: Buffer): Incoming {
  let id: string | undefined;
  let result: Buffer | undefined;
  let error: Buffer | undefined;
  let isCall = false;
  let isError = false;
  let hasResultType = false;
  // On the way, because a result may be large.
  const lookInto = (key: string, start: number): number | undefined => {
    if (key !== 'result') return undefined;
    isError = hasResultType = false;
    return scanObject(
      bytes,
      (key, start, end) => {
        if (key === 'isError') isError = bytes.toString('latin1', start, end) === 'true';
        else if (key === 'resultType') hasResultType = true;
      },
      start,
    );
  };
  const end = scanObject(
    bytes,
    (key, start, end) => {
      if (key === 'id') id = bytes.toString('utf8', start, end);
      else if (key === 'result') result = bytes.subarray(start, end);
      else if (key === 'error') error = bytes.subarray(start, end);
      else if (key === 'method') isCall = true;
    },
    0,
    lookInto,
  );
  if (skipSpace(bytes, end) !== bytes.length) throw new Error('something follows the message');
  if (isCall) {
    const message = JSON.parse(bytes.toString()) as JsonRpcRequest;
    if (typeof message.method !== 'string') throw new Error('"method" is not a string');
    return message.id === undefined ? { kind: 'notification', message } : { kind: 'request', message };
  }
  const replyId = id === undefined ? null : (JSON.parse(id) as RequestId | null);
  if (result !== undefined)
    return { kind: 'reply', id: replyId, reply: { kind: 'result', bytes: result, isError, hasResultType } };
  if (error !== undefined) return { kind: 'reply', id: replyId, reply: { kind: 'error', bytes: error } };
  throw new Error('neither "method" nor "result" nor "error"');
}

/** Parses the result of a reply, or throws the upstream's own error as `upstream_bad_reply`. */
export function resultOf(reply: Reply): JsonObject {
  const value = JSON.parse(reply.bytes.toString()) as JsonObject;
  if (reply.kind === 'result') return value;
  throw new GatewayError(
    'upstream_bad_reply',
    `the server answered with an error: ${(value as unknown as JsonRpcError).message}`,
    {
      details: { upstream_error: value },
    },
  );
}

/** A request as one line of JSON text. */
export function writeRequest(id: number, method: string, params: object = {}): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

/** A notification as one line of JSON text. */
export function writeNotification(method: string, params?: object): string {
  return JSON.stringify(params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params });
}
