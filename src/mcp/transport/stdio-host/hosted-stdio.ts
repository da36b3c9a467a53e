import { createConnection, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError, messageOf } from '../../../lib/errors.ts';
import { createLineSplitter } from '../../../lib/split-lines.ts';
import { abortError } from '../../../lib/unless-aborted.ts';
import { createLineWriter, type LineWriter } from '../line-writer.ts';
import { createMessagePipe, type MessagePipe } from '../message-pipe.ts';
import type { Connection, ConnectionEvents } from '../transport.ts';
import { createOwnIds } from './request-ids.ts';
import { isNote, noteToGateway, toError, writeNote, type ToGateway, type Wanted, type Welcome } from './wire.ts';

/** How long the host may take over the end of a connection: that of the server may be part of it. */
const PATIENCE_MS = 10_000;

/** Connects to a server that the host at this socket runs, for this gateway and for others. Starts it if need be. */
export async function openHostedStdio(
  path: string,
  server: Wanted,
  events: ConnectionEvents,
  signal: AbortSignal,
): Promise<Connection> {
  const socket = await dial(path, signal);
  const giveUp = (): void => void socket.destroy();
  signal.addEventListener('abort', giveUp);
  try {
    return await connect(socket, server, events);
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? abortError(signal) : error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

async function dial(path: string, signal: AbortSignal): Promise<Socket> {
  if (signal.aborted) throw abortError(signal);
  const socket = createConnection(path);
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    if (signal.aborted) throw abortError(signal);
    const why = `the process that runs the stdio servers cannot be reached: ${messageOf(error)}`;
    throw new GatewayError('upstream_unreachable', why, { cause: error });
  }
}

/** Says what is wanted, and gives the connection once the host lets it be used. */
async function connect(socket: Socket, server: Wanted, events: ConnectionEvents): Promise<Connection> {
  const welcomed = Promise.withResolvers<Welcome>();
  const writer = createLineWriter(socket);
  const pipe = createMessagePipe({ send: writer.send, events, name: server.command });
  const ids = createOwnIds();
  let isOpen = false;
  let isOver = false;

  function lose(reason: GatewayError): void {
    if (isOver) return;
    isOver = true;
    pipe.fail(reason);
    if (isOpen) events.onClose(reason);
    else welcomed.reject(reason);
  }

  function hear(note: ToGateway): void {
    switch (note.kind) {
      case 'welcome':
        isOpen = true;
        ids.add(note.ids);
        return welcomed.resolve(note);
      case 'ids':
        return ids.add(note.ids);
      case 'replaced':
        return events.onReplaced?.();
      case 'refused':
        return pipe.reject(note.id, toError(note));
      case 'lost':
        return lose(toError(note));
    }
  }

  const splitter = createLineSplitter(Infinity, (line) => {
    if (isNote(line)) hear(noteToGateway(line));
    else pipe.receive(line);
  });
  socket.on('data', (chunk: Buffer) => splitter.push(chunk));
  socket.on('error', () => {}); // 'close' follows
  socket.on('close', () =>
    lose(new GatewayError('upstream_lost', `the process that ran ${server.command} for this gateway has ended`)),
  );
  writer.send(writeNote({ kind: 'want', server }));
  const { number, version } = await welcomed.promise;

  return toConnection({
    ...{ socket, writer, pipe, shared: { number, version } },
    nextId: ids.next,
    end() {
      isOver = true;
      pipe.fail(new GatewayError('upstream_lost', `the connection to ${server.command} was closed`));
    },
  });
}

interface Parts {
  readonly socket: Socket;
  readonly writer: LineWriter;
  readonly pipe: MessagePipe;
  readonly shared: { readonly number: number; readonly version: string | undefined };
  readonly nextId: () => number | undefined;
  /** Nothing is sent or handed on any more. */
  readonly end: () => void;
}

function toConnection({ socket, writer, pipe, shared, nextId, end }: Parts): Connection {
  return {
    nextId() {
      const id = nextId();
      if (id !== undefined) return id;
      throw new GatewayError('upstream_unreachable', 'the process that runs the stdio servers does not answer');
    },
    request: pipe.request,
    notify: pipe.notify,
    ready: (version) => writer.send(writeNote({ kind: 'ready', version })),
    shared: { ...shared, lead: () => writer.send(writeNote({ kind: 'lead' })) },
    async close() {
      end();
      if (socket.closed) return;
      const closed = once(socket, 'close');
      writer.end();
      await Promise.race([closed, sleep(PATIENCE_MS, undefined, { ref: false })]);
      socket.destroy();
    },
  };
}
