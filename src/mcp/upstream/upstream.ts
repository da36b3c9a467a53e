import type { ClientState, FailureView } from '../../contract/mcp-client.ts';
import type { CallSignal } from '../../lib/call-signal.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { JsonRpcNotification, Reply } from '../../lib/json-rpc.ts';
import type { Known, McpClient, Offer } from '../../store/mcp-clients.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import { isMoved, isPerUser, sameTarget } from '../client-config.ts';
import type { Credentials, OwnAuth } from '../credentials.ts';
import { isOrphaned } from '../personal/access.ts';
import { isExpired, send, type UpstreamCall } from './send.ts';
import { DedicatedSessions } from './dedicated.ts';
import { createHealthHistory } from './health-history.ts';
import { EMPTY_OFFER, keepSame, sameOffer } from './offer.ts';
import type { Peer } from './negotiate.ts';
import { OffersByProfile } from './offers-by-profile.ts';
import { OwnSessions } from './own-sessions.ts';
import { createToolFilter } from './param-headers.ts';
import type { Profile } from '../profile.ts';
import type { Grants, Registration } from '../registration.ts';
import type { Session } from './session.ts';
import { SharedSession, type SharedSessionDeps } from './shared-session.ts';
import type { OpenSession, Verified } from './verify.ts';

export interface UpstreamDeps extends SharedSessionDeps {
  /** Opens a session beside the shared one. */
  readonly openSession: OpenSession;
  readonly credentials: Pick<Credentials, 'obstacle'>;
  /** The offer, state or settings of this server are other than before. */
  readonly onChange: () => void;
  /** What the server says outside of any request: log lines, updated resources. */
  readonly onNotification: (upstream: Upstream, notification: JsonRpcNotification) => void;
  /** Keeps what is known of the server for the next start. */
  readonly saveKnown: (clientId: string, known: Known) => void;
}

/** A server that was found to be of the older era is asked again when it is next connected after this time. */
const VERDICT_MS = 24 * 60 * 60_000;

/** One registered server while the gateway runs: its record, the sessions with it, its last known offer, and the calls. */
export class Upstream {
  /** The session that all callers share. */
  readonly shared: SharedSession;
  /** Sessions that speak for one caller; see there. */
  readonly dedicated: DedicatedSessions;
  /** Where it stood so far. */
  readonly health = createHealthHistory();
  /** What a legacy server offers to clients that it can ask something. */
  readonly special: OffersByProfile;
  readonly #deps: UpstreamDeps;
  readonly #own: OwnSessions;
  readonly #withoutInvalid: (offer: Offer) => Offer;
  #client: McpClient;
  #grants: Grants;
  #known: Known | undefined;

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
    this.shared = new SharedSession(deps, {
      client: () => this.#client,
      era: () => this.#era,
      onListed: (peer, offer) => this.#take(peer, offer),
      onNotification: (notification) => deps.onNotification(this, notification),
      onHealth: () => this.#noteHealth(),
      onLost: () => deps.onChange(),
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
    return this.peer?.era !== 'legacy' || this.special.isLearned(profile);
  }

  /** Finds out what the server offers to clients with this profile, if that is not known and may be special. */
  async learn(profile: Profile): Promise<void> {
    if (this.peer?.era === 'legacy') await this.special.learn(profile);
  }

  /** What the server said about itself; undefined while it is not connected. */
  get peer(): Peer | undefined {
    return this.shared.peer;
  }

  get lastFailure(): FailureView | undefined {
    return this.shared.failure;
  }

  get state(): ClientState {
    if (this.#client.disabled) return 'disabled';
    const obstacle = this.#deps.credentials.obstacle(this.#client);
    if (obstacle !== undefined) return obstacle;
    // Nobody is connected all the time to a server that knows each caller.
    if (isPerUser(this.#client)) return this.#known === undefined ? 'pending_verification' : 'connected';
    if (this.peer !== undefined) return 'connected';
    return this.shared.isUnusable ? 'error' : 'disconnected';
  }

  /** Begins to connect, in the background. */
  start(): void {
    const isBarred = this.#client.disabled || this.#deps.credentials.obstacle(this.#client) !== undefined;
    if (!isBarred && !isPerUser(this.#client)) this.shared.open();
    this.#noteHealth();
  }

  /** The credential has changed: tries again at once what failed with the former one. */
  wake(): void {
    if (this.peer === undefined) this.start();
    this.#noteHealth();
    this.#deps.onChange();
  }

  /** Takes over a changed record, and the session that was verified for it, if its connection changed. */
  apply({ client, grants }: Registration, verified?: Verified): void {
    const before = this.#client;
    this.#client = client;
    this.#grants = grants;
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
      this.shared.release();
    } else if (verified !== undefined) this.shared.adopt(verified);
    else if (before.disabled || !sameTarget(before, client)) this.shared.open();
    this.shared.applySettings();
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

  /** Sends one request, on the session with the caller's own credential if there is one, else on the shared session. */
  call(call: UpstreamCall, signal: CallSignal, own?: OwnAuth): Promise<Reply> {
    return own === undefined ? this.shared.call(call, signal) : this.#callOwn(call, signal, own);
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

  /** No new calls; those in flight end well. */
  retire(): void {
    this.#own.endAll();
    this.dedicated.endAll();
    this.shared.release();
  }

  /** Closes everything. Calls in flight fail; drain before. */
  async stop(): Promise<void> {
    await Promise.all([this.#own.closeAll(), this.dedicated.closeAll(), this.shared.close()]);
  }

  get #era(): Known['era'] | undefined {
    const isFresh = this.#known !== undefined && Date.now() - this.#known.found_at < VERDICT_MS;
    return isFresh ? this.#known?.era : undefined;
  }

  #noteHealth(): void {
    this.health.note(this.state, this.lastFailure);
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
