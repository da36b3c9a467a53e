import { GatewayError } from '../lib/errors.ts';
import { scanArray, scanObject } from '../lib/json-scan.ts';
import {
  resultOf,
  writeRequest,
  type JsonObject,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type Reply,
} from '../lib/json-rpc.ts';
import type { Tool } from '../store/mcp-clients.ts';
import { handshake, type Peer } from './negotiate.ts';
import type { Connection, ConnectionEvents, OutgoingRequest } from './transport/transport.ts';

/** Who a session reports to, once somebody has taken it. */
export interface SessionOwner {
  onToolsChanged(): void;
  onLost(reason: GatewayError): void;
}

const MAX_PAGES = 1_000;

/** A connection after the handshake: the unit that is verified, swapped in, drained and closed. */
export class Session implements ConnectionEvents {
  readonly #connection: Connection;
  #peer: Peer | undefined;
  #owner: SessionOwner | undefined;
  #lost: GatewayError | undefined;
  #inFlight = 0;
  #isRetired = false;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Opens a connection and shakes hands. Whatever fails, nothing is left behind. */
  static async open(
    connect: (events: ConnectionEvents) => Promise<Connection>,
    gateway: { name: string; version: string },
    signal: AbortSignal,
  ): Promise<Session> {
    let session: Session | undefined;
    // Events can only come after the connection exists, and then the session does too.
    const relay: ConnectionEvents = {
      onNotification: (notification) => session?.onNotification(notification),
      onRequest: (request) => (session === undefined ? refuse(request) : session.onRequest(request)),
      onClose: (reason) => session?.onClose(reason),
    };
    const connection = await connect(relay);
    session = new Session(connection);
    try {
      session.#peer = await handshake(connection, gateway, signal);
      return session;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** From now on the owner hears of changed tools and of the loss of the connection, also of one that came earlier. */
  attach(owner: SessionOwner): void {
    this.#owner = owner;
    if (this.#lost !== undefined) owner.onLost(this.#lost);
  }

  get peer(): Peer | undefined {
    return this.#peer;
  }

  nextId(): number {
    return this.#connection.nextId();
  }

  async request(request: OutgoingRequest): Promise<Reply> {
    this.#inFlight += 1;
    try {
      return await this.#connection.request(request);
    } finally {
      this.#inFlight -= 1;
      if (this.#isRetired && this.#inFlight === 0) void this.close();
    }
  }

  async ping(signal: AbortSignal): Promise<void> {
    await this.#ask('ping', undefined, signal);
  }

  /** All tools of the server, each with its definition as the server wrote it. */
  async listTools(signal: AbortSignal): Promise<Tool[]> {
    if (this.#peer?.capabilities.tools === undefined) return [];
    const tools: Tool[] = [];
    const cursors = new Set<string>();
    for (let cursor: string | undefined; ;) {
      const reply = await this.#ask('tools/list', cursor === undefined ? undefined : { cursor }, signal);
      cursor = readToolPage(reply.bytes, tools);
      if (cursor === undefined) return uniqueByName(tools);
      if (cursors.has(cursor) || cursors.size >= MAX_PAGES)
        throw new GatewayError('upstream_bad_reply', 'tools/list never ends');
      cursors.add(cursor);
    }
  }

  /** No new calls come; the connection is closed when the last one has ended. */
  retire(): void {
    this.#isRetired = true;
    this.#owner = undefined;
    if (this.#inFlight === 0) void this.close();
  }

  async close(): Promise<void> {
    this.#owner = undefined;
    await this.#connection.close();
  }

  async #ask(method: string, params: JsonObject | undefined, signal: AbortSignal): Promise<Reply> {
    const id = this.nextId();
    const reply = await this.request({ id, method, message: writeRequest(id, method, params), signal });
    if (reply.kind === 'error') resultOf(reply); // throws what the server said
    return reply;
  }

  onNotification(notification: JsonRpcNotification): void {
    if (notification.method === 'notifications/tools/list_changed') this.#owner?.onToolsChanged();
  }

  onRequest(request: JsonRpcRequest): Promise<JsonObject> {
    return request.method === 'ping' ? Promise.resolve({}) : refuse(request);
  }

  onClose(reason: GatewayError): void {
    this.#lost = reason;
    this.#owner?.onLost(reason);
  }
}

function refuse({ method }: JsonRpcRequest): Promise<never> {
  return Promise.reject(new GatewayError('method_not_found', `this client does not support ${method}`));
}

/** Adds the tools of one page and gives the cursor of the next. */
function readToolPage(result: Buffer, tools: Tool[]): string | undefined {
  let cursor: string | undefined;
  let hasTools = false;
  scanObject(result, (key, start, end) => {
    if (key === 'nextCursor') cursor = JSON.parse(result.toString('utf8', start, end)) as string;
    if (key !== 'tools') return;
    hasTools = true;
    scanArray(result, (from, to) => tools.push(readTool(result.toString('utf8', from, to))), start);
  });
  if (!hasTools) throw new GatewayError('upstream_bad_reply', 'tools/list answered without "tools"');
  return typeof cursor === 'string' && cursor !== '' ? cursor : undefined;
}

function readTool(json: string): Tool {
  const { name } = JSON.parse(json) as { name?: unknown };
  if (typeof name !== 'string' || name === '')
    throw new GatewayError('upstream_bad_reply', 'tools/list has a tool without a name');
  return Object.freeze({ name, json });
}

/** A server that lists a name twice gets the first one: calls could not tell them apart. */
function uniqueByName(tools: readonly Tool[]): Tool[] {
  const byName = new Map<string, Tool>();
  for (const tool of tools) if (!byName.has(tool.name)) byName.set(tool.name, tool);
  return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
