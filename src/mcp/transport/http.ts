import { GatewayError, messageOf } from '../../lib/errors.ts';
import type { HttpClient, HttpExchange } from '../../lib/http-client.ts';
import { createInFlight } from '../../lib/in-flight.ts';
import { readIncoming, writeNotification, type Incoming, type JsonRpcRequest, type Reply } from '../../lib/json-rpc.ts';
import { abortError } from '../../lib/unless-aborted.ts';
import { MODERN_VERSION } from '../revisions.ts';
import { answerRequest } from './answer-request.ts';
import { createAuthorization, refused, type Auth } from './auth.ts';
import type { StreamSource } from './get-stream.ts';
import { HttpResponse, type StreamPlace } from './http-response.ts';
import { createListenStream } from './listen-stream.ts';
import { resumeStream } from './resume-stream.ts';
import type { Connection, ConnectionEvents, OutgoingRequest } from './transport.ts';

/** Where a Streamable HTTP server lives and what every request to it carries. */
export interface HttpTarget {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A credential that may change while the connection lives. */
  readonly auth?: Auth | undefined;
}

/** How long a server may keep a request's stream open after it has answered. */
const LINGER_MS = 5_000;

/**
 * Streamable HTTP as a client (MCP 2025-03-26 and later, Transports): every message is a POST, the reply comes as JSON or on an
 * event stream; the session id that `initialize` returned goes with every later request.
 */
