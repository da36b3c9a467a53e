import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildConnector, type Dispatcher } from 'undici';
import type { Certificates } from './certificates.ts';

/** What a peer does after a request: a text to send, each letter a byte, or `END` or `RESET` of the connection. */
export type Step = string;

/** Answers each request of a connection, from the first on; the last answer is that to all further ones. */
export type Script = readonly (readonly Step[])[];

/** A server on the loopback that sends bytes as they are written in a script. */
export interface ScriptedPeer {
  readonly origin: string;
  /** The requests of each connection, as they came. */
  readonly connections: string[][];
  readonly sockets: Socket[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** What became of a request. */
export interface Outcome {
  status?: number;
  reason?: string | undefined;
  headers?: unknown;
  body: string;
  trailers?: unknown;
  error?: string;
}

/** Connects to whatever it is told, with the certificates of the tests. */
export function connector(ca?: string): buildConnector.connector {
  return buildConnector({ timeout: 5_000, allowH2: false, ...(ca === undefined ? {} : { ca }) });
}

/** Serves a script on a free port. Each step is a packet of its own. */
export async function listenScripted(script: Script, tls?: Certificates): Promise<ScriptedPeer> {
  const connections: string[][] = [];
  const sockets: Socket[] = [];
  const serve = (socket: Socket): void => {
    const requests: string[] = [];
    connections.push(requests);
    sockets.push(socket);
    socket.setNoDelay(true).on('error', () => undefined);
    let seen = '';
    socket.on('data', (bytes: Buffer) => {
      seen += bytes.toString('latin1');
      for (let end = endOf(seen); end !== -1; end = endOf(seen)) {
        requests.push(seen.slice(0, end));
        seen = seen.slice(end);
        void play(socket, script[Math.min(requests.length, script.length) - 1] ?? []);
      }
    });
  };
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls.server, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    connections,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function play(socket: Socket, steps: readonly Step[]): Promise<void> {
  for (const [index, step] of steps.entries()) {
    if (index > 0) await sleep(4);
    if (step === 'END') socket.end();
    else if (step === 'RESET') socket.resetAndDestroy();
    else socket.write(step, 'latin1');
  }
}

/** Where the first request ends; -1 while it is not complete. */
function endOf(text: string): number {
  const head = text.indexOf('\r\n\r\n');
  if (head === -1) return -1;
  const length = Number(/^content-length: (\d+)$/im.exec(text.slice(0, head))?.[1] ?? 0);
  return text.length < head + 4 + length ? -1 : head + 4 + length;
}

type Options = Partial<Dispatcher.DispatchOptions>;

/** Sends one request and says what became of it. `steer` may do more with the exchange. */
export function ask(
  dispatcher: Dispatcher,
  options: Options = {},
  steer: Dispatcher.DispatchHandler = {},
): Promise<Outcome> {
  const outcome: Outcome = { body: '' };
  return new Promise((resolve) => {
    dispatcher.dispatch(
      { path: '/', method: 'POST', body: '{}', ...options },
      {
        onRequestStart(controller, context) {
          steer.onRequestStart?.(controller, context);
        },
        onResponseStart(controller, status, headers, reason) {
          Object.assign(outcome, { status, headers, reason });
          steer.onResponseStart?.(controller, status, headers, reason);
        },
        onResponseData(controller, chunk) {
          outcome.body += chunk.toString('latin1');
          steer.onResponseData?.(controller, chunk);
        },
        onResponseEnd(controller, trailers) {
          outcome.trailers = trailers;
          steer.onResponseEnd?.(controller, trailers);
          resolve(outcome);
        },
        onResponseError(controller, error) {
          outcome.error = nameOf(error);
          steer.onResponseError?.(controller, error);
          resolve(outcome);
        },
      },
    );
  });
}

function nameOf(error: NodeJS.ErrnoException): string {
  // What the parser says is told by its class; its codes name the place in llhttp where it gave up.
  if (error.name === 'HTTPParserError') return error.name;
  return error.code === 'UND_ERR_SOCKET' ? `${error.code} ${error.message}` : (error.code ?? error.message);
}
