import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Serves on a free loopback port and says so on standard output, which is how the bench learns the address. */
export function serve(listener: RequestListener): Server {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  endOnSignal();
  return server;
}

/** Ends in an orderly way on SIGTERM: a CPU profile is written only by a process that leaves by itself. */
export function endOnSignal(): void {
  process.on('SIGTERM', () => process.exit(0));
}

/** Hands over the whole body of a request. A callback, because a promise per request is cost that a bare server has not. */
export function readBody(request: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const [only] = chunks;
    done(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
  });
}
