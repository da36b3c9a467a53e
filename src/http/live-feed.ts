import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { WsTicket, type LiveMessage } from '../contract/live-feed.ts';
import { principalOfUser } from '../governance/caller.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Sealer } from '../lib/seal.ts';
import type { Changes } from '../store/changes.ts';
import type { CheckOrigin } from './check-origin.ts';
import type { IdentifyManager } from './identify-manager.ts';
import { createLiveClients, LIVE_TIMING, type LiveTiming } from './live-clients.ts';
import { createRowsForPeers, type PeerRows, type RowsForPeers } from './nodes/peer-rows.ts';
import { renderError } from './render-error.ts';
import { route, type Route } from './route.ts';
import { createTickets } from './tickets.ts';

/** Rows of one kind. */
export interface FeedSource {
  readonly type: 'mcp_log' | 'log';
  /** Hears of every row of the ledger; gives the function that ends it. `render` makes the row as the logs API shows it. */
  subscribe(listener: (operation: 'create' | 'update', render: () => unknown) => void): () => void;
}

interface Deps {
  readonly identify: { readonly identifyManagement: IdentifyManager };
  readonly checkOrigin: CheckOrigin;
  /** Of a purpose of its own. */
  readonly sealer: Sealer;
  readonly sources: readonly FeedSource[];
  readonly changes: Pick<Changes, 'subscribe'>;
  /** The rows of other nodes; undefined where there can be none. */
  readonly peers?: PeerRows | undefined;
  readonly logger: Logger;
  readonly timing?: Partial<LiveTiming>;
}

export interface LiveFeed {
  /** What {@link listen} wants for its `upgrade`. */
  readonly upgrade: {
    accepts(path: string): boolean;
    handle(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  };
  readonly routes: readonly Route[];
  /** What other nodes hear of this one. */
  readonly rowsForPeers: RowsForPeers;
  /** Connections now. */
  readonly size: number;
  /** Ends all connections and takes no more. */
  close(): void;
}

const PATHS = new Set(['/ws', '/api/ws', '/ws/logs']);
/** Clients have nothing to say. */
const MAX_INCOMING_BYTES = 1_024;
/** Rows a second that are shown. Nobody reads more, and writing them would take the time of calls. */
const MAX_ROWS = 200;

/** What happens, as it happens, over WebSocket: calls and changed records. Costs nothing while nobody listens. */
export function createLiveFeed(deps: Deps): LiveFeed {
  const { identify, checkOrigin, changes, peers, logger } = deps;
  const tickets = createTickets(deps.sealer);
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_INCOMING_BYTES });
  const clients = createLiveClients({ ...LIVE_TIMING, ...deps.timing }, () => stop());
  const ownRows = (hear: (message: string) => void) => subscribeGated(deps.sources, hear);
  const rowsForPeers = createRowsForPeers(ownRows);
  let subscriptions: (() => void)[] = [];
  let started: Promise<void> | undefined;
  let coming = 0;
  let isClosed = false;

  // Whoever was locked out must not go on listening. Others that are dismissed with them come back at once.
  const unsubscribe = changes.subscribe((table, id) => {
    if (table !== 'api_keys' && table !== 'users') return;
    const revoked = id === '*' ? '*' : table === 'users' ? principalOfUser(id) : `api-key:${id}`;
    tickets.revoke(revoked);
    clients.dismiss((principal) => revoked === '*' || principal === revoked);
  });

  /** When it settles all is heard of that happens from then on, on any node. */
  async function start(): Promise<void> {
    const send = (message: string): void => clients.send(message);
    subscriptions = [
      ownRows(send),
      changes.subscribe((table, id) => {
        send(JSON.stringify({ type: 'config_changed', payload: { table, id } } satisfies LiveMessage));
      }),
    ];
    if (peers !== undefined) subscriptions.push(await peers.follow(send));
  }

  function stop(): void {
    if (clients.size > 0 || coming > 0) return;
    for (const end of subscriptions) end();
    subscriptions = [];
    started = undefined;
  }

  async function principalOf(request: IncomingMessage): Promise<string> {
    if (isClosed) throw new GatewayError('shutting_down', 'the gateway is shutting down');
    checkOrigin(request);
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const ticket = searchParams.get('ticket');
    if (ticket === null) {
      const facts = { method: 'GET', path: pathname, ip: request.socket.remoteAddress, isWebSocket: true };
      return (await identify.identifyManagement(request.headers, 'read', facts)).principal;
    }
    const principal = tickets.redeem(ticket);
    if (principal === undefined) throw new GatewayError('unauthorized', 'the ticket is unknown, too old, or used');
    return principal;
  }

  async function accept(request: IncomingMessage, socket: Duplex, head: Buffer, principal: string): Promise<void> {
    coming += 1;
    await (started ??= start());
    coming -= 1;
    // In the meantime.
    if (isClosed) socket.destroy();
    else server.handleUpgrade(request, socket, head, (connection) => clients.add(connection, principal));
    stop();
  }

  return {
    upgrade: {
      accepts: (path) => PATHS.has(path),
      handle(request, socket, head) {
        principalOf(request).then(
          (principal) => accept(request, socket, head, principal),
          (error: unknown) => refuse(socket, error, logger),
        );
      },
    },
    routes: [
      route({
        method: 'post',
        path: '/api/session/ws-ticket',
        summary: 'Get a ticket for the live feed',
        scope: 'read',
        response: WsTicket,
        // A public route would have no caller; this one always does.
        handle: ({ caller }) => ({ ticket: tickets.issue(caller?.principal ?? '') }),
      }),
    ],
    rowsForPeers,
    get size() {
      return clients.size;
    },
    close() {
      isClosed = true;
      unsubscribe();
      rowsForPeers.close();
      clients.close();
    },
  };
}

/** Tells of the rows of each source, as many as anybody reads. */
function subscribeGated(sources: readonly FeedSource[], hear: (message: string) => void): () => void {
  const ends = sources.map((source) => {
    const gate = createRowGate(source.type, (message) => hear(JSON.stringify(message)));
    return source.subscribe((operation, render) => gate.take(operation, render));
  });
  return () => ends.forEach((end) => end());
}

/** Lets so many rows a second through, and says how many it did not. */
function createRowGate(type: FeedSource['type'], send: (message: LiveMessage) => void) {
  let second = 0;
  let shown = 0;
  let skipped = 0;
  return {
    take(operation: 'create' | 'update', render: () => unknown): void {
      const now = Math.floor(performance.now() / 1_000);
      if (now !== second) {
        if (skipped > 0) send({ type: `${type}_skipped`, payload: { count: skipped } });
        second = now;
        shown = 0;
        skipped = 0;
      }
      if (shown >= MAX_ROWS) return void (skipped += 1);
      shown += 1;
      send({ type, operation, payload: render() });
    },
  };
}

/** Answers a request that stays HTTP. */
function refuse(socket: Duplex, error: unknown, logger: Logger): void {
  const { status, headers, body } = renderError(error, logger);
  const text = JSON.stringify(body);
  const all = { ...headers, connection: 'close', 'content-length': String(Buffer.byteLength(text)) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${text}`);
}
