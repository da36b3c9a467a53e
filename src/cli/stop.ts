import { messageOf } from '../lib/errors.ts';

// Ctrl-C reaches a process twice when npm stands between it and the terminal: once directly, once passed on.
const SAME_KEY_PRESS = 200;

interface StopOptions {
  /** Lets what is under way end. */
  readonly close: () => Promise<void>;
  /** Is told when there is no time for that any more. */
  readonly cut?: () => void;
  readonly signals: readonly NodeJS.Signals[];
}

/**
 * Drains once on the first signal, or when the process that started us is gone, and ends the process; a second signal ends it at
 * once. Gives the way to begin without a signal.
 */
export function onStop({ close, cut, signals }: StopOptions): () => void {
  let since: number | undefined;
  const begin = (): void => {
    if (since !== undefined) return;
    since = Date.now();
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`asbru did not stop cleanly: ${messageOf(error)}\n`);
        process.exit(1);
      },
    );
  };
  const stop = (): void => {
    if (since === undefined) return begin();
    if (Date.now() - since <= SAME_KEY_PRESS) return;
    cut?.();
    process.exit(1);
  };
  for (const signal of signals) process.on(signal, stop);
  if (process.connected) process.once('disconnect', stop);
  return begin;
}