export function createHttpConnection(client: HttpClient, target: HttpTarget, events: ConnectionEvents): Connection {
  const { url } = target;
  let lastId = 0;
  let session: string | undefined;
  let protocolVersion: string | undefined;
  let isModern = false;
  const authorization = target.auth && createAuthorization(target.auth, () => (head = requestHead()));
  let head = requestHead();
  let closing: Promise<void> | undefined;
  const closed = new AbortController();
  const source: StreamSource = { client, url, headers: () => head, closed: closed.signal };
  const listen = createListenStream(source, take);
  /** The requests that have no reply yet. */
  const waiting = createInFlight<unknown, (reply: Incoming) => void>();

  function requestHead(): readonly string[] {
    const own = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'];
    if (session !== undefined) own.push('mcp-session-id', session);
    if (protocolVersion !== undefined) own.push('mcp-protocol-version', protocolVersion);
    return Object.freeze([...Object.entries({ ...target.headers, ...authorization?.headers }).flat(), ...own]);
  }

  /** What came on a stream that it does not belong to, or belongs to no request of ours. */
  function take(incoming: Incoming): void {
    if (incoming.kind === 'notification') events.onNotification(incoming.message);
    else if (incoming.kind === 'request') void answer(incoming.message);
    // Some servers reply on whichever stream is open, as when one was closed to be resumed.
    else waiting.get(incoming.id)?.(incoming);
  }

  async function answer(request: JsonRpcRequest): Promise<void> {
    const message = await answerRequest(request, events);
    await post(message).catch(() => undefined); // the server will see its own time-out
  }

  function post(body: string): Promise<void> {
    return authorization === undefined ? postOnce(body) : authorization.run(() => postOnce(body));
  }

  async function postOnce(body: string): Promise<void> {
    const response = new HttpResponse(take);
    await client.send({ method: 'POST', url, headers: head, body }, response).done;
    if (response.status >= 400) throw failure(response, session !== undefined);
  }

  function request(outgoing: OutgoingRequest): Promise<Reply> {
    return authorization === undefined ? requestOnce(outgoing) : authorization.run(() => requestOnce(outgoing));
  }

  function headersOf({ headers }: OutgoingRequest): readonly string[] {
    return headers === undefined ? head : [...head, ...Object.entries(headers).flat()];
  }

  function requestOnce(outgoing: OutgoingRequest): Promise<Reply> {
    const { id, signal, message: body } = outgoing;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(abortError(signal));
      let linger: NodeJS.Timeout | undefined;
      const settle = (): void => {
        waiting.take(id);
        signal.removeEventListener('abort', cancel);
      };
      const onMessage = (incoming: Incoming): void => {
        if (incoming.kind === 'reply' && incoming.id === id) {
          settle();
          remember(outgoing, response);
          resolve(incoming.reply);
          linger ??= setTimeout(
            () => exchange.abort(new GatewayError('upstream_lost', 'the stream stayed open')),
            LINGER_MS,
          ).unref();
        } else if (incoming.kind === 'notification' && outgoing.onNotification !== undefined) {
          outgoing.onNotification(incoming.message);
        } else take(incoming);
      };
      const place: StreamPlace = {};
      const response = new HttpResponse(onMessage, place);
      let exchange: Pick<HttpExchange, 'done' | 'abort'> = client.send(
        { method: 'POST', url, headers: headersOf(outgoing), body },
        response,
      );
      const cancel = (): void => {
        exchange.abort(abortError(signal));
        // The modern revision cancels by closing the stream; `initialize` must not be cancelled.
        if (isModern || outgoing.method === 'initialize') return;
        const notice = { requestId: id, reason: messageOf(signal.reason) };
        post(writeNotification('notifications/cancelled', notice)).catch(() => undefined);
      };
      signal.addEventListener('abort', cancel);
      waiting.set(id, onMessage);
      const end = (): void => {
        settle();
        clearTimeout(linger);
      };
      const fail = (error: unknown): void => {
        reject(error);
        end();
      };
      const lose = (error: unknown): void => {
        if (linger !== undefined || signal.aborted || !canResume(error, place)) return fail(error);
        remember(outgoing, response);
        const headers = (): readonly string[] => headersOf(outgoing);
        const isComplete = (): boolean => linger !== undefined;
        exchange = resumeStream({ source: { ...source, headers }, place, onMessage, isComplete });
        exchange.done.then(end, fail);
      };
      // One reaction for both ends: this runs on every call.
      exchange.done.then(() => {
        if (linger !== undefined) return end();
        try {
          resolve(finish(outgoing, response));
          end();
        } catch (error) {
          lose(error);
        }
      }, lose);
    });
  }

  /** A stream that ended, or was cut off, before the reply can be taken up again if the server gave its place an id. */
  function canResume(error: unknown, { lastEventId = '' }: StreamPlace): boolean {
    const isLoss = error instanceof GatewayError && error.code === 'upstream_lost';
    return isLoss && !isModern && lastEventId !== '' && !closed.signal.aborted;
  }

  /** The response is complete. A JSON body is the reply; a stream must have brought it before. */
  function finish(outgoing: OutgoingRequest, response: HttpResponse): Reply {
    if (response.status >= 400 && isRefusal(response, session !== undefined))
      throw failure(response, session !== undefined);
    const body = response.isJson ? response.body : undefined;
    const incoming = body === undefined || body.length === 0 ? undefined : readIncoming(body);
    // An error that the server could not assign to a request is still the answer to this one.
    if (
      incoming?.kind === 'reply' &&
      (incoming.id === outgoing.id || (incoming.id === null && response.status >= 400))
    ) {
      remember(outgoing, response);
      return incoming.reply;
    }
    if (response.status >= 400) throw failure(response, session !== undefined);
    if (response.isStream) throw new GatewayError('upstream_lost', 'the server ended the stream without a reply');
    throw new GatewayError('upstream_bad_reply', `the server sent no reply to the request (${response.describe()})`);
  }

  function remember(outgoing: OutgoingRequest, response: HttpResponse): void {
    if (outgoing.method !== 'initialize' || response.sessionId === undefined) return;
    session = response.sessionId;
    head = requestHead();
  }

  async function close(): Promise<void> {
    closed.abort();
    if (session !== undefined) {
      const goodbye = client.send({ method: 'DELETE', url, headers: head }, new HttpResponse(() => undefined));
      const limit = setTimeout(() => goodbye.abort(new GatewayError('upstream_timeout', 'no answer to DELETE')), 1_000);
      await goodbye.done.catch(() => undefined); // a server that is gone needs no goodbye
      clearTimeout(limit);
    }
    await client.close();
  }

  return {
    nextId: () => (lastId += 1),
    request,
    notify: post,
    ready(version) {
      // The modern revision has neither sessions nor the GET stream, and each request brings its own header.
      isModern = version === MODERN_VERSION;
      if (isModern) return;
      protocolVersion = version;
      head = requestHead();
      listen.open();
    },
    close: () => (closing ??= close()),
  };
}

/** True for what HTTP says of the connection and not of the request, whatever the body is. */
function isRefusal(response: HttpResponse, hadSession: boolean): boolean {
  return response.status === 401 || response.status === 403 || (hadSession && isForgotten(response));
}

/** 404 by the specification; several servers answer 400 and speak of the session, having run nothing. */
function isForgotten(response: HttpResponse): boolean {
  return response.status === 404 || (response.status === 400 && /session/i.test(response.describe()));
}

function failure(response: HttpResponse, hadSession: boolean): GatewayError {
  const said = response.describe();
  const details = { status: response.status };
  if (hadSession && isForgotten(response)) {
    return new GatewayError('upstream_session_expired', `the server forgot the session (${said})`, { details });
  }
  const { status, challenge } = response;
  if (status === 401 || status === 403) return refused({ status, challenge }, said);
  return new GatewayError('upstream_bad_reply', said, { details });
}
