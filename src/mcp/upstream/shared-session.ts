import type { ClientSettings } from '../../contract/client-settings.ts';
import type { FailureView } from '../../contract/mcp-client.ts';
import type { CallSignal } from '../../lib/call-signal.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { JsonRpcNotification, Reply } from '../../lib/json-rpc.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Turns } from '../../lib/turns.ts';
import type { Known, McpClient, Offer } from '../../store/mcp-clients.ts';
import { sameTarget } from '../client-config.ts';
import { Link } from './link.ts';
import type { Peer } from './negotiate.ts';
import { isExpired, send, type UpstreamCall } from './send.ts';
import type { Session } from './session.ts';
import type { Verified, Verify } from './verify.ts';
import { createWatch, type Timing, type Watch } from './watch.ts';

export interface SharedSessionDeps {
  readonly verify: Verify;
  readonly timing: Timing;
  readonly settings: () => ClientSettings;
  readonly logger: Logger;
  /** By which servers connect that nobody waits for. */
  readonly turns: Turns;
}

/** The server that the session is with. */
interface Server {
  /** Its record as it is now. */
  readonly client: () => McpClient;
  /** The era that it was found to be of; undefined: it is asked. */
  readonly era: () => Known['era'] | undefined;
  /** It was listed, on the session that serves. */
  readonly onListed: (peer: Peer, offer: Offer) => void;
  readonly onNotification: (notification: JsonRpcNotification) => void;
  /** It answered again, or failed to. */
  readonly onHealth: () => void;
  readonly onLost: () => void;
}

/** The session with a server that all its callers share: kept open by a link and looked after by a watch, each for itself. */
export class SharedSession {
  readonly #deps: SharedSessionDeps;
  readonly #server: Server;
  readonly #link: Link;
  #watch: Watch | undefined;
  #watchedResources: readonly string[] = [];
  /** Nobody shall be connected: what still connects is let go. */
  #isReleased = false;

