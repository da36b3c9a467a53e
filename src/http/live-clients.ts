import type { WebSocket } from 'ws';

export interface LiveTiming {
  /** Between two signs of life that a client must give. */
  readonly pingMs: number;
  /** How long a client may take nothing of what it is sent. */
  readonly stallMs: number;
  /** How much may wait for a client. */
  readonly maxWaitingBytes: number;
}

export const LIVE_TIMING: LiveTiming = { pingMs: 30_000, stallMs: 10_000, maxWaitingBytes: 1 << 20 };

interface Client {
  readonly socket: WebSocket;
  readonly principal: string;
  isAlive: boolean;
  /** Messages that the system has not taken yet, and since when it has taken none. */
  waiting: number;
  stalledSince: number;
}

/** How long a client may take to say goodbye. */
const GOODBYE_MS = 1_000;
const GOING_AWAY = 1001;
const POLICY = 1008;

/** Those who listen to the live feed. One that is too slow is dropped: what waits for it would fill our memory. */
export function createLiveClients({ pingMs, stallMs, maxWaitingBytes }: LiveTiming, onEmpty: () => void) {
  const clients = new Set<Client>();
  let timers: NodeJS.Timeout[] = [];

  function drop(client: Client): void {
    client.socket.terminate();
    remove(client);
  }

  function remove(client: Client): void {
    if (!clients.delete(client) || clients.size > 0) return;
    for (const timer of timers) clearInterval(timer);
    timers = [];
    onEmpty();
  }

  function ping(): void {
    for (const client of clients) {
      if (!client.isAlive) drop(client);
      else {
        client.isAlive = false;
        client.socket.ping();
      }
    }
  }

  function dropStalled(): void {
    const limit = performance.now() - stallMs;
    for (const client of clients) if (client.waiting > 0 && client.stalledSince < limit) drop(client);
  }

  function send(client: Client, text: string): void {
    const { socket } = client;
    if (socket.bufferedAmount > maxWaitingBytes) return drop(client);
    if ((client.waiting += 1) === 1) client.stalledSince = performance.now();
    socket.send(text, () => {
      client.waiting -= 1;
      client.stalledSince = performance.now();
    });
  }

  return {
    add(socket: WebSocket, principal: string): void {
      const client: Client = { socket, principal, isAlive: true, waiting: 0, stalledSince: 0 };
      if (clients.size === 0) {
        timers = [setInterval(ping, pingMs).unref(), setInterval(dropStalled, stallMs / 4).unref()];
      }
      clients.add(client);
      socket.on('pong', () => (client.isAlive = true));
      socket.on('close', () => remove(client));
      socket.on('error', () => drop(client));
    },
    send(text: string): void {
      for (const client of clients) send(client, text);
    },
    /** Ends the connections of a caller whose rights may have changed. */
    dismiss(isMeant: (principal: string) => boolean): void {
      for (const { socket, principal } of clients) if (isMeant(principal)) socket.close(POLICY, 'sign in again');
    },
    /** Says goodbye to all. */
    close(): void {
      for (const client of clients) {
        client.socket.close(GOING_AWAY, 'the gateway is shutting down');
        setTimeout(() => drop(client), GOODBYE_MS).unref();
      }
    },
    get size() {
      return clients.size;
    },
  };
}
