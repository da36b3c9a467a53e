import { CallController, type CallSignal } from '../../lib/call-signal.ts';
import { GatewayError } from '../../lib/errors.ts';

/** A caller's signal and a time limit in one. The clock can stand still while a person is asked. */
export interface Deadline extends Disposable {
  readonly signal: CallSignal;
  /** The clock stands still until each pause has been resumed. */
  pause(): void;
  resume(): void;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The reason of the abort tells whether the caller gave up or the time ran out. */
export function createDeadline(caller: CallSignal, seconds: number, what: string): Deadline {
  return new CallDeadline(caller, seconds, what);
}

/** A class, because a call then makes one object where closures would make six. */
class CallDeadline implements Deadline {
  readonly signal = new CallController();
  readonly #caller: CallSignal;
  readonly #seconds: number;
  readonly #what: string;
  #left: number;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #pauses = 0;
  #isOver = false;

  constructor(caller: CallSignal, seconds: number, what: string) {
    this.#caller = caller;
    this.#seconds = seconds;
    this.#what = what;
    this.#left = Math.min(seconds * 1_000, LONGEST_TIMER_MS);
    if (caller.aborted) this.handleEvent();
    else caller.addEventListener('abort', this);
    this.#run();
  }

  /** The caller's signal is aborted. */
  handleEvent(): void {
    this.signal.abort(new GatewayError('call_cancelled', 'the caller cancelled the call'));
  }

  pause(): void {
    this.#pauses += 1;
    if (this.#pauses > 1) return;
    clearTimeout(this.#timer);
    this.#left = Math.max(1, this.#left - (performance.now() - this.#startedAt));
  }

  resume(): void {
    this.#pauses -= 1;
    if (this.#pauses === 0 && !this.#isOver) this.#run();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#caller.removeEventListener('abort', this);
  }

  #run(): void {
    this.#startedAt = performance.now();
    this.#timer = setTimeout(expire, this.#left, this);
  }

  /** What is said of a call that took too long. */
  get timeout(): GatewayError {
    return new GatewayError('upstream_timeout', `timed out after ${this.#seconds}s: ${this.#what}`);
  }
}

function expire(deadline: CallDeadline): void {
  deadline.signal.abort(deadline.timeout);
}
