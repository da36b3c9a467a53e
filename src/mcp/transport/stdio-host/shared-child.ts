import { GatewayError } from '../../../lib/errors.ts';
import { scanObject } from '../../../lib/json-scan.ts';
import { writeNotification, writeRequest, type JsonObject } from '../../../lib/json-rpc.ts';
import { openChild, type ChildLines, type StdioTarget } from '../child-lines.ts';
import { createFromServer } from './from-server.ts';
import { createIdBlocks, createOwnIds } from './request-ids.ts';
import { createSharedState, type Step } from './shared-state.ts';
import { toFailure, type ToGateway, type Welcome } from './wire.ts';

/** One gateway's connection, as the host sees it. */
export interface Seat {
  /** Sends a line of MCP. */
  send(line: Buffer | string): void;
  tell(note: ToGateway): void;
  /** The server is gone. */
  end(reason: GatewayError): void;
}

/** A server process with the connections that share it. */
export interface SharedChild {
  readonly number: number;
  /** Lets a connection in once it is known what the server speaks. Undefined when the process was given up before. */
  admit(seat: Seat): Promise<Welcome | undefined>;
  /** Takes a line of MCP from a connection. */
  receive(seat: Seat, line: Buffer): void;
  /** A connection found out what the server speaks. */
  ready(version: string): void;
  /** A connection has ended. Resolves when the process has, too, if that was the last one. */
  leave(seat: Seat): Promise<void>;
  /** Tells all connections that there is a newer process. */
  replace(): void;
  stop(): Promise<void>;
}

/** Starts a server for connections that come now and later. `onOver`: nobody else is let in. */
export function createSharedChild(target: StdioTarget, number: number, onOver: () => void): SharedChild {
  /** With the ids of their requests in flight. */
  const seats = new Map<Seat, Set<number>>();
  const ids = createIdBlocks<Seat | undefined>();
  const own = createOwnIds();
  const onReply = new Map<unknown, (result: Buffer | undefined) => void>();
  const found = Promise.withResolvers<void>();
  found.promise.catch(() => {}); // perhaps nobody waits
  const state = createSharedState<Seat>(ask);
  let opener: Seat | undefined;
  let version: string | undefined;
  let lines: ChildLines | undefined;
  let isOver = false;
  let stopping: Promise<void> | undefined;

  const onLine = createFromServer<Seat>({ seats: () => seats.keys(), holderOf: ids.holderOf, answered, reply: post });
  const opening = openChild(target, { onLine, onEnd: lose }).then((opened) => (lines = opened));
  opening.catch(lose);

  function stop(): Promise<void> {
    finish();
    found.resolve();
    leaveNobody(new GatewayError('upstream_lost', `${target.command} was ended with the gateway`));
    return (stopping ??= opening.then(
      (open) => open.stop(),
      () => {}, // it never ran
    ));
  }

  function lose(reason: unknown): void {
    found.reject(reason);
    leaveNobody(reason instanceof GatewayError ? reason : new GatewayError('internal_error', 'internal error'));
    finish();
  }

  function leaveNobody(reason: GatewayError): void {
    for (const seat of seats.keys()) seat.end(reason);
    seats.clear();
  }

  function finish(): void {
    if (isOver) return;
    isOver = true;
    onOver();
  }

  function answered(id: unknown, result: Buffer | undefined): void {
    if (typeof id !== 'number') return;
    const holder = ids.holderOf(id);
    if (holder !== undefined) seats.get(holder)?.delete(id);
    onReply.get(id)?.(result);
    onReply.delete(id);
  }

  /** Sends a request of the host itself, whose answer nobody waits for. */
  function ask(method: string, params: JsonObject): void {
    let id = own.next();
    if (id === undefined) {
      own.add(ids.grant(undefined));
      id = own.next();
    }
    if (id !== undefined) post(writeRequest(id, method, params));
  }

  /** Sends what nobody waits for. */
  function post(line: string): void {
    try {
      lines?.send(line);
    } catch {
      // It does not read any more, and will be found out by those who ask it something.
    }
  }

  function take(seat: Seat, id: number | undefined, step: Step): void {
    if (step.kind === 'drop') return;
    if (step.kind === 'answer') return seat.send(`{"jsonrpc":"2.0","id":${id},"result":${step.result}}`);
    try {
      lines?.send(step.line);
      if (id !== undefined && step.onReply !== undefined) onReply.set(id, step.onReply);
    } catch (error) {
      step.onReply?.(undefined);
      if (id !== undefined && error instanceof GatewayError) seat.tell({ kind: 'refused', id, ...toFailure(error) });
    }
  }

  return {
    number,
    async admit(seat) {
      if (opener === undefined) opener = seat;
      else await found.promise;
      await opening;
      if (isOver) return undefined;
      seats.set(seat, new Set());
      return { kind: 'welcome', number, ids: ids.grant(seat), version };
    },
    receive(seat, line) {
      const { id, method } = glance(line);
      const inFlight = seats.get(seat);
      // The server asks no connection anything, so this is no answer.
      if (method === undefined || inFlight === undefined) return;
      if (id !== undefined && ids.isRunningOut(seat, id)) seat.tell({ kind: 'ids', ids: ids.grant(seat) });
      // The protocol forbids to cancel `initialize`.
      if (id !== undefined && method !== 'initialize') inFlight.add(id);
      if (method === 'notifications/cancelled') inFlight.delete(cancelledId(line));
      take(seat, id, state.take(seat, method, line) ?? { kind: 'pass', line });
    },
    ready(spoken) {
      version ??= spoken;
      found.resolve();
    },
    async leave(seat) {
      const inFlight = seats.get(seat);
      const isOpening = seat === opener && version === undefined;
      if (inFlight === undefined && !isOpening) return stopping;
      seats.delete(seat);
      ids.withdraw(seat);
      // A server that left its first words unanswered is no good for the next one.
      if (isOver || isOpening || seats.size === 0) return stop();
      state.leave(seat);
      const reason = 'the client has gone';
      for (const requestId of inFlight ?? []) post(writeNotification('notifications/cancelled', { requestId, reason }));
    },
    replace() {
      for (const seat of seats.keys()) seat.tell({ kind: 'replaced' });
    },
    stop,
  };
}

/** What the host must know of a gateway's message, without building all that it carries. */
function glance(line: Buffer): { id: number | undefined; method: string | undefined } {
  let id: number | undefined;
  let method: string | undefined;
  scanObject(line, (key, start, end) => {
    if (key === 'id') id = JSON.parse(line.toString('utf8', start, end)) as number;
    else if (key === 'method') method = JSON.parse(line.toString('utf8', start, end)) as string;
  });
  return { id, method };
}

function cancelledId(line: Buffer): number {
  return (JSON.parse(line.toString()) as { params: { requestId: number } }).params.requestId;
}
