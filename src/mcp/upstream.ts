import type { ClientSettings } from '../contract/config.ts';
import type { ClientState, FailureView } from '../contract/mcp-client.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { JsonRpcNotification, Reply } from '../lib/json-rpc.ts';
import type { Logger } from '../lib/logger.ts';
import type { McpClient, Tool } from '../store/mcp-clients.ts';
import { sameTarget } from './client-config.ts';
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

/** A session that lives this long was no fluke; the next loss is repaired at once. */
const SETTLED_MS = 60_000;

/**
 * One registered server while the gateway runs: keeps a verified session, replaces it without losing a call, repairs it when it
 * is lost, and remembers the last known tools meanwhile.
 */
export class Upstream {
  readonly #deps: UpstreamDeps;
  #client: McpClient;
  #tools: readonly Tool[];
  #session: Session | undefined;
  #watch: Watch | undefined;
  #failure: FailureView | undefined;
  #isUnusable = false;
  /** The attempt to connect that is under way, and its number; a result of an older number is thrown away. */
  #opening: Promise<void> | undefined;
  #generation = 0;
  #retry: NodeJS.Timeout | undefined;
  #attempts = 0;
  #openedAt = 0;

  constructor(client: McpClient, tools: readonly Tool[], deps: UpstreamDeps) {
    this.#client = client;
    this.#tools = tools;
    this.#deps = deps;
  }

  get client(): McpClient {
    return this.#client;
  }

  /** The tools of the last listing, which may be older than the connection. */
  get tools(): readonly Tool[] {
    return this.#tools;
  }

  get lastFailure(): FailureView | undefined {
    return this.#failure;
  }

