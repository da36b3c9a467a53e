import type { Listed, Offer } from '../../store/mcp-clients.ts';
import { sameOffer } from './offer.ts';
import type { Profile } from '../profile.ts';
import type { Session } from './session.ts';

interface OffersDeps {
  readonly open: (profile: Profile) => Promise<Session>;
  readonly listTimeoutMs: number;
  /** An offer is other than it was. */
  readonly onChange: () => void;
}

/** Few abilities exist, so few profiles do; a client that invents more sees the common offer. */
const MAX_PROFILES = 16;

/** What one legacy server offers to clients that it can ask something, by their profile: some tools exist for them alone. */
export class OffersByProfile {
  readonly #deps: OffersDeps;
  readonly #offers = new Map<string, { profile: Profile; offer: Offer }>();
  readonly #learning = new Map<string, Promise<void>>();
  /** What was asked of the server before the last {@link clear} is of no use. */
  #generation = 0;

  constructor(deps: OffersDeps) {
    this.#deps = deps;
  }

  get({ key }: Profile): Offer | undefined {
    return this.#offers.get(key)?.offer;
  }

  /** Whether there is nothing left to be found out. */
  isLearned({ key }: Profile): boolean {
    return this.#offers.has(key) || this.#offers.size >= MAX_PROFILES;
  }

  /** Asks the server on a session of its own, unless that is known. Never rejects: without an answer the common offer holds. */
  async learn(profile: Profile): Promise<void> {
    if (this.isLearned(profile)) return;
    const learning = this.#learning.get(profile.key) ?? this.#ask(profile);
    this.#learning.set(profile.key, learning);
    await learning;
    if (this.#learning.get(profile.key) === learning) this.#learning.delete(profile.key);
  }

  /** The common offer changed, so the special ones may have too. */
  refresh(): void {
    for (const { profile } of this.#offers.values()) void this.#ask(profile);
  }

  /** It is another server now. */
  clear(): void {
    this.#generation += 1;
    this.#offers.clear();
    this.#learning.clear();
  }

  /** Every tool of any profile. */
  get tools(): readonly Listed[] {
    return [...this.#offers.values()].flatMap(({ offer }) => offer.tools);
  }

  async #ask(profile: Profile): Promise<void> {
    const { open, listTimeoutMs, onChange } = this.#deps;
    const generation = this.#generation;
    let session: Session | undefined;
    try {
      session = await open(profile);
      session.attach({ onNotification() {}, onLost() {} }); // there is nobody to be asked
      const offer = await session.list(AbortSignal.timeout(listTimeoutMs));
      if (generation !== this.#generation) return;
      const before = this.#offers.get(profile.key)?.offer;
      this.#offers.set(profile.key, { profile, offer });
      if (before === undefined || !sameOffer(before, offer)) onChange();
    } catch {
      // The server is in trouble, which its health check reports.
    } finally {
      void session?.close();
    }
  }
}
