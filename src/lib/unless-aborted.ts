import type { CallSignal } from './call-signal.ts';
import { GatewayError } from './errors.ts';

/** The error for a caller who gave up: the GatewayError that is the signal's reason, else `call_cancelled`. */
export function abortError(signal: CallSignal): GatewayError {
  const { reason } = signal as { reason: unknown };
  return reason instanceof GatewayError
    ? reason
    : new GatewayError('call_cancelled', 'the call was cancelled', { cause: reason });
}

/** Waits for a promise, but no longer than the caller does. */
export async function unlessAborted<T>(promise: Promise<T>, signal: CallSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(abortError(signal));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
