import type { GatewayError } from '../../lib/errors.ts';
import type { JsonObject, JsonRpcNotification, JsonRpcRequest, Reply } from '../../lib/json-rpc.ts';

/** One request on its way to an upstream server. */
export interface OutgoingRequest {
  /** From {@link Connection.nextId}; also the progress token, if progress was asked for. */
  readonly id: number;
  readonly method: string;
  /** The complete JSON-RPC message as one line of JSON text, with `id` in it. */
  readonly message: string;
  /** HTTP headers of this call alone. Ignored where the transport has none. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Aborting it cancels the request at the upstream and rejects with `call_cancelled`. */
  readonly signal: AbortSignal;
  /** Notifications that belong to this request: its progress, and whatever arrives on its own stream. */
  readonly onNotification?: ((notification: JsonRpcNotification) => void) | undefined;
}

/** What a connection tells its owner, besides the replies to requests. */
export interface ConnectionEvents {
  /** A notification that belongs to no request of ours, such as `notifications/tools/list_changed`. */
  onNotification(notification: JsonRpcNotification): void;
  /** A request from the server. The result is sent back; a thrown GatewayError becomes a JSON-RPC error. */
  onRequest(request: JsonRpcRequest): Promise<JsonObject>;
  /** The connection ended by itself. Called at most once, and never after {@link Connection.close}. */
  onClose(reason: GatewayError): void;
}

/**
 * One live connection to an upstream server, below the MCP handshake. It frames messages, matches replies to requests and
 * cancels; it knows nothing of tools. Every failure is a GatewayError of the `upstream_…` family.
 */
export interface Connection {
  /** A fresh request id; never reused on this connection. */
  nextId(): number;
  request(request: OutgoingRequest): Promise<Reply>;
  /** Sends a notification, given as one line of JSON text. */
  notify(message: string): Promise<void>;
  /** The handshake is done: later requests carry this revision; a stream for server messages may be opened. */
  ready(protocolVersion: string): void;
  /** Ends the connection and frees all it holds. Requests still in flight fail with `upstream_lost`. Safe to call twice. */
  close(): Promise<void>;
}
