import { expect } from 'vitest';
import type { GatewayError } from '../../src/lib/errors.ts';
import {
  resultOf,
  writeNotification,
  writeRequest,
  type JsonObject,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type Reply,
} from '../../src/lib/json-rpc.ts';
import type { Connection, ConnectionEvents } from '../../src/mcp/transport/transport.ts';

/** A request as the owner of a connection would send it. */
export interface Ask {
  readonly method: string;
  readonly params?: JsonObject;
  readonly signal?: AbortSignal;
  readonly onNotification?: (notification: JsonRpcNotification) => void;
}

/** Sends one request; asks for progress when there is somebody to hear of it. */
export function ask(connection: Connection, { method, params = {}, signal, onNotification }: Ask): Promise<Reply> {
  const id = connection.nextId();
  const all = onNotification === undefined ? params : { ...params, _meta: { progressToken: id } };
  const message = writeRequest(id, method, all);
  return connection.request({ id, method, message, signal: signal ?? new AbortController().signal, onNotification });
}

/** Sends one request and reads its result. */
export async function askResult(connection: Connection, asked: Ask): Promise<JsonObject> {
  return resultOf(await ask(connection, asked));
}

/** The MCP handshake by hand. */
export async function handshake(connection: Connection, capabilities: JsonObject = {}): Promise<JsonObject> {
  const protocolVersion = '2025-11-25';
  const params = { protocolVersion, capabilities, clientInfo: { name: 'test', version: '1' } };
  const result = await askResult(connection, { method: 'initialize', params });
  connection.ready(result.protocolVersion as string);
  await connection.notify(writeNotification('notifications/initialized'));
  return result;
}

/** Records what a connection tells its owner. */
export interface RecordedEvents extends ConnectionEvents {
  readonly notifications: JsonRpcNotification[];
  readonly requests: JsonRpcRequest[];
  readonly closings: GatewayError[];
  /** Resolves with the reason once the connection has ended by itself. */
  readonly closed: Promise<GatewayError>;
}

export function recordEvents(answer: (request: JsonRpcRequest) => JsonObject = () => ({})): RecordedEvents {
  const { promise: closed, resolve } = Promise.withResolvers<GatewayError>();
  const events: RecordedEvents = {
    notifications: [],
    requests: [],
    closings: [],
    closed,
    onNotification: (notification) => void events.notifications.push(notification),
    async onRequest(request) {
      events.requests.push(request);
      return answer(request);
    },
    onClose(reason) {
      events.closings.push(reason);
      resolve(reason);
    },
  };
  return events;
}

/** Waits for a rejection with the code, and gives the message. */
export async function rejection(promise: Promise<unknown>, code: string): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error as GatewayError,
  );
  expect(error).toMatchObject({ name: 'GatewayError', code });
  return (error as GatewayError).message;
}
