import { GatewayError } from '../../lib/errors.ts';
import { resultOf, writeNotification, writeRequest } from '../../lib/json-rpc.ts';
import type { JsonObject, JsonRpcNotification, JsonRpcRequest, Reply } from '../../lib/json-rpc.ts';
import type { Offer } from '../../store/mcp-clients.ts';
import { createListen, type Listen } from './listen.ts';
import { negotiate, type Introduction, type Peer } from './negotiate.ts';
import { listOffer } from './offer.ts';
import { META, MODERN_VERSION, modernHeaders, type Era } from '../revisions.ts';
import type { Connection, ConnectionEvents, OutgoingRequest } from '../transport/transport.ts';

/** Who a session reports to, once somebody has taken it. */
export interface SessionOwner {
  /** What the server says outside of any request of ours: changed lists, updated resources, log lines. */
  onNotification(notification: JsonRpcNotification): void;
  /** What the server asks; only a session that was introduced with capabilities is asked anything but `ping`. */
  onRequest?(request: JsonRpcRequest): Promise<JsonObject>;
  onLost(reason: GatewayError): void;
  /** Others that share the server's process have moved to a newer one. */
  onReplaced?(): void;
}

/** How to open a session. */
export interface SessionPlan {
  readonly connect: (events: ConnectionEvents) => Promise<Connection>;
  readonly era: Era | 'auto';
  readonly introduction: Introduction;
  /** After so long without an answer to the modern question the older one is asked too; undefined: never. */
  readonly silenceMs: number | undefined;
}

/** A connection after the first words: the unit that is verified, swapped in, drained and closed. */
export class Session implements ConnectionEvents {
  readonly peer: Peer;
  readonly #connection: Connection;
  readonly #introduction: Introduction;
  #listen: Listen | undefined;
  #owner: SessionOwner | undefined;
  #lost: GatewayError | undefined;
  readonly #attached = Promise.withResolvers<void>();
  #inFlight = 0;
  #isRetired = false;
  #isReplaced = false;

  private constructor(connection: Connection, peer: Peer, introduction: Introduction) {
    this.#connection = connection;
    this.#introduction = introduction;
    this.peer = peer;
  }

  /** Opens a connection and negotiates. Whatever fails, nothing is left behind. */
  static async open(plan: SessionPlan, signal: AbortSignal): Promise<Session> {
    let isKnown = false;
    const connect = async (events: ConnectionEvents): Promise<Connection> => {
      const connection = await plan.connect(events);
      isKnown = connection.shared?.version !== undefined;
      return connection;
    };
    try {
      return await Session.#open({ ...plan, connect }, signal);
    } catch (error) {
      // A child process may end at a question it does not know; it gets the older one on a fresh connection.
      const isOver = error instanceof GatewayError && error.code === 'upstream_lost' && !isKnown;
      if (plan.era !== 'auto' || plan.silenceMs === undefined || signal.aborted || !isOver) throw error;
      return Session.#open({ ...plan, era: 'legacy' }, signal);
    }
  }

