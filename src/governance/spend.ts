import { GatewayError, type ErrorCode } from '../lib/errors.ts';
import { toUsd } from '../lib/money.ts';
import { usedIn, type Counters } from './counters.ts';
import { maxAt, windowOf, type Limits, type Meter } from './limits.ts';

/** What a call has reserved of budgets and limits. It counts once: settled, or given back. */
export interface Reservation extends Disposable {
  /** The call has been made: counts one request, its cost in nano-dollars, and its tokens. */
  settle(cost: number, tokens?: number): void;
  /** The call counts for nothing; so it does when it is disposed of before it is settled. */
  release(): void;
}

/** How one budget or limit stands. */
export interface Standing {
  readonly counter_id: string;
  readonly kind: Meter['kind'];
  readonly name: string;
  readonly what: Meter['what'];
  /** Nano-dollars for a budget, as are the next two. */
  readonly used: number;
  readonly pending: number;
  readonly max: number;
  readonly window_start: number;
  readonly window_end: number;
  readonly isExhausted: boolean;
}

/** Decides whether a call fits into the budgets and limits of its caller, and counts it. */
export interface Spend {
  /**
   * Reserves what a call is expected to cost, or throws what stands against it. Refused is who has nothing left, with all calls
   * in flight counted: so of many calls at once on the last cent, one is let through. Only where it must ask the database that
   * it shares with other processes, it gives a promise.
   */
  reserve(limits: Limits | undefined, estimate: number): Reservation | Promise<Reservation>;
  /** How every budget and limit stands, changing nothing. */
  peek(limits: Limits | undefined): Standing[];
}

/** The same in a process that counts alone: it never waits. */
export interface LocalSpend extends Spend {
  reserve(limits: Limits | undefined, estimate: number): Reservation;
}

interface Deps {
  readonly counters: Counters;
  readonly now?: () => number;
}

/** Reserves and settles in a process that counts alone. */
export function createSpend({ counters, now = Date.now }: Deps): LocalSpend {
  const judge: Judge = {
    isFull: (meter, time) => isFullHere(counters, meter, time),
    look: (meter, time) => lookAt(counters, meter, time),
  };
  return {
    reserve(limits, estimate) {
      if (limits === undefined) return UNLIMITED;
      const time = now();
      checkLimits(limits, time, judge);
      return new Held(limits, estimate, counters, now);
    },
    peek(limits) {
      const time = now();
      return limits === undefined ? [] : limits.meters.map((meter) => judge.look(meter, time));
    },
  };
}

/** Who decides whether there is anything left. */
interface Judge {
  isFull(meter: Meter, time: number): boolean;
  look(meter: Meter, time: number): Standing;
  /** What else whoever is refused should know. */
  readonly note?: string | undefined;
}

/** Throws what stands against a call. */
export function checkLimits({ rates, budgets }: Limits, time: number, judge: Judge): void {
  for (const { requests, tokens } of rates) {
    const noRequests = requests !== undefined && judge.isFull(requests, time);
    const noTokens = tokens !== undefined && judge.isFull(tokens, time);
    if (noRequests && noTokens) throw refuse([requests, tokens], time, judge);
    if (noRequests) throw refuse([requests], time, judge);
    if (noTokens) throw refuse([tokens], time, judge);
  }
  for (const budget of budgets) if (judge.isFull(budget, time)) throw refuse([budget], time, judge);
}

/** Whether nothing is left, as far as this process knows. */
export function isFullHere(counters: Counters, meter: Meter, time: number): boolean {
  const counter = counters.open(meter.counter_id);
  return usedIn(counter, windowOf(meter, time)) + counter.pending >= maxAt(meter, time);
}

/** How a budget or limit stands, as far as this process knows. */
export function lookAt(counters: Counters, meter: Meter, time: number): Standing {
  const { counter_id, kind, name, what } = meter;
  const counter = counters.open(counter_id);
  const { start, end } = windowOf(meter, time);
  const used = usedIn(counter, meter.window);
  const max = maxAt(meter, time);
  const isExhausted = used + counter.pending >= max;
  const { pending } = counter;
  return { counter_id, kind, name, what, used, pending, max, window_start: start, window_end: end, isExhausted };
}

/** Of whom nothing limits. */
export const UNLIMITED: Reservation = Object.freeze({ settle() {}, release() {}, [Symbol.dispose]() {} });

/** What one call holds. A class, because a call then makes one object where closures would make five. */
export class Held implements Reservation {
  #limits: Limits | undefined;
  readonly #estimate: number;
  readonly #counters: Counters;
  readonly #now: () => number;

  constructor(limits: Limits, estimate: number, counters: Counters, now: () => number) {
    this.#limits = limits;
    this.#estimate = estimate;
    this.#counters = counters;
    this.#now = now;
    for (const meter of limits.meters) this.#hold(meter, 1);
  }

  settle(cost: number, tokens = 0): void {
    const limits = this.#limits;
    if (limits === undefined) return;
    this.#limits = undefined;
    const time = this.#now();
    for (const meter of limits.meters) {
      this.#hold(meter, -1);
      const amount = meter.what === 'budget' ? cost : meter.what === 'requests' ? 1 : tokens;
      // The window of now, not of the reservation: what is charged to a window that has passed limits nobody.
      if (amount !== 0) this.#counters.charge(this.#counters.open(meter.counter_id), windowOf(meter, time), amount);
    }
  }

  release(): void {
    const limits = this.#limits;
    if (limits === undefined) return;
    this.#limits = undefined;
    for (const meter of limits.meters) this.#hold(meter, -1);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** Nobody knows before a call how many tokens it will take. */
  #hold(meter: Meter, sign: 1 | -1): void {
    if (meter.what === 'tokens') return;
    const amount = meter.what === 'budget' ? this.#estimate : 1;
    this.#counters.reserve(this.#counters.open(meter.counter_id), sign * amount);
  }
}

/** What is told to a caller who has nothing left. Of two limits the one that opens later says when to come again. */
function refuse(meters: readonly Meter[], time: number, { look, note }: Judge): GatewayError {
  const full = meters.map((meter) => look(meter, time));
  const [last] = full.toSorted((a, b) => b.window_end - a.window_end);
  if (last === undefined) throw new Error('nothing stands against this call');
  const { kind, name, counter_id, window_end } = last;
  const retry_after = Math.max(1, Math.ceil((window_end - time) / 1000));
  const facts = [...full.map(describe), ...(note === undefined ? [] : [note])].join('; ');
  return new GatewayError(codeOf(full), `${kind.replace('_', ' ')} "${name}" has used ${facts}`, {
    details: { retry_after, limit: { kind, name }, counter_id },
  });
}

function codeOf([first, second]: readonly Standing[]): ErrorCode {
  if (second !== undefined) return 'rate_limited';
  if (first?.what === 'budget') return 'budget_exceeded';
  return first?.what === 'tokens' ? 'token_limited' : 'request_limited';
}

function describe({ what, used, pending, max }: Standing): string {
  const isMoney = what === 'budget';
  const amount = (value: number) => (isMoney ? toUsd(value) : value);
  const reserved = pending > 0 ? ` and reserved ${amount(pending)} for calls under way` : '';
  return `${amount(used)} of ${amount(max)} ${isMoney ? 'USD' : what}${reserved}`;
}
