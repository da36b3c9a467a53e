import type { Connection } from './connection.ts';

/** Connections that wait for a request. */
export interface IdleConnections {
  /** Takes one that may still be used, of several the one used last. */
  take(): Connection | undefined;
  /** Keeps one for so many milliseconds. */
  keep(connection: Connection, time: number): void;
  remove(connection: Connection): void;
  /** Takes all. */
  clear(): Connection[];
}

/** How often it is looked for connections that have been idle for too long; they are not used in between. */
const SWEEP_MS = 500;

/** Creates the list of a client. One timer serves all, and runs only while there are any. */
export function createIdleConnections(): IdleConnections {
  let connections: Connection[] = [];
  let timer: NodeJS.Timeout | undefined;
  let turn = 0;
  let isTurnCounted = false;

  function endTurn(): void {
    turn += 1;
    isTurnCounted = false;
  }

  function sweep(): void {
    const now = performance.now();
    const expired = connections.filter(({ idleUntil }) => idleUntil <= now);
    connections = connections.filter(({ idleUntil }) => idleUntil > now);
    for (const connection of expired) connection.destroy();
    if (connections.length > 0) timer?.refresh();
    else timer = undefined;
  }

  return {
    take() {
      for (;;) {
        const connection = connections.pop();
        if (connection === undefined) return undefined;
        if (connection.isUsable && connection.idleUntil > performance.now()) {
          connection.ref();
          connection.isFresh = connection.freeSince === turn;
          return connection;
        }
        connection.destroy();
      }
    },
    keep(connection, time) {
      connection.idleUntil = performance.now() + time;
      connection.unref();
      connection.freeSince = turn;
      if (!isTurnCounted) {
        isTurnCounted = true;
        setImmediate(endTurn);
      }
      connections.push(connection);
      timer ??= setTimeout(sweep, SWEEP_MS).unref();
    },
    remove(connection) {
      const index = connections.indexOf(connection);
      if (index !== -1) connections.splice(index, 1);
    },
    clear() {
      const all = connections;
      connections = [];
      clearTimeout(timer);
      timer = undefined;
      return all;
    },
  };
}
