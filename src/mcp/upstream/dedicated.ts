import type { CallSignal } from '../../lib/call-signal.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject, JsonRpcNotification, JsonRpcRequest } from '../../lib/json-rpc.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';
import type { OwnAuth } from '../credentials.ts';
import type { Profile } from '../profile.ts';
import type { Session } from './session.ts';

/** Who a dedicated session speaks for. */
export interface Party {
  /** Parties with the same key share a session, one after the other if they are exclusive. */
  readonly key: string;
  readonly profile: Profile;
  /** The party's own credential, for a server to which each caller has one. */
  readonly own?: OwnAuth | undefined;
  /** True when two requests at a time could not be told apart by what the server asks. */
  readonly isExclusive: boolean;
  /** What the party asked servers to log; undefined: nothing in particular. */
  readonly logLevel?: string | undefined;
  readonly onRequest: (request: JsonRpcRequest) => Promise<JsonObject>;
  readonly onNotification: (notification: JsonRpcNotification) => void;
  /** Who takes what the server asks and says when none of the party's requests runs. */
  readonly between: Pick<Party, 'onRequest' | 'onNotification'> | undefined;
}

/** A session that is one party's until it is given back. */
export interface Lease extends Disposable {
  readonly session: Session;
  /** The server forgot the session: it is not used again. */
  discard(): void;
}

interface Entry {
  readonly key: string;
  readonly own: OwnAuth | undefined;
  readonly session: Promise<Session>;
  /** Whose requests run now, the latest last: what the server says can be told to them alone. */
  readonly running: Party[];
  between: Party['between'];
  idle: NodeJS.Timeout | undefined;
}

type Open = (profile: Profile, own: OwnAuth | undefined) => Promise<Session>;

/** A session that nobody used for so long is closed. */
const IDLE_MS = 5 * 60_000;

/**
 * Sessions with a legacy server beside the shared one. A server that may ask its user something must know whose user that is,
 * and what that user's client can do, when the session begins.
 */
export class DedicatedSessions {
  readonly #open: Open;
  readonly #entries = new Map<string, Set<Entry>>();

  constructor(open: Open) {
    this.#open = open;
  }

  /** A session for the party: one that is there and free, or a new one. Opening it takes no longer than the signal says. */
  async lease(party: Party, signal: CallSignal): Promise<Lease> {
    const entry = this.#find(party) ?? this.#add(party);
    entry.running.push(party);
    entry.between = party.between;
    clearTimeout(entry.idle);
    const release = (): void => {
      entry.running.splice(entry.running.indexOf(party), 1);
      if (entry.running.length === 0) entry.idle = setTimeout(() => this.#drop(entry), IDLE_MS).unref();
    };
    try {
      const session = await unlessAborted(entry.session, signal);
      return { session, discard: () => this.#drop(entry), [Symbol.dispose]: release };
    } catch (error) {
      // The next request must not wait for a server that left this one waiting, unless another one waits on.
      if (!signal.aborted || entry.running.length === 1) this.#drop(entry);
      release();
      throw error;
    }
  }

  /** The party is gone: its sessions end when their last request has ended. */
  end(key: string): void {
    for (const entry of this.#entries.get(key) ?? []) this.#drop(entry);
  }

  /** These credentials are used no more: their sessions end when their last request has ended. */
  endOwn(which: (own: OwnAuth) => boolean): void {
    for (const entries of this.#entries.values())
      for (const entry of entries) if (entry.own !== undefined && which(entry.own)) this.#drop(entry);
  }

  /** Tells the server something in the name of a party, if it has a session. */
  notify(key: string, method: string, params: JsonObject): void {
    for (const { session } of this.#entries.get(key) ?? []) {
      session.then((open) => open.notify(method, params)).catch(() => undefined); // a lost session has nothing to be told
    }
  }

  /** Asks the server to log for a party at another level. */
  setLogLevel(key: string, level: string): void {
    for (const { session } of this.#entries.get(key) ?? [])
      session.then((open) => setLevel(open, level)).catch(() => undefined); // it logs as it did
  }

  /** No new requests; the sessions end when their last request has ended. */
  endAll(): void {
    for (const key of this.#entries.keys()) this.end(key);
  }

  /** Closes all sessions with whatever is in flight. */
  async closeAll(): Promise<void> {
    const sessions = [...this.#entries.values()].flatMap((entries) => [...entries].map(({ session }) => session));
    this.endAll();
    await Promise.all(sessions.map((session) => session.then((open) => open.close()).catch(() => undefined))); // it never opened
  }

  #find({ key, own, isExclusive }: Party): Entry | undefined {
    for (const entry of this.#entries.get(key) ?? [])
      if (entry.own?.key === own?.key && (!isExclusive || entry.running.length === 0)) return entry;
    return undefined;
  }

  #add(party: Party): Entry {
    const { key, profile, own, between } = party;
    const entry: Entry = {
      key,
      own,
      session: this.#open(profile, own),
      running: [],
      between,
      idle: undefined,
    };
    const entries = this.#entries.get(party.key) ?? new Set();
    this.#entries.set(party.key, entries.add(entry));
    this.#attach(entry, party).catch(() => this.#drop(entry));
    return entry;
  }

  async #attach(entry: Entry, { logLevel }: Party): Promise<void> {
    const session = await entry.session;
    session.attach({
      onNotification: (notification) => (entry.running.at(-1) ?? entry.between)?.onNotification(notification),
      onRequest: (request) => (entry.running.at(-1) ?? entry.between)?.onRequest(request) ?? nobody(request),
      onLost: () => this.#drop(entry),
    });
    if (logLevel !== undefined) await setLevel(session, logLevel).catch(() => undefined); // it logs as it likes
  }

  #drop(entry: Entry): void {
    const { key } = entry;
    const entries = this.#entries.get(key);
    if (entries?.delete(entry) !== true) return;
    if (entries.size === 0) this.#entries.delete(key);
    clearTimeout(entry.idle);
    entry.session.then((session) => session.retire()).catch(() => undefined); // it never opened
  }
}

const SET_LEVEL_MS = 5_000;

async function setLevel(session: Session, level: string): Promise<void> {
  if (session.peer.capabilities.logging === undefined) return;
  await session.ask('logging/setLevel', { level }, AbortSignal.timeout(SET_LEVEL_MS));
}

function nobody({ method }: JsonRpcRequest): Promise<never> {
  return Promise.reject(new GatewayError('method_not_found', `no request is under way that ${method} could belong to`));
}
