import type { CallSignal } from '../../lib/call-signal.ts';
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
  readonly signal: CallSignal;
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
  /** There is a newer process of the server, to which those who share this one move. The connection serves on until it is closed. */
  onReplaced?(): void;
}

/** A process of a server that serves several gateways at once. */
export interface SharedProcess {
  /** Tells it from other processes of the server. */
  readonly number: number;
  /** The revision that it speaks, where another connection has found that out. */
  readonly version: string | undefined;
  /** This connection serves from now on: those who share an older process are to move here. */
  lead(): void;
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
  /** Present when other gateways use the same process. */
  readonly shared?: SharedProcess;
  /** Ends the connection and frees all it holds. Requests still in flight fail with `upstream_lost`. Safe to call twice. */
  close(): Promise<void>;
}
