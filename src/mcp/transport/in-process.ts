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

/** Opens one connection to an in-process server. */
export type OpenInProcess = (events: ConnectionEvents, signal: AbortSignal) => Promise<Connection>;

/**
 * Makes a server object reachable. One that was given as an object can have but one connection: a new one takes the place of the
 * former, whose owner is not told, as it is the one that asks. A function has no such gap.
 */
export function createInProcess(source: InProcessServer): OpenInProcess {
  const isMade = typeof source === 'function';
  let leave = (): void => {};
  return async (events, signal) => {
    try {
      signal.throwIfAborted();
      const server = isMade ? await source() : source;
      leave();
      if (!isMade) await server.close?.();
      const link = createLink(events, isMade ? () => server.close?.() : () => {});
      if (!isMade) leave = () => void link.end('another connection took its place');
      await server.connect(link.transport);
      return link.connection;
    } catch (error) {
      if (signal.aborted) throw new GatewayError('call_cancelled', 'the connection was given up', { cause: error });
      const message = `the in-process server did not start: ${messageOf(error)}`;
      throw new GatewayError('upstream_unreachable', message, { cause: error });
    }
  };
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
  return { transport, connection, end };
}
