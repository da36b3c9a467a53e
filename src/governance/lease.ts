import type { LeaseAnswer, LeaseRequest } from '../store/ledger/lease-store.ts';
import { usedIn, type Counter } from './counters.ts';
import { maxAt, windowOf, type Meter } from './limits.ts';

/** One in so many of what is left is leased beside what is needed at once, divided by the number of processes. */
const SHARE = 4;
/** Unused for so many looks, a lease is handed back without being recalled. */
const IDLE_LOOKS = 3;
/** After somebody else was in need, nothing is leased or kept in advance for so long. */
const TIGHT_MS = 2_000;
/** For so long nobody asks again after the database has said that nothing is left. */
const FULL_MS = 50;

/**
 * What this process has leased of one counter: it may reserve and charge up to `granted` in this window without asking. Times are
 * epoch milliseconds where a window is looked for (`time`), and those of a clock that nobody sets elsewhere (`at`).
 */
export class Lease {
  readonly counter: Counter;
  #meter: Meter;
  #start = -Infinity;
  #granted = 0;
  /** What of that was beyond the limit: for the one call that may go over it, and not for many small ones after it. */
  #over = 0;
  /** It was granted under this limit; under a lower one it is void. */
  #max = Infinity;
  /** When less than this is left, it is time to ask for more. */
  #low = 0;
  /** What the database believes to be unused. */
  #reported = 0;
  #idle = 0;
  #size = 0;
  #first = 0;
  #want = 0;
  #isThirsty = false;
  #toKeep = Infinity;
  #tightUntil = -Infinity;
  #fullUntil = -Infinity;
  /** What was used then: with less, somebody has set it to zero, and it is full no more. */
  #fullAt = 0;
  #answer: LeaseAnswer | undefined;
  /** What was charged and reserved at the last look, and at the last one that the database answered. */
  #looked = { start: -Infinity, owed: 0 };
  #heard = { start: -Infinity, owed: 0 };
  #ceiling: { readonly start: number; readonly max: number; readonly limit: number } | undefined;

  constructor(counter: Counter, meter: Meter) {
    this.counter = counter;
    this.#meter = meter;
  }