  static async #open({ connect, era, introduction, silenceMs }: SessionPlan, signal: AbortSignal): Promise<Session> {
    let session: Session | undefined;
    let lost: GatewayError | undefined;
    let isReplaced = false;
    const opened = Promise.withResolvers<Session>();
    const relay: ConnectionEvents = {
      // What a server says so early is in the first listing.
      onNotification: (notification) => session?.onNotification(notification),
      onRequest: async (request) => (isPing(request) ? {} : (session ?? (await opened.promise)).onRequest(request)),
      onClose: (reason) => (session === undefined ? (lost = reason) : session.onClose(reason)),
      onReplaced: () => (session === undefined ? (isReplaced = true) : session.onReplaced()),
    };
    const connection = await connect(relay);
    try {
      const peer = await negotiate(connection, { choice: era, introduction, silenceMs }, signal);
      session = new Session(connection, peer, introduction);
      opened.resolve(session);
      if (lost !== undefined) session.onClose(lost);
      if (isReplaced) session.onReplaced();
      return session;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** From now on the owner hears what the server says, and of the loss of the connection, also of one that came earlier. */
  attach(owner: SessionOwner): void {
    this.#owner = owner;
    this.#attached.resolve();
    if (this.#lost !== undefined) return owner.onLost(this.#lost);
    this.#connection.shared?.lead();
    if (this.peer.era === 'modern')
      this.#listen = createListen(this, (notification) => owner.onNotification(notification));
    if (this.#isReplaced) owner.onReplaced?.();
  }

  /** The number of the server's process, where other gateways share it. */
  get sharedProcess(): number | undefined {
    return this.#connection.shared?.number;
  }

  nextId(): number {
    return this.#connection.nextId();
  }

  request(request: OutgoingRequest): Promise<Reply> {
    this.#inFlight += 1;
    const reply = this.#connection.request(request);
    reply.then(this.#settled, this.#settled);
    return reply;
  }

  readonly #settled = (): void => {
    this.#inFlight -= 1;
    if (this.#isRetired && this.#inFlight === 0) void this.close();
  };

  /** A request of the gateway itself; an error of the server is thrown. */
  async ask(method: string, params: JsonObject, signal: AbortSignal): Promise<Reply> {
    const id = this.nextId();
    const reply = await this.request({
      id,
      method,
      message: writeRequest(id, method, this.own(params)),
      headers: this.headers(method),
      signal,
    });
    if (reply.kind === 'error') resultOf(reply);
    return reply;
  }

  notify(method: string, params: JsonObject): Promise<void> {
    return this.#connection.notify(writeNotification(method, params));
  }

  /** A sign of life. */
  async ping(signal: AbortSignal): Promise<void> {
    await this.ask(this.peer.era === 'modern' ? 'server/discover' : 'ping', {}, signal);
  }

  /** Everything the server offers, each item as the server wrote it. */
  list(signal: AbortSignal): Promise<Offer> {
    return listOffer(this, signal);
  }

  /** Params of a request of our own: a modern server must be told who asks. */
  own(params: JsonObject): JsonObject {
    if (this.peer.era === 'legacy') return params;
    const { clientInfo } = this.#introduction;
    const _meta = {
      [META.protocolVersion]: MODERN_VERSION,
      [META.clientInfo]: clientInfo,
      [META.clientCapabilities]: {},
    };
    return { ...params, _meta };
  }

  headers(method: string, name?: string): Record<string, string> | undefined {
    return this.peer.era === 'modern' ? modernHeaders(method, name) : undefined;
  }

  /** Changes which resources a modern server reports on. */
  watchResources(uris: readonly string[]): void {
    this.#listen?.watchResources(uris);
  }

  /** No new calls come; the connection is closed when the last one has ended. */
  retire(): void {
    this.#isRetired = true;
    this.#leave();
    if (this.#inFlight === 0) void this.close();
  }

  async close(): Promise<void> {
    this.#leave();
    await this.#connection.close();
  }

  #leave(): void {
    this.#owner = undefined;
    this.#listen?.close();
  }

  onNotification(notification: JsonRpcNotification): void {
    this.#owner?.onNotification(notification);
  }

  async onRequest(request: JsonRpcRequest): Promise<JsonObject> {
    if (isPing(request)) return {};
    // Servers may ask as soon as the handshake is through, when nobody has taken the session yet.
    if (Object.keys(this.#introduction.capabilities).length > 0) await this.#attached.promise;
    return this.#owner?.onRequest?.(request) ?? refuse(request);
  }

  onClose(reason: GatewayError): void {
    this.#lost = reason;
    this.#listen?.close();
    this.#owner?.onLost(reason);
  }

  onReplaced(): void {
    this.#isReplaced = true;
    this.#owner?.onReplaced?.();
  }
}

function isPing({ method }: JsonRpcRequest): boolean {
  return method === 'ping';
}

function refuse({ method }: JsonRpcRequest): Promise<never> {
  return Promise.reject(new GatewayError('method_not_found', `this client does not support ${method}`));
}
