import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { HotHandler } from '../hot.ts';
import { LaneConnection, type LaneHost } from './lane-connection.ts';

/** The way that hot requests take past Node's server, on the same port. */
export interface Lane {
  /** Ends connections that have been used and are not now; Node's server gets those with the beginning of a request. */
  closeIdle(): void;
  /** Ends all connections. */
  close(): void;
}

const SWEEP_MS = 5_000;
/** How long the lane waits for the rest of a request; then Node's server goes on with that, and refuses or waits. */
const REST_MS = 5_000;
/** How long a connection may stay open without a request; as long as Node's server lets the head of one take. */
const UNUSED_MS = 60_000;
/** A client that keeps to what it is told never meets a connection that is just being closed. */
const GRACE_MS = 1_000;

/**
 * Puts the lane before the server: each connection begins here. Node's server spends 10 µs on making streams and events for a
 * request that is already there in one piece.
 */
export function openLane(server: Server, routes: ReadonlyMap<string, HotHandler>): Lane {
  const connections = new Set<LaneConnection>();
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  const host: LaneHost = {
    routes,
    handOver(socket) {
      for (const listener of listeners) listener.call(server, socket);
    },
    onClose: (connection) => void connections.delete(connection),
    keepAliveSeconds: Math.floor(server.keepAliveTimeout / 1_000),
  };
  server.on('connection', (socket: Socket) => void connections.add(new LaneConnection(socket, host)));
  const sweep = setInterval(() => {
    const now = performance.now();
    for (const connection of connections) {
      const quiet = now - connection.quietSince;
      if (connection.isBusy) continue;
      if (connection.isWaiting) {
        if (quiet > REST_MS) connection.leave();
      } else if (quiet > (connection.isUsed ? server.keepAliveTimeout + GRACE_MS : UNUSED_MS)) connection.destroy();
    }
  }, SWEEP_MS).unref();

  return {
    closeIdle() {
      for (const connection of connections) {
        if (connection.isWaiting) connection.leave();
        else if (connection.isUsed && !connection.isBusy) connection.destroy();
      }
    },
    close() {
      clearInterval(sweep);
      for (const connection of connections) connection.destroy();
    },
  };
}
