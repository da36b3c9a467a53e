import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenOnLoopback, readBody } from './http-host.ts';

/** One HTTP request that went through a tap. */
export interface TappedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As text, byte for byte. */
  readonly body: string;
}

/** A listening post between a client and a server: it passes everything on and remembers the requests. */
export interface Tap extends AsyncDisposable {
  readonly origin: string;
  readonly requests: readonly TappedRequest[];
  /** The requests with this JSON-RPC method in the body. */
  of(rpcMethod: string): TappedRequest[];
  /** Cuts every connection and listens no more. */
  stop(): Promise<void>;
  restart(): Promise<void>;
}

/** Starts a tap in front of the server at this origin. */
export async function startTap(target: string): Promise<Tap> {
  const requests: TappedRequest[] = [];
  const host = await listenOnLoopback((request, response) => {
    void forward(request, response).catch(() => response.destroy());
  });

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request;
    const body = await readBody(request);
    requests.push({ method, headers, body });
    const onward = httpRequest(`${target}${request.url ?? ''}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
    });
    onward.once('error', () => response.destroy());
    response.once('close', () => onward.destroy());
    onward.end(body);
  }

  return {
    origin: host.origin,
    requests,
    of: (rpcMethod) => requests.filter(({ body }) => body.includes(`"method":"${rpcMethod}"`)),
    stop: () => host.stop(),
    restart: () => host.restart(),
    [Symbol.asyncDispose]: () => host.stop(),
  };
}
