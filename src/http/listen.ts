import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import type { Logger } from '../lib/logger.ts';
import { answerPreflight, type CheckOrigin } from './check-origin.ts';
import { pathOf, type HotHandler, type HotRequest, type HotResponse } from './hot.ts';
import { openLane } from './lane/lane.ts';
import { renderError } from './render-error.ts';
import { sendError } from './send-error.ts';
import { createSlowReaders } from './slow-readers.ts';

/** A route on Node's own request and response. */
export type RawHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Takes over the connection of a request for a WebSocket. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** For this process alone, where several workers share their ports (node:cluster). */
  readonly isExclusive?: boolean;
  /** What is called all the time, by exact path. */
  readonly hot?: Readonly<Record<string, HotHandler>>;
  /** By exact path. */
  readonly raw: Readonly<Record<string, RawHandler>>;
  /** Everything else, web-standard. */
  readonly fetch: (request: Request) => Response | Promise<Response>;
  readonly checkOrigin: CheckOrigin;
  /** True from when on clients should go on over another connection: each is told with its next answer. */
  readonly isEnding?: () => boolean;
  /** Hears of every request when it begins. */
  readonly meter?: (request: HotRequest, response: HotResponse, path: string) => void;
  /** Takes the requests to change over to WebSocket, if it `accepts` their path; all others are ordinary requests. */
  readonly upgrade?: { readonly accepts: (path: string) => boolean; readonly handle: UpgradeHandler };
  readonly logger: Logger;
}

export interface Listener {
  /** Such as `http://127.0.0.1:8080`. */
  readonly address: string;
  /** Takes no new connections, lets requests in flight end, and cuts off what is left after the limit. */
  drain(limitMs: number): Promise<void>;
}

/** How long a drain leaves a connection that was opened but not used: its first request may be on the way. */
const UNUSED_MS = 500;

/** Opens the port. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { hot = {}, raw, fetch, checkOrigin, isEnding, meter, upgrade, logger } = options;
  const rawRoutes = new Map<string, RawHandler>([...Object.entries(raw), ...Object.entries(hot)]);
  const hotRoutes = new Map(Object.entries(hot).map(([path, handler]) => [path, laneHandler(path, handler)]));
  const handleFetch = getRequestListener(fetch, { overrideGlobalObjects: false });
  /** Connections that have not sent a request: Node does not count them as idle, so a drain would wait for them. */
  const unused = new Set<Duplex>();
  /** Connections that are WebSockets now: Node counts them as open, but leaves closing them to us. */
  const upgraded = new Set<Duplex>();
  const readers = createSlowReaders();
  let isDraining = false;

  async function handle<Request extends HotRequest, Response extends HotResponse>(
    path: string,
    handler: (request: Request, response: Response) => Promise<void>,
    request: Request,
    response: Response,
  ): Promise<void> {
    unused.delete(request.socket);
    meter?.(request, response, path);
    try {
      checkOrigin(request, response);
      if (isDraining || isEnding?.() === true) response.setHeader('connection', 'close');
      if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined)
        return answerPreflight(response);
      await handler(request, response);
    } catch (error) {
      sendError(response, () => renderError(error, logger), { connection: 'close' });
    }
  }

  function laneHandler(path: string, handler: HotHandler): HotHandler {
    return (request, response) => handle(path, handler, request, response);
  }

  // A client keeps its connection for longer than the usual 5 s, so that it is not closed just when the next call comes.
  const server = createServer(
    {
      keepAliveTimeout: 75_000,
      // How long a head and a whole request may take to come: a caller that is gone may never say so.
      headersTimeout: 60_000,
      requestTimeout: 300_000,
      // Some HTTP clients offer h2c with every request, which must not cost them the answer.
      shouldUpgradeCallback: (request) =>
        upgrade !== undefined && isWebSocket(request) && upgrade.accepts(pathOf(request)),
    },
    (request, response) => {
      const path = pathOf(request);
      void handle(path, rawRoutes.get(path) ?? handleFetch, request, response);
    },
  );
  const lane = openLane(server, hotRoutes);
  server.on('upgrade', (request, socket, head) => {
    unused.delete(socket);
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    socket.on('error', () => socket.destroy());
    if (upgrade === undefined || isDraining) socket.destroy();
    else upgrade.handle(request, socket, head);
  });
  server.on('connection', (socket) => {
    readers.watch(socket);
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  await open(server, options);
  return {
    address: addressOf(server, options.host),
    async drain(limitMs) {
      isDraining = true;
      const closed = new Promise((resolve) => server.close(resolve));
      // A connection becomes idle when its request ends, and a client may keep it open for long after that.
      const sweep = setInterval(() => {
        server.closeIdleConnections();
        lane.closeIdle();
      }, 20);
      const cut = setTimeout(() => unused.forEach((socket) => socket.destroy()), UNUSED_MS);
      await Promise.race([closed, sleep(limitMs, undefined, { ref: false })]);
      clearInterval(sweep);
      clearTimeout(cut);
      server.closeAllConnections();
      lane.close();
      for (const socket of upgraded) socket.destroy();
      await closed;
      readers.close();
    },
  };
}

function isWebSocket({ headers, method }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';
}

function open(server: Server, { host, port, isExclusive = false }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, exclusive: isExclusive }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function addressOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
