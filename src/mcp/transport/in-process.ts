import { GatewayError, messageOf } from '../../lib/errors.ts';
import { createMessagePipe } from './message-pipe.ts';
import type { Connection, ConnectionEvents } from './transport.ts';

/** The `Transport` of the official SDKs, as far as it is the same in all their versions. */
export interface InProcessTransport {
  start(): Promise<void>;
  send(message: unknown): Promise<void>;
  close(): Promise<void>;
  onmessage?: ((message: never) => void) | undefined;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
}

/** Anything that speaks MCP over such a transport: `McpServer` and `Server` of either generation of the SDK do. */
export interface ConnectableServer {
  connect(transport: InProcessTransport): Promise<void>;
  close?(): Promise<void>;
}

/** A server inside the gateway's process; a function makes a fresh one for each connection. */
export type InProcessServer = ConnectableServer | (() => ConnectableServer | Promise<ConnectableServer>);

/** Connects to a server object. One that was given as an object leaves its former connection, for it can have but one. */
export async function openInProcess(
  source: InProcessServer,
  events: ConnectionEvents,
  signal: AbortSignal,
): Promise<Connection> {
  const isMade = typeof source === 'function';
  try {
    signal.throwIfAborted();
    const server = isMade ? await source() : source;
    if (!isMade) await server.close?.();
    const link = createLink(events, isMade ? () => server.close?.() : () => {});
    await server.connect(link.transport);
    return link.connection;
  } catch (error) {
    if (signal.aborted) throw new GatewayError('call_cancelled', 'the connection was given up', { cause: error });
    const message = `the in-process server did not start: ${messageOf(error)}`;
    throw new GatewayError('upstream_unreachable', message, { cause: error });
  }
}

/** Both ends of one connection: what the server holds, and what the gateway holds. */
function createLink(events: ConnectionEvents, release: () => Promise<void> | undefined | void) {
  let isClosed = false;
  const pipe = createMessagePipe({
    name: 'the in-process server',
    events,
    // Parsed anew, so that neither side can change what the other still reads.
    send: (line) => transport.onmessage?.(JSON.parse(line) as never),
  });

  function end(reason: string): GatewayError | undefined {
    if (isClosed) return undefined;
    isClosed = true;
    const error = new GatewayError('upstream_lost', reason);
    pipe.fail(error);
    transport.onclose?.();
    return error;
  }

  const transport: InProcessTransport = {
    async start() {},
    async send(message) {
      pipe.receive(Buffer.from(JSON.stringify(message)));
    },
    async close() {
      const error = end('the in-process server closed the connection');
      if (error !== undefined) events.onClose(error);
    },
  };
  const connection: Connection = {
    nextId: pipe.nextId,
    request: pipe.request,
    notify: pipe.notify,
    ready() {},
    async close() {
      if (end('the connection to the in-process server was closed') !== undefined) await release();
    },
  };
  return { transport, connection };
}
