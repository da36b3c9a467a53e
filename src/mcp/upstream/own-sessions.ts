import type { OwnAuth } from '../credentials.ts';
import type { Session } from './session.ts';

interface Entry {
  readonly own: OwnAuth;
  readonly session: Promise<Session>;
  idle: NodeJS.Timeout | undefined;
}

/** A session that nobody used for so long is closed. */
const IDLE_MS = 5 * 60_000;

/** Sessions with a server to which each caller has a credential of their own: one for each credential, none for two. */
export class OwnSessions {
  readonly #open: (own: OwnAuth) => Promise<Session>;
  readonly #entries = new Map<string, Entry>();

  constructor(open: (own: OwnAuth) => Promise<Session>) {
    this.#open = open;
  }

  /** The session with this credential, which is opened if need be. */
  get(own: OwnAuth): Promise<Session> {
    const entry = this.#entries.get(own.key) ?? this.#add(own);
    clearTimeout(entry.idle);
    entry.idle = setTimeout(() => this.#drop(own.key, entry), IDLE_MS).unref();
    return entry.session;
  }

  /** A session other than the one that the server forgot. */
  async renew(own: OwnAuth, expired: Session): Promise<Session> {
    const entry = this.#entries.get(own.key);
    if (entry !== undefined && (await entry.session.catch(() => expired)) === expired) this.#drop(own.key, entry);
    return this.get(own);
  }

  /** No new requests with these credentials; their sessions end when their last request has ended. */
  end(which: (own: OwnAuth) => boolean): void {
    for (const [key, entry] of this.#entries) if (which(entry.own)) this.#drop(key, entry);
  }

  /** No new requests; the sessions end when their last request has ended. */
  endAll(): void {
    this.end(() => true);
  }

  /** Closes all sessions with whatever is in flight. */
  async closeAll(): Promise<void> {
    const sessions = [...this.#entries.values()].map(({ session }) => session);
    this.endAll();
    await Promise.all(sessions.map((session) => session.then((open) => open.close()).catch(() => undefined))); // it never opened
  }

  #add(own: OwnAuth): Entry {
    const entry: Entry = { own, session: this.#open(own), idle: undefined };
    this.#entries.set(own.key, entry);
    entry.session.then(
      (session) => session.attach({ onNotification: () => {}, onLost: () => this.#drop(own.key, entry) }),
      () => this.#drop(own.key, entry),
    );
    return entry;
  }

  #drop(key: string, entry: Entry): void {
    clearTimeout(entry.idle);
    if (this.#entries.get(key) !== entry) return;
    this.#entries.delete(key);
    entry.session.then((session) => session.retire()).catch(() => undefined); // it never opened
  }
}
