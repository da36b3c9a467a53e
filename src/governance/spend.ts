import { GatewayError, type ErrorCode } from '../lib/errors.ts';
import { toUsd } from '../lib/money.ts';
import { usedIn, type Counters } from './counters.ts';
import { maxAt, windowOf, type Limits, type Meter, type RateMeters } from './limits.ts';

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
   * in flight counted: so of many calls at once on the last cent, one is let through.
   */
  reserve(limits: Limits | undefined, estimate: number): Reservation;
  /** How every budget and limit stands, changing nothing. */
  peek(limits: Limits | undefined): Standing[];
}

interface Deps {
  readonly counters: Counters;
  readonly now?: () => number;
}

/** The one place that reserves and settles. */
export function createSpend({ counters, now = Date.now }: Deps): Spend {
  const look = (meter: Meter, time: number): Standing => {
    const { counter_id, kind, name, what } = meter;
    const counter = counters.open(counter_id);
    const { start, end } = windowOf(meter, time);
    const used = usedIn(counter, meter.window);
    const max = maxAt(meter, time);
    const isExhausted = used + counter.pending >= max;
    const { pending } = counter;
    return { counter_id, kind, name, what, used, pending, max, window_start: start, window_end: end, isExhausted };
  };

  const isFull = (meter: Meter | undefined, time: number): meter is Meter => {
    if (meter === undefined) return false;
    const counter = counters.open(meter.counter_id);
    return usedIn(counter, windowOf(meter, time)) + counter.pending >= maxAt(meter, time);
  };

  const checkRate = ({ requests, tokens }: RateMeters, time: number) => {
    const noRequests = isFull(requests, time);
    const noTokens = isFull(tokens, time);
    if (noRequests && noTokens) throw refuse([look(requests, time), look(tokens, time)], time);
    if (noRequests) throw refuse([look(requests, time)], time);
    if (noTokens) throw refuse([look(tokens, time)], time);
  };

  return {
    reserve(limits, estimate) {
      if (limits === undefined) return UNLIMITED;
      const time = now();
      for (const rate of limits.rates) checkRate(rate, time);
      for (const budget of limits.budgets) {
        if (isFull(budget, time)) throw refuse([look(budget, time)], time);
      }
      return new Held(limits, estimate, counters, now);
    },
    peek(limits) {
      const time = now();
      return limits === undefined ? [] : limits.meters.map((meter) => look(meter, time));
    },
  };
}

const UNLIMITED: Reservation = Object.freeze({ settle() {}, release() {}, [Symbol.dispose]() {} });

/** A class, because a call then makes one object where closures would make five. */
class Held implements Reservation {
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
function refuse(full: readonly Standing[], time: number): GatewayError {
  const [last] = full.toSorted((a, b) => b.window_end - a.window_end);
  if (last === undefined) throw new Error('nothing stands against this call');
  const { kind, name, counter_id, window_end } = last;
  const retry_after = Math.max(1, Math.ceil((window_end - time) / 1000));
  const facts = full.map(describe).join('; ');
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
