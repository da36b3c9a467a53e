import {
  MODERN_REVISION,
  modernRequest,
  openSession,
  openStream,
  type HeaderChanges,
  type LegacySession,
  type McpEndpoint,
  type OpenStream,
  type RpcMessage,
} from './wire.ts';

type JsonObject = Record<string, unknown>;

/** A client that hears what belongs to no request, by hand. */
export interface Listener extends AsyncDisposable {
  readonly stream: OpenStream;
  /** What it heard with this method. */
  heard(method: string): readonly RpcMessage[];
}

/** A legacy session with its GET stream open. */
export async function listenLegacy(
  endpoint: McpEndpoint,
  capabilities: JsonObject = {},
  changes: HeaderChanges = {},
): Promise<Listener & { readonly session: LegacySession }> {
  const session = await openSession(endpoint, changes, capabilities);
  const stream = await openStream(endpoint, { headers: session.headers });
  return { ...toListener(stream), session };
}

/** A modern standing request. */
export async function listenModern(
  endpoint: McpEndpoint,
  notifications: JsonObject,
  capabilities: JsonObject = {},
  changes: HeaderChanges = {},
): Promise<Listener & { readonly id: unknown }> {
  const { message, headers } = modernRequest('subscriptions/listen', { notifications }, capabilities);
  const stream = await openStream(endpoint, {
    method: 'POST',
    body: JSON.stringify(message),
    headers: {
      ...headers,
      ...changes,
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': MODERN_REVISION,
    },
  });
  return { ...toListener(stream), id: message['id'] };
}

function toListener(stream: OpenStream): Listener {
  return {
    stream,
    heard: (method) => stream.messages.filter((message) => message.method === method),
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

/** The filter that asks for every list. */
export const ALL_LISTS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
/** The key of `_meta` that names the standing request of a notification. */
export const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
