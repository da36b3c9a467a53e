import type { ClientSettings } from '../../contract/config.ts';
import type { ClientState, FailureView } from '../../contract/mcp-client.ts';
import type { CallSignal } from '../../lib/call-signal.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { JsonRpcNotification, Reply } from '../../lib/json-rpc.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Turns } from '../../lib/turns.ts';
import type { Known, McpClient, Offer } from '../../store/mcp-clients.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import { isMoved, isPerUser, sameTarget } from '../client-config.ts';
import type { Credentials, OwnAuth } from '../credentials.ts';
import { isOrphaned } from '../personal/access.ts';
import { isExpired, send, type UpstreamCall } from './send.ts';
import { DedicatedSessions } from './dedicated.ts';
import { Link } from './link.ts';
import { createHealthHistory } from './health-history.ts';
import { EMPTY_OFFER, keepSame, sameOffer } from './offer.ts';
import type { Peer } from './negotiate.ts';
import { OwnSessions } from './own-sessions.ts';
import { OffersByProfile } from './offers-by-profile.ts';
import { createToolFilter } from './param-headers.ts';
import type { Profile } from '../profile.ts';
import type { Grants, Registration } from '../registration.ts';
import type { Session } from './session.ts';
import type { OpenSession, Verified, Verify } from './verify.ts';
import { createWatch, type Timing, type Watch } from './watch.ts';

export interface UpstreamDeps {
  readonly verify: Verify;
  /** Opens a session beside the shared one. */
  readonly openSession: OpenSession;
  readonly credentials: Pick<Credentials, 'obstacle'>;
  readonly timing: Timing;
  readonly settings: () => ClientSettings;
  readonly logger: Logger;
  /** By which servers connect that nobody waits for. */
  readonly turns: Turns;
  /** The offer, state or settings of this server are other than before. */
  readonly onChange: () => void;
  /** What the server says outside of any request: log lines, updated resources. */
  readonly onNotification: (upstream: Upstream, notification: JsonRpcNotification) => void;
  /** Keeps what is known of the server for the next start. */
  readonly saveKnown: (clientId: string, known: Known) => void;
}

/** A server that was found to be of the older era is asked again when it is next connected after this time. */
const VERDICT_MS = 24 * 60 * 60_000;

/** One registered server while the gateway runs: its record, the link to it, its last known offer, and the calls. */
export class Upstream {
  /** Sessions that speak for one caller; see there. */
  readonly dedicated: DedicatedSessions;
  /** Where it stood so far. */
  readonly health = createHealthHistory();
  /** What a legacy server offers to clients that it can ask something. */
  readonly special: OffersByProfile;
  readonly #deps: UpstreamDeps;
  readonly #own: OwnSessions;
  readonly #link: Link;
  readonly #withoutInvalid: (offer: Offer) => Offer;
  #client: McpClient;
  #grants: Grants;
  #known: Known | undefined;
  #watch: Watch | undefined;
  #watchedResources: readonly string[] = [];
  /** Removed, disabled or at its end: what still connects is let go. */
  #isRetired = false;

