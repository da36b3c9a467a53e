import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { Certificates } from './certificates.ts';

/** TLS of a test server: its certificates, and whether it wants one from the client. */
export interface HostTls {
  readonly certificates: Certificates;
  readonly requiresClientCertificate?: boolean;
}

/** A listening server on the loopback that can be stopped and started again on the same port. */
export interface HttpHost {
  readonly origin: string;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

/** Serves the listener on a free loopback port, or a certain one. */
export async function listenOnLoopback(listener: RequestListener, tls?: HostTls, wanted = 0): Promise<HttpHost> {
  let server = await listen(createHost(listener, tls), wanted);
  const { port } = server.address() as AddressInfo;
  const host: HttpHost = {
    origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    async stop() {
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      // Clients in this process learn of the closed sockets in the next turns; without this they would reuse one.
      for (let turn = 0; turn < 5; turn += 1) await setImmediate();
    },
    async restart() {
      await host.stop();
      server = await listen(createHost(listener, tls), port);
    },
  };
  return host;
}

function createHost(listener: RequestListener, tls: HostTls | undefined): Server {
  if (tls === undefined) return createServer(listener);
  const { server, ca } = tls.certificates;
  const demands = tls.requiresClientCertificate === true ? { requestCert: true, rejectUnauthorized: true, ca } : {};
  return createTlsServer({ ...server, ...demands }, listener);
}

async function listen(server: Server, port: number): Promise<Server> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

/** The whole body of a request as text. */
export async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  return body;
}
