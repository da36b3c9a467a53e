import { GatewayError } from '../../lib/errors.ts';
import type { HttpClient, HttpExchange } from '../../lib/http-client.ts';
import { createSseParser, type SseEvent } from '../../lib/sse.ts';
import { createAuthorization, refused, type Authorization } from './auth.ts';
import { HttpResponse } from './http-response.ts';
import type { HttpTarget } from './http.ts';
import { createMessagePipe } from './message-pipe.ts';
import type { Connection, ConnectionEvents, OutgoingRequest } from './transport.ts';

/**
 * HTTP+SSE of MCP 2024-11-05 as a client: one GET stream brings everything from the server, and its first event names the
 * address to which every message is POSTed. Resolves when that address is known. The HTTP client is closed with the connection.
 */
export function openSse(
  createClient: () => HttpClient,
  target: HttpTarget,
  events: ConnectionEvents,
  signal: AbortSignal,
): Promise<Connection> {
  if (target.auth === undefined) return open(createClient(), target, events, signal);
  const authorization = createAuthorization(target.auth, () => {});
  return authorization.run(() => open(createClient(), target, events, signal, authorization));
}

async function open(
  client: HttpClient,
  target: HttpTarget,
  events: ConnectionEvents,
  signal: AbortSignal,
  authorization?: Authorization,
): Promise<Connection> {
  const located = Promise.withResolvers<undefined>();
  const poster = createPoster(client, target, authorization);
  const pipe = createMessagePipe({ send: poster.send, events, name: target.url.origin });
  const headers = { ...target.headers, ...authorization?.headers };
  const stream = openStream(client, { ...target, headers }, ({ event, data }) => {
    if (event === 'message') pipe.receive(data);
    else if (event === 'endpoint') {
      poster.locate(data.toString());
      located.resolve(undefined);
    }
  });
  const lost = stream.done.then(
    () => new GatewayError('upstream_lost', `the server ended the stream (${target.url.origin})`),
    (error: unknown) => error as GatewayError,
  );
  let isClosed = false;

  const giveUp = () =>
    stream.abort(new GatewayError('call_cancelled', 'the connection was given up', { cause: signal.reason }));
  if (signal.aborted) giveUp();
  signal.addEventListener('abort', giveUp);
  const failure = await Promise.race([lost, located.promise]);
  signal.removeEventListener('abort', giveUp);
  if (failure !== undefined) {
    await client.close();
    throw failure;
  }
  async function followToItsEnd(): Promise<void> {
    const reason = await lost;
    if (isClosed) return;
    isClosed = true;
    pipe.fail(reason);
    events.onClose(reason);
    await client.close();
  }
  void followToItsEnd();

  return {
    nextId: pipe.nextId,
    request: pipe.request,
    notify: pipe.notify,
    ready: poster.ready,
    async close() {
      isClosed = true;
      const reason = new GatewayError('upstream_lost', 'the connection was closed');
      pipe.fail(reason);
      stream.abort(reason);
      await client.close();
    },
  };
}

function openStream(
  client: HttpClient,
  { url, headers }: HttpTarget,
  onEvent: (event: SseEvent) => void,
): HttpExchange {
  const parser = createSseParser((event) => {
    if (event.data.length > 0) onEvent(event);
  });
  return client.send(
    { method: 'GET', url, headers: [...Object.entries(headers).flat(), 'accept', 'text/event-stream'] },
    {
      onHead(status, { 'content-type': type, 'www-authenticate': challenge }) {
        if (status >= 300)
          throw refusal(status, challenge === undefined ? undefined : String(challenge), `HTTP ${status}`);
        const isStream = String(type).startsWith('text/event-stream');
        if (!isStream)
          throw new GatewayError('upstream_bad_reply', `no event stream (HTTP ${status}, ${String(type)})`);
      },
      onData: (chunk) => parser.push(chunk),
    },
  );
}

interface Poster {
  readonly send: (body: string, outgoing?: OutgoingRequest) => Promise<void>;
  /** Takes the address that the server gave. Only the first counts. */
  readonly locate: (reference: string) => void;
  readonly ready: (protocolVersion: string) => void;
}

/** Sends each message as a POST; the reply to a request comes on the stream. */
function createPoster(client: HttpClient, target: HttpTarget, authorization: Authorization | undefined): Poster {
  const base = ['content-type', 'application/json'];
  let endpoint: URL | undefined;

  async function sendOnce(body: string, outgoing?: OutgoingRequest): Promise<void> {
    if (endpoint === undefined) throw new GatewayError('upstream_unreachable', 'the server named no endpoint yet');
    const own = { ...target.headers, ...authorization?.headers };
    const headers = [...Object.entries(own).flat(), ...base, ...Object.entries(outgoing?.headers ?? {}).flat()];
    const response = new HttpResponse(() => {});
    const exchange = client.send({ method: 'POST', url: endpoint, headers, body }, response);
    // A server that never answers the POST of a cancelled call must not hold on to its socket.
    const giveUp = () => exchange.abort(new GatewayError('call_cancelled', 'the call was cancelled'));
    outgoing?.signal.addEventListener('abort', giveUp);
    await exchange.done.finally(() => outgoing?.signal.removeEventListener('abort', giveUp));
    if (response.status >= 300) throw refusal(response.status, response.challenge, response.describe());
  }

  return {
    send: (body, outgoing) =>
      authorization === undefined ? sendOnce(body, outgoing) : authorization.run(() => sendOnce(body, outgoing)),
    locate(reference) {
      endpoint ??= resolveEndpoint(reference, target.url);
    },
    ready(protocolVersion) {
      base.push('mcp-protocol-version', protocolVersion);
    },
  };
}

function resolveEndpoint(reference: string, url: URL): URL {
  const endpoint = URL.canParse(reference, url.href) ? new URL(reference, url) : undefined;
  // Every message carries the credentials of this server: they must not be led to another one.
  if (endpoint?.origin === url.origin) return endpoint;
  throw new GatewayError('upstream_bad_reply', `the server named an endpoint that is not its own: ${reference}`);
}

function refusal(status: number, challenge: string | undefined, said: string): GatewayError {
  if (status === 401 || status === 403) return refused({ status, challenge }, said);
  return new GatewayError('upstream_bad_reply', said);
}