  constructor({ client, grants }: Registration, known: Known | undefined, deps: UpstreamDeps) {
    this.#client = client;
    this.#grants = grants;
    this.#known = known;
    this.#deps = deps;
    this.dedicated = new DedicatedSessions(async ({ capabilities }, own) =>
      deps.openSession(this.#placeFor(own), { era: 'legacy', capabilities, auth: own?.auth }),
    );
    this.#own = new OwnSessions(async (own) =>
      deps.openSession(this.#placeFor(own), { era: this.#era, capabilities: {}, auth: own.auth }),
    );
    this.special = new OffersByProfile({
      open: ({ capabilities }) => deps.openSession(this.#client, { era: 'legacy', capabilities }),
      listTimeoutMs: deps.timing.listTimeoutMs,
      onChange: deps.onChange,
    });
    this.#withoutInvalid = createToolFilter((tool, reason) =>
      deps.logger.warn({ client: this.#client.name, tool, reason }, 'tool left out: its definition is invalid'),
    );
    this.#link = new Link({
      verify: (record, instead) => deps.verify(record, { era: this.#era, instead }),
      timing: deps.timing,
      turns: deps.turns,
      onOpen: (verified) => this.#onOpen(verified),
      onLost: () => this.#onLost(),
      onFailure: ({ stage, message }) => {
        this.#noteHealth();
        deps.logger.warn({ client: this.#client.name, stage, reason: message }, 'server not reachable');
      },
    });
  }

  get client(): McpClient {
    return this.#client;
  }

  get grants(): Grants {
    return this.#grants;
  }

  /** What the server offered when it was last listed, which may be older than the connection. */
  get offer(): Offer {
    return this.#known?.offer ?? EMPTY_OFFER;
  }

  /** What the server offers to clients with a profile: the special offer once it is known, else the common one. */
  offerFor(profile: Profile | undefined): Offer {
    return (profile && this.special.get(profile)) ?? this.offer;
  }

  /** False while it is not known what the server offers to clients with this profile, and that may be special. */
  hasLearned(profile: Profile): boolean {
    return this.#link.session?.peer.era !== 'legacy' || this.special.isLearned(profile);
  }

  /** Finds out what the server offers to clients with this profile, if that is not known and may be special. */
  async learn(profile: Profile): Promise<void> {
    if (this.#link.session?.peer.era === 'legacy') await this.special.learn(profile);
  }

  /** What the server said about itself; undefined while it is not connected. */
  get peer(): Peer | undefined {
    return this.#link.session?.peer;
  }

  get lastFailure(): FailureView | undefined {
    return this.#link.failure;
  }

  get state(): ClientState {
    if (this.#client.disabled) return 'disabled';
    const obstacle = this.#deps.credentials.obstacle(this.#client);
    if (obstacle !== undefined) return obstacle;
    // Nobody is connected all the time to a server that knows each caller.
    if (isPerUser(this.#client)) return this.#known === undefined ? 'pending_verification' : 'connected';
    if (this.#link.session !== undefined) return 'connected';
    return this.#link.isUnusable ? 'error' : 'disconnected';
  }

  /** Begins to connect, in the background. */
  start(): void {
    const isBarred = this.#client.disabled || this.#deps.credentials.obstacle(this.#client) !== undefined;
    if (!isBarred && !isPerUser(this.#client)) this.#link.open(this.#client);
    this.#noteHealth();
  }

  /** The credential has changed: tries again at once what failed with the former one. */
  wake(): void {
    if (this.#link.session === undefined) this.start();
    this.#noteHealth();
    this.#deps.onChange();
  }

  /** Resolves when no attempt to connect is under way. */
  settled(): Promise<void> {
    return this.#link.settled();
  }

  /** Takes over a changed record, and the session that was verified for it, if its connection changed. */
  apply({ client, grants }: Registration, verified?: Verified): void {
    const before = this.#client;
    this.#client = client;
    this.#grants = grants;
    this.#isRetired = false;
    if (!sameTarget(before, client)) {
      this.#own.endAll();
      this.dedicated.endAll();
      this.special.clear();
    }
    // What it offers there is not known until somebody has shown it.
    if (isPerUser(client) && isMoved(before, client)) this.#known = undefined;
    this.endOwn(({ holder }) => isOrphaned(this, holder));
    if (client.disabled) {
      void verified?.session.close();
      this.retire();
    } else if (isPerUser(client)) {
      if (verified !== undefined) this.adoptOffer(verified);
      this.#link.release();
    } else if (verified !== undefined) this.#link.adopt(verified);
    else if (before.disabled || !sameTarget(before, client)) this.#link.open(client);
    this.applySettings();
    this.#noteHealth();
    this.#deps.onChange();
  }

  /** Takes over who may call what. */
  grant(grants: Grants): void {
    this.#grants = grants;
  }

  /** Takes over what one virtual key may call; undefined: it has no row. */
  grantTo(virtualKey: string, tools: readonly string[] | undefined): void {
    if (tools === undefined && !this.#grants.has(virtualKey)) return;
    const grants = new Map(this.#grants);
    if (tools === undefined) grants.delete(virtualKey);
    else grants.set(virtualKey, tools);
    this.#grants = grants;
  }

  /** Takes over the intervals as they are now, from the record or from the gateway-wide settings. */
  applySettings(): void {
    this.#watch?.setSyncInterval(this.#syncMinutes());
  }

  /** The shared session; waits for the attempt to connect that is under way. */
  async session(signal: CallSignal): Promise<Session> {
    if (this.#link.session !== undefined) return this.#link.session;
    if (this.#client.disabled)
      throw new GatewayError('wrong_state', `${this.#client.name} is disabled; enable the client first`);
    return this.#link.ready(signal);
  }

  /** The session with a caller's own credential. */
  ownSession(own: OwnAuth): Promise<Session> {
    return this.#own.get(own);
  }

  /** These credentials are used no more, or not as they were. */
  endOwn(which: (own: OwnAuth) => boolean): void {
    this.#own.end(which);
    this.dedicated.endOwn(which);
  }

  /** What another process found out about a server to which nobody is connected all the time. */
  learnOffer(known: Known): void {
    if (known.found_at <= (this.#known?.found_at ?? 0)) return;
    const isBound = known.era === 'modern' && this.#client.connection_type === 'http';
    this.#known = isBound ? { ...known, offer: this.#withoutInvalid(known.offer) } : known;
    this.#noteHealth();
    this.#deps.onChange();
  }

  /** Takes over what a server offers from a session that was verified for that alone. */
  adoptOffer({ session, offer }: Verified): void {
    this.#take(session.peer, offer);
    void session.close();
  }

  /**
   * Sends one request, on the session with the caller's own credential if there is one, else on the shared session. One that the
   * server forgot is renewed first; nothing ran on it.
   */
  call(call: UpstreamCall, signal: CallSignal, own?: OwnAuth): Promise<Reply> {
    if (own !== undefined) return this.#callOwn(call, signal, own);
    const { session } = this.#link;
    // On the hot path there is nothing to wait for.
    if (session !== undefined) return this.#callOn(session, call, signal);
    return this.session(signal).then((opened) => this.#callOn(opened, call, signal));
  }

  async #callOn(session: Session, call: UpstreamCall, signal: CallSignal): Promise<Reply> {
    try {
      return await send(session, call, signal);
    } catch (error) {
      if (!isExpired(error)) throw error;
      return send(await this.#link.renew(session, this.#client, signal), call, signal);
    }
  }

  /** A credential that was being got while the server was moved is for the old place; nothing ran with it. */
  #placeFor(own: OwnAuth | undefined): McpClient {
    if (own === undefined || !isMoved(own.client, this.#client)) return this.#client;
    throw new GatewayError('upstream_session_expired', 'the server was moved to another address meanwhile');
  }

  async #callOwn(call: UpstreamCall, signal: CallSignal, own: OwnAuth): Promise<Reply> {
    const session = await unlessAborted(this.#own.get(own), signal);
    try {
      return await send(session, call, signal);
    } catch (error) {
      if (!isExpired(error)) throw error;
      return send(await unlessAborted(this.#own.renew(own, session), signal), call, signal);
    }
  }

  /** Replaces the connection by a new one. The old one serves until then, and on if the new one fails. */
  async reconnect(): Promise<void> {
    const asked = this.#client;
    const verified = await this.#deps.verify(asked, { era: this.#era, instead: this.#link.process });
    if (!this.#isRetired && sameTarget(asked, this.#client)) return this.#link.adopt(verified);
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
    if (session === this.#link.session) this.#take(session.peer, offer);
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

  /** No new calls; those in flight end well. */
  retire(): void {
    this.#isRetired = true;
    this.#watch?.stop();
    this.#watch = undefined;
    this.#own.endAll();
    this.dedicated.endAll();
    this.#link.release();
  }

  /** Closes everything. Calls in flight fail; drain before. */
  async stop(): Promise<void> {
    this.#isRetired = true;
    this.#watch?.stop();
    await Promise.all([this.#own.closeAll(), this.dedicated.closeAll(), this.#link.close()]);
  }

  get #era(): Known['era'] | undefined {
    const isFresh = this.#known !== undefined && Date.now() - this.#known.found_at < VERDICT_MS;
    return isFresh ? this.#known?.era : undefined;
  }

  #syncMinutes(): number {
    return this.#client.tool_sync_interval || this.#deps.settings().mcp_tool_sync_interval || 10;
  }

  #onOpen({ session, offer }: Verified): void {
    const watch = this.#createWatch(session);
    this.#watch?.stop();
    this.#watch = watch;
    this.#take(session.peer, offer);
    this.#deps.logger.info(
      { client: this.#client.name, tools: offer.tools.length, era: session.peer.era },
      'connected',
    );
    session.attach({
      onNotification: (notification) => {
        if (notification.method.endsWith('/list_changed')) watch.listChanged();
        else this.#deps.onNotification(this, notification);
      },
      onLost: (reason) => this.#link.lose(session, this.#client, 'transport_lost', reason),
      onReplaced: () => this.#link.follow(session, this.#client),
    });
    const watched = this.#watchedResources;
    this.#watchedResources = [];
    this.watchResources(watched).catch((error: unknown) => this.#link.fail('list_tools', error));
  }

  #noteHealth(): void {
    this.health.note(this.state, this.lastFailure);
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
      refresh: () => this.refresh().catch((error: unknown) => this.#link.fail('list_tools', error)),
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
      else await this.#list(session, signal);
    } catch (error) {
      if (!isExpired(error)) throw error;
      await this.#link.renew(session, this.#client, signal);
    }
    this.#link.recover();
    this.#noteHealth();
  }

  #take({ era }: Peer, listed: Offer): void {
    const isBound = era === 'modern' && this.#client.connection_type === 'http';
    const offer = isBound ? this.#withoutInvalid(listed) : listed;
    const isSame = this.#era === era && sameOffer(offer, this.offer);
    if (!isSame) {
      this.#known = { offer: keepSame(offer, this.offer), era, found_at: Date.now() };
      this.#deps.saveKnown(this.#client.client_id, this.#known);
      this.special.refresh();
    }
    this.#noteHealth();
    if (isSame) return;
    this.#deps.onChange();
  }
}
