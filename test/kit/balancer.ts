import { Agent, createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** A balancer as there are many: every request goes to the next node, whoever sends it and whatever it is about. */
export interface Balancer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:8080`. */
  readonly address: string;
  /** The nodes from now on, such as `http://127.0.0.1:8081`. */
  use(addresses: readonly string[]): void;
  /** Requests that no node could be given. */
  readonly refused: number;
}

/** Milliseconds between two looks at `/health/ready` of a node. */
const CHECK_MS = 50;

/** Round robin without stickiness, over the nodes that are ready. One that takes no connection is passed over. */
export async function startBalancer(addresses: readonly string[]): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true });
  const unready = new Set<URL>();
  let nodes = addresses.map((address) => new URL(address));
  let next = 0;
  let refused = 0;

  const checks = setInterval(() => {
    for (const node of nodes)
      fetch(new URL('/health/ready', node), { headers: { connection: 'close' } })
        .then((response) => (response.status === 503 ? unready.add(node) : unready.delete(node)))
        .catch(() => unready.add(node));
  }, CHECK_MS);

  function pick(): URL | undefined {
    const ready = nodes.filter((node) => !unready.has(node));
    const from = ready.length > 0 ? ready : nodes;
    next = (next + 1) % Math.max(from.length, 1);
    return from[next];
  }

  function relay(request: IncomingMessage, response: ServerResponse, attemptsLeft = nodes.length): void {
    const node = attemptsLeft > 0 ? pick() : undefined;
    if (node === undefined) {
      refused += 1;
      return void response.writeHead(503).end('no node');
    }
    const { hostname, port } = node;
    const { method, url, headers } = request;
    const outgoing = send({ agent, hostname, port, method, path: url, headers });
    let isConnected = false;
    outgoing.once('socket', (socket) => {
      const begin = (): void => {
        isConnected = true;
        request.pipe(outgoing);
      };
      if (socket.connecting) socket.once('connect', begin);
      else begin();
    });
    outgoing.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
      answer.once('error', () => response.destroy());
      answer.once('aborted', () => response.destroy());
    });
    outgoing.once('error', () => {
      if (!isConnected) relay(request, response, attemptsLeft - 1);
      else if (response.headersSent) response.destroy();
      else response.writeHead(502).end('the node was lost');
    });
    response.once('close', () => outgoing.destroy());
  }

  const server = createServer({ keepAliveTimeout: 75_000, requestTimeout: 0 }, (request, response) =>
    relay(request, response),
  );
  server.on('upgrade', (request, socket, head) => tunnel(request, socket, head, pick()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    use: (list) => void (nodes = list.map((address) => new URL(address))),
    get refused() {
      return refused;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(checks);
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A connection that becomes a WebSocket goes to one node as it is. */
function tunnel(
  { method, url, rawHeaders }: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  node: URL | undefined,
): void {
  if (node === undefined) return void socket.destroy();
  const inner = connect(Number(node.port), node.hostname);
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  inner.write(`${lines.join('\r\n')}\r\n\r\n`);
  inner.write(head);
  socket.pipe(inner).pipe(socket);
  socket.once('error', () => inner.destroy());
  inner.once('error', () => socket.destroy());
}
