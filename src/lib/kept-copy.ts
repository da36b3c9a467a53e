import { GatewayError } from './errors.ts';
import { createOrder } from './in-order.ts';
import { oneAtATime } from './one-at-a-time.ts';

/** Something of the database, kept in memory as it was last read. */
export interface KeptCopy<T> {
  /** Reads it anew, after whatever is being read. Never rejects. */
  refresh(): Promise<void>;
  /**
   * Throws `database_unavailable` after a failed reading, and has it read again: what may have been withdrawn must not go on being
   * used.
   */
  get(): T;
}

interface CopyOptions<T> {
  readonly read: () => Promise<T>;
  readonly onError: (error: unknown) => void;
  /** What whoever asks is told while there is no copy. */
  readonly refusal: string;
}

/** Nothing is there before the first `refresh`. */
export function createKeptCopy<T>({ read, onError, refusal }: CopyOptions<T>): KeptCopy<T> {
  const inOrder = createOrder();
  let copy: T | undefined;

  const refresh = (): Promise<void> =>
    inOrder(async () => {
      try {
        copy = await read();
      } catch (error) {
        copy = undefined;
        onError(error);
      }
    });
  const tryAgain = oneAtATime(refresh);

  return {
    refresh,
    get() {
      if (copy !== undefined) return copy;
      tryAgain();
      throw new GatewayError('database_unavailable', refusal);
    },
  };
}
