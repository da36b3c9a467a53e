import type { FailureView } from '../../contract/mcp-client.ts';
import type { CallSignal } from '../../lib/call-signal.ts';
import { GatewayError, messageOf } from '../../lib/errors.ts';
import type { Turn, Turns } from '../../lib/turns.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { Session } from './session.ts';
import type { Verified } from './verify.ts';
import type { Timing } from './watch.ts';

interface LinkDeps {
  /** `instead`: the number of a shared process that is to be replaced. */
  readonly verify: (client: McpClient, instead: number | undefined) => Promise<Verified>;
  readonly timing: Pick<Timing, 'backOff'>;
  /** The servers of a gateway connect by turns, or the calls to those that have would wait for all the others. */
  readonly turns: Turns;
  /** A verified session serves from now on. */
  readonly onOpen: (verified: Verified) => void;
  /** The session that served is gone; a repair is under way. */
  readonly onLost: () => void;
  readonly onFailure: (failure: FailureView) => void;
}

/** A session that lives this long was no fluke; the next loss is repaired at once. */
const SETTLED_MS = 60_000;

/** Holds the one session with a server: opens it, replaces it by a verified one without a gap, repairs it when it is lost. */
export class Link {
  readonly #deps: LinkDeps;
  #session: Session | undefined;
  #failure: FailureView | undefined;
  #isUnusable = false;
  /** The attempt that is under way; what an attempt of an older generation brings is thrown away. */
  #opening: Promise<void> | undefined;
  #turn: Turn | undefined;
  #generation = 0;
  #retry: NodeJS.Timeout | undefined;
  #attempts = 0;
  #openedAt = 0;
  /** The shared process that was given up last: another gateway may not have noticed yet that it is no good. */
  #givenUp: number | undefined;

  constructor(deps: LinkDeps) {
    this.#deps = deps;
  }

  /** The session that serves. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** The number of the process that serves, or did, where other gateways share it. */
  get process(): number | undefined {
    return this.#session?.sharedProcess ?? this.#givenUp;
  }

  /** What went wrong last; undefined while all is well. */
  get failure(): FailureView | undefined {
    return this.#failure;
  }

  /** True when the record itself cannot work, so that trying again is of little use. */
  get isUnusable(): boolean {
    return this.#isUnusable;
  }

  /** Resolves when no attempt to connect is under way. */
  async settled(): Promise<void> {
    await this.#opening;
  }

  /** Connects in the background, again and again until it works. A session that serves goes on until then. */
  open(client: McpClient): void {
    clearTimeout(this.#retry);
    this.#generation += 1;
    this.#opening = this.#attempt(client, this.#generation);
  }

  /** Moves to the newer process of the server that others use already. Ignored for a session that serves no more. */
  follow(session: Session, client: McpClient): void {
    if (session === this.#session) this.open(client);
  }

  /** Puts a verified session in the place of the one that serves, which ends when its last call has ended. */
  adopt(verified: Verified): void {
    const before = this.#session;
    this.#reset();
    this.#openedAt = performance.now();
    this.#session = verified.session;
    before?.retire();
    this.#deps.onOpen(verified);
  }

  /** Gives a dead session up and repairs the link. Ignored for a session that serves no more. */
  lose(session: Session, client: McpClient, stage: FailureView['stage'], reason: unknown): void {
    if (session !== this.#session) return;
    this.#session = undefined;
    this.#givenUp = session.sharedProcess;
    session.retire();
    this.fail(stage, reason);
    if (performance.now() - this.#openedAt > SETTLED_MS) this.#attempts = 0;
    this.#attempts += 1;
    // The first repair comes at once; a server that dies again and again is left alone for longer each time.
    if (this.#attempts === 1) this.open(client);
    else this.#openLater(client, this.#attempts - 2);
    this.#deps.onLost();
  }

  /** Lets go of everything: calls in flight end well, new ones find no session. */
  release(): void {
    const before = this.#session;
    this.#reset();
    this.#session = undefined;
    before?.retire();
  }

  /** Closes the session with whatever is in flight. */
  async close(): Promise<void> {
    const before = this.#session;
    this.#reset();
    this.#session = undefined;
    await before?.close();
  }

  /** Notes a failure; the first of a row keeps its time. */
  fail(stage: FailureView['stage'], error: unknown): void {
    const at = new Date().toISOString();
    this.#failure = { stage, message: messageOf(error), at, since: this.#failure?.since ?? at };
    this.#deps.onFailure(this.#failure);
  }

  /** The server answered. */
  recover(): void {
    this.#failure = undefined;
  }

  /** The session to call on; waits for the attempt that is under way, but not for a later one. */
  async ready(signal: CallSignal): Promise<Session> {
    if (this.#session === undefined && this.#opening !== undefined) {
      this.#turn?.hurry();
      await unlessAborted(this.#opening, signal);
    }
    if (this.#session !== undefined) return this.#session;
    throw new GatewayError('upstream_unreachable', `not connected: ${this.#failure?.message ?? 'no connection yet'}`);
  }

  /** A session other than the one that the server forgot. Callers that find the same one expired share the attempt. */
  async renew(expired: Session, client: McpClient, signal: CallSignal): Promise<Session> {
    if (this.#session !== expired) return this.ready(signal);
    if (this.#opening === undefined) this.open(client);
    this.#turn?.hurry();
    await unlessAborted(this.settled(), signal);
    if (this.#session !== expired) return this.ready(signal);
    const why = this.#failure?.message ?? 'no reason given';
    throw new GatewayError('upstream_unreachable', `the server forgot the session and cannot be reached again: ${why}`);
  }

  async #attempt(client: McpClient, generation: number): Promise<void> {
    const turn = this.#deps.turns.take();
    this.#turn = turn;
    try {
      if (turn.ready !== undefined) await turn.ready;
      if (generation !== this.#generation) return;
      const verified = await this.#deps.verify(client, this.#givenUp);
      if (generation === this.#generation) this.adopt(verified);
      else await verified.session.close();
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#opening = undefined;
      this.#isUnusable = error instanceof GatewayError && error.code === 'invalid_request';
      this.fail(stageOf(error), error);
      this.#openLater(client, this.#attempts);
      this.#attempts += 1;
    } finally {
      turn.end();
    }
  }

  #openLater(client: McpClient, failures: number): void {
    this.#retry = setTimeout(() => this.open(client), this.#deps.timing.backOff(failures)).unref();
  }

  #reset(): void {
    clearTimeout(this.#retry);
    this.#generation += 1;
    this.#opening = undefined;
    this.#isUnusable = false;
    this.#failure = undefined;
  }
}

function stageOf(error: unknown): FailureView['stage'] {
  return error instanceof GatewayError && error.details?.stage === 'list_tools' ? 'list_tools' : 'connect';
}
