import { runUnlessRunning, type Lockable } from '../store/alone.ts';
import type { KeyDirectory } from './key-directory.ts';

interface Deps {
  readonly dialect: Lockable;
  readonly keys: Pick<KeyDirectory, 'removeExpired'>;
  readonly logger: { info(message: string): void; error(facts: object, message: string): void };
}

/** Deletes virtual keys that have expired, now and once a day. */
export interface Expiry {
  /** Runs once; never rejects. */
  run(): Promise<void>;
  /** Resolves when a run that was under way is done. */
  stop(): Promise<void>;
}

const DAY_MS = 86_400_000;

/** Starts the daily job. Which keys it deletes is theirs to say, or `delete_expired_virtual_keys` where they do not. */
export function startExpiry({ dialect, keys, logger }: Deps): Expiry {
  const removeExpired = async (): Promise<void> => {
    try {
      await runUnlessRunning(dialect, 'expiry', async () => {
        const count = await keys.removeExpired(Date.now());
        if (count > 0) logger.info(`${count} expired virtual ${count === 1 ? 'key was' : 'keys were'} deleted`);
      });
    } catch (error) {
      logger.error({ err: error }, 'expired virtual keys could not be deleted');
    }
  };
  let last: Promise<void> = Promise.resolve();
  const run = (): Promise<void> => (last = last.then(removeExpired));
  const timer = setInterval(() => void run(), DAY_MS).unref();
  void run();
  return {
    run,
    stop() {
      clearInterval(timer);
      return last;
    },
  };
}
