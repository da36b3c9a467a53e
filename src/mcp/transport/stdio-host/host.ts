import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GatewayError, messageOf } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/logger.ts';
import { createLineSplitter } from '../../../lib/split-lines.ts';
import { createLineWriter, MAX_MESSAGE } from '../line-writer.ts';
import { createProcessGuard } from '../process-guard.ts';
import type { Seat, SharedChild } from './shared-child.ts';
import { createSharedServers, type SharedServers } from './shared-servers.ts';
import { isNote, noteToHost, toFailure, writeNote, type ToGateway, type ToHost, type Wanted } from './wire.ts';

/** What runs stdio servers for several gateways of one machine. */
export interface StdioHost {
  /** The socket, for `stdioHost` of each gateway. */
  readonly path: string;
  /** Ends all servers. */
  close(): Promise<void>;
}

interface HostOptions {
  readonly logger: Pick<Logger, 'warn'>;
  /** Where the socket is put, in a folder of its own that nobody else can enter. Default: that for temporary files. */
  readonly folder?: string;
}

/** What may wait for a gateway: more than one large result, since it may be busy for a moment. */
const MAX_WAITING = 4 * MAX_MESSAGE;

/** Starts to run stdio servers, each once for all gateways that connect. */
export async function startStdioHost({ logger, folder = tmpdir() }: HostOptions): Promise<StdioHost> {
  if (process.platform === 'win32')
    throw new GatewayError('invalid_configuration', 'several processes cannot share stdio servers on Windows');
  // What goes over the socket are commands to run, and secrets in their environment; mkdtemp lets in the owner alone.
  const directory = await mkdtemp(join(folder, 'asbru-')).catch((error: unknown) => {
    throw noSocket(folder, error);
  });
  const path = join(directory, 'stdio');
  const guard = createProcessGuard({ warn: (message) => logger.warn(message) });
  const servers = createSharedServers(guard);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(socket, servers);
  });
  server.listen(path);
  await once(server, 'listening').catch(async (error: unknown) => {
    await rm(directory, { recursive: true, force: true });
    throw noSocket(folder, error);
  });
  return {
    path,
    async close() {
      server.close();
      await servers.close();
      for (const socket of sockets) socket.destroy();
      guard.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function noSocket(folder: string, error: unknown): GatewayError {
  const hint = 'TMPDIR names another folder, whose path should be short';
  const message = `no socket for servers on stdio can be made in ${folder}: ${messageOf(error)} (${hint})`;
  return new GatewayError('invalid_configuration', message, { cause: error });
}

/** Serves one connection of a gateway, to one server. */
function serve(socket: Socket, servers: SharedServers): void {
  const writer = createLineWriter(socket, MAX_WAITING);
  let child: SharedChild | undefined;
  let isGone = false;

  const send = (line: Buffer | string): void => {
    try {
      if (!isGone) writer.send(line);
    } catch {
      // A gateway that does not read what it asked for must neither fill the memory nor keep the others waiting.
      socket.destroy();
    }
  };
  const tell = (note: ToGateway): void => send(writeNote(note));
  const end = (reason: GatewayError): void => {
    tell({ kind: 'lost', ...toFailure(reason) });
    writer.end();
  };
  const seat: Seat = { send, tell, end };

  async function admit(wanted: Wanted): Promise<void> {
    child = servers.choose(wanted);
    const welcome = await child.admit(seat);
    if (isGone) return child.leave(seat);
    if (welcome === undefined) return admit(wanted);
    tell(welcome);
  }

  function hear(note: ToHost): void {
    if (note.kind === 'want') admit(note.server).catch((error: unknown) => end(asGatewayError(error)));
    else if (note.kind === 'ready') child?.ready(note.version);
    else if (child !== undefined) servers.lead(child);
  }

  async function depart(): Promise<void> {
    if (isGone) return;
    isGone = true;
    await child?.leave(seat);
    writer.end();
  }

  const splitter = createLineSplitter(Infinity, (line) => {
    try {
      if (isNote(line)) hear(noteToHost(line));
      else child?.receive(seat, line);
    } catch {
      // Not a gateway.
      socket.destroy();
    }
  });
  socket.on('data', (chunk: Buffer) => splitter.push(chunk));
  socket.on('error', () => {}); // 'close' follows
  socket.once('end', () => void depart());
  socket.once('close', () => void depart());
}

function asGatewayError(error: unknown): GatewayError {
  return error instanceof GatewayError ? error : new GatewayError('internal_error', messageOf(error));
}
