import type { GatewayError } from '../../src/lib/errors.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { openHostedStdio } from '../../src/mcp/transport/stdio-host/hosted-stdio.ts';
import { startStdioHost } from '../../src/mcp/transport/stdio-host/host.ts';
import type { Wanted } from '../../src/mcp/transport/stdio-host/wire.ts';
import type { Connection } from '../../src/mcp/transport/transport.ts';
import { askResult, handshake, recordEvents, type RecordedEvents } from './connection-peer.ts';
import { SERVER_HEAD } from './stdio.ts';

/** A connection through a host, with what it was told. */
export interface HostedConnection {
  readonly connection: Connection;
  readonly events: RecordedEvents;
  /** How often it was told of a newer process. */
  readonly replaced: number;
}

/** A host with one server, and whoever connects to it. */
export interface TestHost extends AsyncDisposable {
  readonly path: string;
  /** Opens a connection, without the handshake. */
  open(more?: Partial<Wanted>, signal?: AbortSignal): Promise<HostedConnection>;
  /** Opens a connection that has shaken hands and serves. */
  join(more?: Partial<Wanted>): Promise<HostedConnection>;
  close(): Promise<void>;
}

/** What the servers of these tests can do beside their own part. */
const BASICS = `
  const seen = {};
  const note = (method) => (seen[method] = (seen[method] ?? 0) + 1);
  on('initialize', ({ id }) => {
    note('initialize');
    write({ id, result: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'n', version: '1' } } });
  });
  on('notifications/initialized', () => note('initialized'));
  on('echo', ({ id, params }) => write({ id, result: params }));
  on('pid', ({ id }) => write({ id, result: { pid: process.pid } }));
  on('seen', ({ id }) => write({ id, result: seen }));
`;

/** Starts a host; `source` is what its server does. */
export async function startTestHost(source = ''): Promise<TestHost> {
  const host = await startStdioHost({ logger: createLogger({ level: 'silent', style: 'json' }) });
  const server = { command: process.execPath, args: ['-e', SERVER_HEAD + BASICS + source], env: {}, id: 'server' };

  async function open(more: Partial<Wanted> = {}, signal = new AbortController().signal): Promise<HostedConnection> {
    let replaced = 0;
    const events = { ...recordEvents(), onReplaced: () => void (replaced += 1) };
    const connection = await openHostedStdio(host.path, { ...server, ...more }, events, signal);
    return {
      connection,
      events,
      get replaced() {
        return replaced;
      },
    };
  }

  return {
    path: host.path,
    open,
    async join(more) {
      const hosted = await open(more);
      await handshake(hosted.connection);
      hosted.connection.shared?.lead();
      return hosted;
    },
    close: host.close,
    [Symbol.asyncDispose]: host.close,
  };
}

/** The process that serves a connection. */
export async function pidOf({ connection }: HostedConnection): Promise<number> {
  return (await askResult(connection, { method: 'pid' }))['pid'] as number;
}

/** How often the server got something. */
export function seenBy({ connection }: HostedConnection): Promise<Record<string, unknown>> {
  return askResult(connection, { method: 'seen' });
}

/** The reasons that connections were given for their end. */
export async function endsOf(hosted: readonly HostedConnection[]): Promise<GatewayError[]> {
  return Promise.all(hosted.map(({ events }) => events.closed));
}
