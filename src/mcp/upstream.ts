import type { ClientSettings } from '../contract/config.ts';
import type { ClientState, FailureView } from '../contract/mcp-client.ts';
import { GatewayError } from '../lib/errors.ts';
import type { JsonRpcNotification, Reply } from '../lib/json-rpc.ts';
import type { Logger } from '../lib/logger.ts';
import type { McpClient, Tool } from '../store/mcp-clients.ts';
import { sameTarget } from './client-config.ts';
import { Link } from './link.ts';
import type { Session } from './session.ts';
import type { Verified, Verify } from './verify.ts';
import { createWatch, type Timing, type Watch } from './watch.ts';

/** One request to a server, written once the connection has chosen its id. */
export interface UpstreamCall {
  readonly method: string;
  readonly message: (id: number) => string;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly onNotification: ((notification: JsonRpcNotification) => void) | undefined;
}

export interface UpstreamDeps {
  readonly verify: Verify;
  readonly timing: Timing;
  readonly settings: () => ClientSettings;
  readonly logger: Logger;
  /** Tools, state or settings of this server are other than before. */
  readonly onChange: () => void;
  /** Keeps a new tool list for the next start. */
  readonly saveTools: (clientId: string, tools: readonly Tool[]) => void;
}

/** One registered server while the gateway runs: its record, the link to it, its last known tools, and the calls. */
export class Upstream {
  readonly #deps: UpstreamDeps;
  readonly #link: Link;
  #client: McpClient;
  #tools: readonly Tool[];
  #watch: Watch | undefined;

  constructor(client: McpClient, tools: readonly Tool[], deps: UpstreamDeps) {
    this.#client = client;
    this.#tools = tools;
    this.#deps = deps;
    this.#link = new Link({
      verify: deps.verify,
      timing: deps.timing,
      onOpen: (verified) => this.#onOpen(verified),
      onLost: () => this.#onLost(),
      onFailure: ({ stage, message }) =>
        deps.logger.warn({ client: this.#client.name, stage, reason: message }, 'server not reachable'),
    });
  }

  get client(): McpClient {
    return this.#client;
  }

  /** The tools of the last listing, which may be older than the connection. */
  get tools(): readonly Tool[] {
    return this.#tools;
  }

  get lastFailure(): FailureView | undefined {
    return this.#link.failure;
  }

  get state(): ClientState {
    if (this.#client.disabled) return 'disabled';
    if (this.#link.session !== undefined) return 'connected';
    return this.#link.isUnusable ? 'error' : 'disconnected';
  }

  /** Begins to connect, in the background. */
  start(): void {
    if (!this.#client.disabled) this.#link.open(this.#client);
  }

  /** Resolves when no attempt to connect is under way. */
  settled(): Promise<void> {
    return this.#link.settled();
  }

  /** Takes over a changed record, and the session that was verified for it, if its connection changed. */
  apply(client: McpClient, verified?: Verified): void {
    const before = this.#client;
    this.#client = client;
    if (client.disabled) {
      void verified?.session.close();
      this.retire();
    } else if (verified !== undefined) this.#link.adopt(verified);
    else if (before.disabled || !sameTarget(before, client)) this.#link.open(client);
    this.applySettings();
    this.#deps.onChange();
  }

  /** Takes over the intervals as they are now, from the record or from the gateway-wide settings. */
  applySettings(): void {
    this.#watch?.setSyncInterval(this.#syncMinutes());
  }

  /** Sends one request and hands back the reply. A session that the server forgot is renewed first; nothing ran on it. */
  async call(call: UpstreamCall, signal: AbortSignal): Promise<Reply> {
    const session = this.#link.session ?? (await this.#ready(signal));
    try {
      return await send(session, call, signal);
    } catch (error) {
      if (!isExpired(error)) throw error;
      return send(await this.#link.renew(session, this.#client, signal), call, signal);
    }
  }

  /** Replaces the connection by a new one. The old one serves until then, and on if the new one fails. */
  async reconnect(): Promise<void> {
    const verified = await this.#deps.verify(this.#client);
    if (this.#client.disabled) await verified.session.close();
    else this.#link.adopt(verified);
  }

  /** Lists the tools now. */
  async refreshTools(): Promise<void> {
    const { session } = this.#link;
    if (session === undefined) return this.reconnect();
    const tools = await session.listTools(AbortSignal.timeout(this.#deps.timing.listTimeoutMs));
    if (session === this.#link.session) this.#takeTools(tools);
  }

  /** No new calls; those in flight end well. */
  retire(): void {
    this.#watch?.stop();
    this.#watch = undefined;
    this.#link.release();
  }

  /** Closes everything. Calls in flight fail; drain before. */
  async stop(): Promise<void> {
    this.#watch?.stop();
    await this.#link.close();
  }

  #syncMinutes(): number {
    return this.#client.tool_sync_interval || this.#deps.settings().mcp_tool_sync_interval || 10;
  }

  async #ready(signal: AbortSignal): Promise<Session> {
    if (this.#client.disabled)
      throw new GatewayError('wrong_state', `${this.#client.name} is disabled; enable the client first`);
    return this.#link.ready(signal);
  }

  #onOpen({ session, tools }: Verified): void {
    const watch = this.#createWatch(session);
    this.#watch?.stop();
    this.#watch = watch;
    this.#takeTools(tools);
    this.#deps.logger.info({ client: this.#client.name, tools: tools.length }, 'connected');
    session.attach({
      onToolsChanged: () => watch.toolsChanged(),
      onLost: (reason) => this.#link.lose(session, this.#client, 'transport_lost', reason),
    });
  }

  #onLost(): void {
    this.#watch?.stop();
    this.#watch = undefined;
    this.#deps.onChange();
  }

  #createWatch(session: Session): Watch {
    const watch = createWatch({
      timing: this.#deps.timing,
      probe: () => this.#probe(session),
      refreshTools: () => this.refreshTools().catch((error: unknown) => this.#link.fail('list_tools', error)),
      onProbeFailed: (error) => this.#link.fail('ping', error),
      onUnhealthy: (error) => this.#link.lose(session, this.#client, 'ping', error),
    });
    watch.setSyncInterval(this.#syncMinutes());
    return watch;
  }

  async #probe(session: Session): Promise<void> {
    const signal = AbortSignal.timeout(this.#deps.timing.probeTimeoutMs);
    try {
      if (this.#client.is_ping_available) await session.ping(signal);
      else this.#takeTools(await session.listTools(signal));
    } catch (error) {
      if (!isExpired(error)) throw error;
      await this.#link.renew(session, this.#client, signal);
    }
    this.#link.recover();
  }

  #takeTools(tools: readonly Tool[]): void {
    const isSame =
      tools.length === this.#tools.length && tools.every((tool, index) => tool.json === this.#tools[index]?.json);
    if (!isSame) {
      this.#tools = tools;
      this.#deps.saveTools(this.#client.client_id, tools);
    }
    this.#deps.onChange();
  }
}

function send(session: Session, call: UpstreamCall, signal: AbortSignal): Promise<Reply> {
  const id = session.nextId();
  const { method, headers, onNotification } = call;
  return session.request({ id, method, message: call.message(id), headers, signal, onNotification });
}

function isExpired(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'upstream_session_expired';
}