  get state(): ClientState {
    if (this.#client.disabled) return 'disabled';
    if (this.#session !== undefined) return 'connected';
    return this.#isUnusable ? 'error' : 'disconnected';
  }

  /** Begins to connect, in the background. */
  start(): void {
    if (!this.#client.disabled) this.#open();
  }

  /** Resolves when no attempt to connect is under way. */
  async settled(): Promise<void> {
    await this.#opening;
  }

  /** Takes over a changed record, and the session that was verified for it, if its connection changed. */
  apply(client: McpClient, verified?: Verified): void {
    const before = this.#client;
    this.#client = client;
    if (client.disabled) {
      void verified?.session.close();
      this.#release();
    } else if (verified !== undefined) this.#adopt(verified);
    else if (before.disabled || !sameTarget(before, client)) this.#open();
    this.#watch?.setSyncInterval(this.#syncMinutes());
    this.#deps.onChange();
  }

  /** Gateway-wide settings changed. */
  applySettings(): void {
    this.#watch?.setSyncInterval(this.#syncMinutes());
  }

  /** Sends one request and hands back the reply. A session that the server forgot is renewed first; nothing ran on it. */
  async call(call: UpstreamCall, signal: AbortSignal): Promise<Reply> {
    const session = this.#session ?? (await this.#ready(signal));
    try {
      return await send(session, call, signal);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'upstream_session_expired') throw error;
      return send(await this.#renew(session, signal), call, signal);
    }
  }

  /** Replaces the connection by a new one. The old one serves until then, and on if the new one fails. */
  async reconnect(): Promise<void> {
    const verified = await this.#deps.verify(this.#client);
    if (this.#client.disabled) return verified.session.close();
    this.#adopt(verified);
  }

  /** Lists the tools now. */
  async refreshTools(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return this.reconnect();
    const tools = await session.listTools(AbortSignal.timeout(this.#deps.timing.listTimeoutMs));
    if (session === this.#session) this.#takeTools(tools);
  }

  /** The registration is gone: no new calls; those in flight end well. */
  retire(): void {
    this.#release();
  }

  /** Closes everything. Calls in flight fail; drain before. */
  async stop(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#release();
    await session?.close();
  }

  #syncMinutes(): number {
    return this.#client.tool_sync_interval || this.#deps.settings().mcp_tool_sync_interval || 10;
  }

  /** Lets go of the session: calls in flight end well, new ones find none. */
  #release(): void {
    this.#generation += 1;
    this.#opening = undefined;
    clearTimeout(this.#retry);
    this.#watch?.stop();
    this.#watch = undefined;
    this.#session?.retire();
    this.#session = undefined;
    this.#failure = undefined;
  }

  /** Connects with the record of now. A session that serves goes on until the new one is verified. */
  #open(): void {
    clearTimeout(this.#retry);
    this.#generation += 1;
    this.#opening = this.#attempt(this.#generation);
  }

  async #attempt(generation: number): Promise<void> {
    try {
      const verified = await this.#deps.verify(this.#client);
      if (generation === this.#generation) this.#adopt(verified);
      else await verified.session.close();
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#opening = undefined;
      this.#isUnusable = error instanceof GatewayError && error.code === 'invalid_request';
      this.#fail(stageOf(error), error);
      this.#retry = setTimeout(() => this.#open(), this.#deps.timing.backOff(this.#attempts)).unref();
      this.#attempts += 1;
    }
  }

  #adopt({ session, tools }: Verified): void {
    const before = this.#session;
    clearTimeout(this.#retry);
    this.#generation += 1;
    this.#opening = undefined;
    this.#isUnusable = false;
    this.#failure = undefined;
    this.#openedAt = Date.now();
    this.#watch?.stop();
    const watch = this.#createWatch(session);
    this.#watch = watch;
    this.#session = session;
    before?.retire();
    this.#takeTools(tools);
    session.attach({
      onToolsChanged: () => watch.toolsChanged(),
      onLost: (reason) => this.#lose(session, 'transport_lost', reason),
    });
    this.#deps.logger.info({ client: this.#client.name, tools: tools.length }, 'connected');
  }

  #createWatch(session: Session): Watch {
    const { timing } = this.#deps;
    const watch = createWatch({
      timing,
      probe: () => this.#probe(session),
      refreshTools: () => this.refreshTools().catch((error: unknown) => this.#fail('list_tools', error)),
      onProbeFailed: (error) => this.#fail('ping', error),
      onUnhealthy: (error) => this.#lose(session, 'ping', error),
    });
    watch.setSyncInterval(this.#syncMinutes());
    return watch;
  }

  async #probe(session: Session): Promise<void> {
    const signal = AbortSignal.timeout(this.#deps.timing.probeTimeoutMs);
    try {
      if (this.#client.is_ping_available) await session.ping(signal);
      else this.#takeTools(await session.listTools(signal));
      this.#failure = undefined;
      if (Date.now() - this.#openedAt > SETTLED_MS) this.#attempts = 0;
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'upstream_session_expired') throw error;
      if (session === this.#session && this.#opening === undefined) this.#open();
    }
  }

  #lose(session: Session, stage: FailureView['stage'], reason: unknown): void {
    if (session !== this.#session) return;
    this.#watch?.stop();
    this.#watch = undefined;
    this.#session = undefined;
    session.retire();
    this.#fail(stage, reason);
    if (Date.now() - this.#openedAt > SETTLED_MS) this.#attempts = 0;
    this.#attempts += 1;
    // The first repair comes at once; a server that dies again and again is left alone for longer each time.
    if (this.#attempts === 1) this.#open();
    else this.#retry = setTimeout(() => this.#open(), this.#deps.timing.backOff(this.#attempts - 2)).unref();
    this.#deps.onChange();
  }

  #fail(stage: FailureView['stage'], error: unknown): void {
    const at = new Date().toISOString();
    const message = messageOf(error);
    this.#failure = { stage, message, at, since: this.#failure?.since ?? at };
    this.#deps.logger.warn({ client: this.#client.name, stage, reason: message }, 'server not reachable');
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

  /** A session to call on: the one that serves, or the one that is being opened. */
  async #ready(signal: AbortSignal): Promise<Session> {
    if (this.#opening !== undefined) await unlessAborted(this.#opening, signal);
    if (this.#session !== undefined) return this.#session;
    if (this.#client.disabled)
      throw new GatewayError('wrong_state', `${this.#client.name} is disabled; enable the client first`);
    const why = this.#failure === undefined ? 'no connection yet' : this.#failure.message;
    throw new GatewayError('upstream_unreachable', `${this.#client.name} is not connected: ${why}`);
  }

  /** A session other than the expired one; callers that find the same one expired share the attempt. */
  async #renew(expired: Session, signal: AbortSignal): Promise<Session> {
    if (this.#session === expired) {
      if (this.#opening === undefined) this.#open();
      await unlessAborted(this.#opening ?? Promise.resolve(), signal);
    }
    if (this.#session === expired) {
      const why = this.#failure?.message ?? 'no reason given';
      throw new GatewayError(
        'upstream_unreachable',
        `${this.#client.name} forgot its session and cannot be reached again: ${why}`,
      );
    }
    return this.#ready(signal);
  }
}

function send(session: Session, call: UpstreamCall, signal: AbortSignal): Promise<Reply> {
  const id = session.nextId();
  const { method, headers, onNotification } = call;
  return session.request({ id, method, message: call.message(id), headers, signal, onNotification });
}

function stageOf(error: unknown): FailureView['stage'] {
  return error instanceof GatewayError && error.details?.stage === 'list_tools' ? 'list_tools' : 'connect';
}

/** Waits for a promise that never rejects, but no longer than the caller does. */
async function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    const { reason } = signal as { reason: unknown };
    reject(reason instanceof GatewayError ? reason : new GatewayError('call_cancelled', 'the call was cancelled'));
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