  /** Whether it was granted room for so much more. */
  covers(meter: Meter, need: number, time: number): boolean {
    this.#meter = meter;
    const start = this.#startAt(time);
    if (start !== this.#start || maxAt(meter, time) < this.#max) return false;
    const owed = this.#owed(start);
    const left = this.#granted - owed - need;
    if (left < 0 || owed >= this.#granted - this.#over) return false;
    this.#idle = 0;
    this.#size = need;
    if (left < this.#low) this.#isThirsty = true;
    return true;
  }

  /** Whether more is to be leased before it is needed. */
  get isThirsty(): boolean {
    return this.#isThirsty;
  }

  /**
   * The same while the database cannot be reached: what this process knew to be left is divided by the number of processes, and
   * it goes on with its part. What it has used of its lease since they last talked belongs to that part: so if all are cut off,
   * they do not overspend what was left, and if some are, by no more than their parts.
   */
  coversAlone(meter: Meter, time: number, nodes: number): boolean {
    this.#meter = meter;
    const start = this.#startAt(time);
    const max = maxAt(meter, time);
    const owed = this.#owed(start);
    if (this.#ceiling?.start !== start || this.#ceiling.max !== max) {
      const { pending } = this.counter;
      const base = this.#heard.start === start ? Math.min(this.#heard.owed, owed) : pending;
      const left = max - usedIn(this.counter, windowOf(meter, time)) - pending + owed - base;
      this.#ceiling = { start, max, limit: base + Math.ceil(Math.max(0, left) / Math.max(1, nodes)) };
    }
    return owed < this.#ceiling.limit;
  }

  /** Whether the database has just said that nothing is left. */
  isFull(meter: Meter, time: number, at: number): boolean {
    if (at >= this.#fullUntil || this.#used() < this.#fullAt) return false;
    return this.#startAt(time) === this.#start && maxAt(meter, time) === this.#max;
  }

  /** Nothing came of waiting: says no for so long. */
  giveUp(until: number): void {
    this.#fullUntil = until;
    this.#fullAt = this.#used();
  }

  /** What other processes hold, and what was used by all, as the database said last. */
  get standing(): Pick<LeaseAnswer, 'used' | 'held'> | undefined {
    return this.#answer?.window_start === this.#start ? this.#answer : undefined;
  }

  /** A call waits for so much. */
  want(need: number): void {
    if (this.#first === 0) this.#first = need;
    this.#want += need;
  }

  /** It is void: to others it may have been granted already. */
  drop(): void {
    this.#start = -Infinity;
  }

  /** Somebody else is in need. Says whether there is anything to hand back. */
  recall(time: number, at: number): boolean {
    this.#tightUntil = at + TIGHT_MS;
    return this.handBack(time);
  }

  /** Is to hand back what is not reserved. Says whether there is anything. */
  handBack(time: number): boolean {
    this.#toKeep = 0;
    const start = this.#startAt(time);
    return start !== this.#start ? this.#granted !== 0 : this.#reported > 0 || this.#granted !== this.#owed(start);
  }

  isTight(at: number): boolean {
    return at < this.#tightUntil;
  }

  /** Looks after it once in a while. Says whether there is something to tell the database, which has answered since, or not. */
  look(time: number, at: number, hasAnswered: boolean): boolean {
    const start = this.#startAt(time);
    if (hasAnswered) this.#heard = this.#looked;
    this.#looked = { start, owed: this.#owed(start) };
    // Calls that began in the last window count in this one.
    if (start !== this.#start) return this.#granted !== 0;
    const free = this.#granted - this.#owed(start);
    this.#idle += 1;
    if (this.isTight(at) || this.#idle > IDLE_LOOKS) this.#toKeep = 0;
    return free < 0 || free > this.#toKeep;
  }

  /** What to ask for. From now on only what is kept counts as granted. */
  request(time: number, at: number): LeaseRequest {
    const start = this.#startAt(time);
    const max = maxAt(this.#meter, time);
    const owed = this.#owed(start);
    const isValid = start === this.#start && max >= this.#max;
    const free = isValid ? Math.max(0, this.#granted - owed) : 0;
    if (!isValid) this.#over = 0;
    const isGreedy = (this.#isThirsty || this.#want > 0) && !this.isTight(at);
    [this.#start, this.#max, this.#granted] = [start, max, owed + Math.min(free, this.#toKeep)];
    const [first, want, keep] = [this.#first, this.#want, this.#granted];
    [this.#first, this.#want, this.#isThirsty, this.#toKeep, this.#low] = [0, 0, false, Infinity, 0];
    const share = isGreedy ? SHARE : 0;
    return { counter_id: this.counter.id, window_start: start, max, keep, owed, first, want, share };
  }

  /** Takes what was granted. Says whether others must be asked for what they have to spare. */
  apply(request: LeaseRequest, answer: LeaseAnswer, at: number): boolean {
    if (answer.window_start > request.window_start) {
      this.drop();
      return false;
    }
    this.#answer = answer;
    this.#ceiling = undefined;
    this.#granted = answer.granted;
    this.#reported = answer.granted - request.owed;
    this.#over = Math.max(0, -answer.room);
    const left = answer.granted - this.#over - this.#owed(answer.window_start);
    // Of less than two calls nothing is gained by asking early.
    if (request.share > 0 && left >= 2 * this.#size) this.#low = Math.floor(left / 2);
    const isAnyLeft = answer.room > 0 || left > 0;
    if (isAnyLeft) this.#fullUntil = -Infinity;
    if (isAnyLeft || request.want === 0) return false;
    if (answer.spare <= 0) this.giveUp(at + FULL_MS);
    return answer.held > 0;
  }

  #used(): number {
    return this.counter.stored + this.counter.unstored;
  }

  /** Charged and reserved in this window. */
  #owed(start: number): number {
    const { windowStart, charged, pending } = this.counter;
    return (windowStart === start ? charged : 0) + pending;
  }

  /** The window of now, or a later one that another process has begun. */
  #startAt(time: number): number {
    return Math.max(windowOf(this.#meter, time).start, this.counter.windowStart);
  }
}