  constructor(deps: SharedSessionDeps, server: Server) {
    this.#deps = deps;
    this.#server = server;
    this.#link = new Link({
      verify: (record, instead) => deps.verify(record, { era: server.era(), instead }),
      timing: deps.timing,
      turns: deps.turns,
      onOpen: (verified) => this.#onOpen(verified),
      onLost: () => {
        this.#stopWatch();
        server.onLost();
      },
      onFailure: ({ stage, message }) => {
        server.onHealth();
        deps.logger.warn({ client: server.client().name, stage, reason: message }, 'server not reachable');
      },
    });
  }

  /** What the server said about itself; undefined while it is not connected. */
  get peer(): Peer | undefined {
    return this.#link.session?.peer;
  }

  /** What went wrong last; undefined while all is well. */
  get failure(): FailureView | undefined {
    return this.#link.failure;
  }

  /** True when the record itself cannot work. */
  get isUnusable(): boolean {
    return this.#link.isUnusable;
  }

  /** Begins to connect as the record says, in the background. */
  open(): void {
    this.#isReleased = false;
    this.#link.open(this.#server.client());
  }

  /** Serves with a session that was verified. */
  adopt(verified: Verified): void {
    this.#isReleased = false;
    this.#link.adopt(verified);
  }

  /** Resolves when no attempt to connect is under way. */
  settled(): Promise<void> {
    return this.#link.settled();
  }

  /** The session; waits for the attempt to connect that is under way. */
  async get(signal: CallSignal): Promise<Session> {
    if (this.#link.session !== undefined) return this.#link.session;
    const { disabled, name } = this.#server.client();
    if (disabled) throw new GatewayError('wrong_state', `${name} is disabled; enable the client first`);
    return this.#link.ready(signal);
  }

  /** Sends one request. A session that the server forgot is renewed first; nothing ran on it. */
  call(call: UpstreamCall, signal: CallSignal): Promise<Reply> {
    const { session } = this.#link;
    // On the hot path there is nothing to wait for.
    if (session !== undefined) return this.#callOn(session, call, signal);
    return this.get(signal).then((opened) => this.#callOn(opened, call, signal));
  }

  async #callOn(session: Session, call: UpstreamCall, signal: CallSignal): Promise<Reply> {
    try {
      return await send(session, call, signal);
    } catch (error) {
      if (!isExpired(error)) throw error;
      return send(await this.#link.renew(session, this.#server.client(), signal), call, signal);
    }
  }

  /** Replaces the connection by a new one. The old one serves until then, and on if the new one fails. */
  async reconnect(): Promise<void> {
    const asked = this.#server.client();
    const verified = await this.#deps.verify(asked, { era: this.#server.era(), instead: this.#link.process });
    if (!this.#isReleased && sameTarget(asked, this.#server.client())) return this.#link.adopt(verified);
    // Another process has changed or removed the record meanwhile, and that server is not meant any more.
    await verified.session.close();
    await this.settled();
  }

  /** Lists what the server offers now. */
  async refresh(): Promise<void> {
    const { session } = this.#link;
    if (session === undefined) return this.reconnect();
    await this.#list(session, AbortSignal.timeout(this.#deps.timing.listTimeoutMs));
  }

  /** Lists on this session. Of one that serves no more, perhaps as the server is another one now, the answer does not count. */
  async #list(session: Session, signal: AbortSignal): Promise<void> {
    const offer = await session.list(signal);
    if (session === this.#link.session) this.#server.onListed(session.peer, offer);
  }

  /** Keeps the server reporting on these resources, now and on every later session. */
  async watchResources(uris: readonly string[]): Promise<void> {
    const before = new Set(this.#watchedResources);
    this.#watchedResources = uris;
    const { session } = this.#link;
    if (session === undefined) return;
    session.watchResources(uris);
    if (session.peer.era === 'modern') return;
    const signal = AbortSignal.timeout(this.#deps.timing.listTimeoutMs);
    const added = uris
      .filter((uri) => !before.has(uri))
      .map((uri) => session.ask('resources/subscribe', { uri }, signal));
    const left = [...before]
      .filter((uri) => !uris.includes(uri))
      .map((uri) => session.ask('resources/unsubscribe', { uri }, signal));
    await Promise.all([...added, ...left]);
  }

  /** Asks a legacy server to log at a level; a modern one is told with each request. */
  async setLogLevel(level: string): Promise<void> {
    const { session } = this.#link;
    if (session?.peer.era !== 'legacy' || session.peer.capabilities.logging === undefined) return;
    await session.ask('logging/setLevel', { level }, AbortSignal.timeout(this.#deps.timing.listTimeoutMs));
  }

  /** Takes over the intervals as they are now, from the record or from the gateway-wide settings. */
  applySettings(): void {
    this.#watch?.setSyncInterval(this.#syncMinutes());
  }

  /** No new calls; those in flight end well. */
  release(): void {
    this.#isReleased = true;
    this.#stopWatch();
    this.#link.release();
  }

  /** Calls in flight fail; drain before. */
  async close(): Promise<void> {
    this.#isReleased = true;
    this.#stopWatch();
    await this.#link.close();
  }

  #stopWatch(): void {
    this.#watch?.stop();
    this.#watch = undefined;
  }

  #syncMinutes(): number {
    return this.#server.client().tool_sync_interval || this.#deps.settings().mcp_tool_sync_interval || 10;
  }

  #onOpen({ session, offer }: Verified): void {
    const watch = this.#createWatch(session);
    this.#watch?.stop();
    this.#watch = watch;
    const { name } = this.#server.client();
    this.#server.onListed(session.peer, offer);
    this.#deps.logger.info({ client: name, tools: offer.tools.length, era: session.peer.era }, 'connected');
    session.attach({
      onNotification: (notification) => {
        if (notification.method.endsWith('/list_changed')) watch.listChanged();
        else this.#server.onNotification(notification);
      },
      onLost: (reason) => this.#link.lose(session, this.#server.client(), 'transport_lost', reason),
      onReplaced: () => this.#link.follow(session, this.#server.client()),
    });
    const watched = this.#watchedResources;
    this.#watchedResources = [];
    this.watchResources(watched).catch((error: unknown) => this.#link.fail('list_tools', error));
  }

  #createWatch(session: Session): Watch {
    const watch = createWatch({
      timing: this.#deps.timing,
      probe: () => this.#probe(session),
      refresh: () => this.refresh().catch((error: unknown) => this.#link.fail('list_tools', error)),
      onProbeFailed: (error) => this.#link.fail('ping', error),
      onUnhealthy: (error) => this.#link.lose(session, this.#server.client(), 'ping', error),
    });
    watch.setSyncInterval(this.#syncMinutes());
    return watch;
  }

  async #probe(session: Session): Promise<void> {
    const signal = AbortSignal.timeout(this.#deps.timing.probeTimeoutMs);
    try {
      if (this.#server.client().is_ping_available) await session.ping(signal);
      else await this.#list(session, signal);
    } catch (error) {
      if (!isExpired(error)) throw error;
      await this.#link.renew(session, this.#server.client(), signal);
    }
    this.#link.recover();
    this.#server.onHealth();
  }
}
