import { GatewayError } from '../../lib/errors.ts';

/** A caller's signal and a time limit in one. The clock can stand still while a person is asked. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** The clock stands still until each pause has been resumed. */
  pause(): void;
  resume(): void;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The reason of the abort tells whether the caller gave up or the time ran out. */
export function createDeadline(caller: AbortSignal, seconds: number, what: string): Deadline {
  const controller = new AbortController();
  let left = Math.min(seconds * 1_000, LONGEST_TIMER_MS);
  let startedAt = 0;
  let timer: NodeJS.Timeout | undefined;
  let pauses = 0;
  let isOver = false;
  const onAbort = (): void => controller.abort(new GatewayError('call_cancelled', 'the caller cancelled the call'));
  const run = (): void => {
    startedAt = performance.now();
    timer = setTimeout(() => {
      controller.abort(new GatewayError('upstream_timeout', `timed out after ${seconds}s: ${what}`));
    }, left);
  };
  if (caller.aborted) onAbort();
  else caller.addEventListener('abort', onAbort);
  run();
  return {
    signal: controller.signal,
    pause() {
      pauses += 1;
      if (pauses > 1) return;
      clearTimeout(timer);
      left = Math.max(1, left - (performance.now() - startedAt));
    },
    resume() {
      pauses -= 1;
      if (pauses === 0 && !isOver) run();
    },
    [Symbol.dispose]() {
      isOver = true;
      clearTimeout(timer);
      caller.removeEventListener('abort', onAbort);
    },
  };
}
