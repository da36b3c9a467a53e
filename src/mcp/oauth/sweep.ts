import { runUnlessRunning } from '../../store/alone.ts';
import type { Changes } from '../../store/changes.ts';
import type { Database } from '../../store/database.ts';
import type { OAuthToken } from '../../store/oauth-tokens.ts';
import type { OAuthStore } from '../../store/oauth.ts';
import type { Renewal } from './renewal.ts';
import type { TokenBook } from './token-book.ts';

interface Deps {
  readonly database: Pick<Database, 'dialect'>;
  readonly store: OAuthStore;
  readonly book: TokenBook;
  readonly renewal: Renewal;
  readonly changes: Pick<Changes, 'publish'>;
  readonly onError: (error: unknown) => void;
  readonly sweepMs?: number;
}

const EVERY_MS = 60_000;
const AHEAD_MS = 5 * 60_000;
const DAY_MS = 24 * 3_600_000;

/** Renews what ends soon, ends what nobody came back for, and forgets it a day later. */
export function startSweep({ database, store, book, renewal, changes, onError, sweepMs = EVERY_MS }: Deps): {
  stop(): void;
} {
  let isRunning = false;

  async function run(): Promise<void> {
    const now = Date.now();
    const due = book.list().filter((token) => isDue(token, now) && renewal.canRenew(token));
    // A failure shows where the token is used; the next round tries again.
    await Promise.all(due.map((token) => renewal.renew(token).catch(() => undefined)));
    await store.flows.sweep(now, now - DAY_MS);
    for (const id of await store.configs.expire(now)) await changes.publish('oauth_configs', id);
    const removed = await store.configs.removeAbandoned(now - DAY_MS);
    for (const id of removed) await changes.publish('oauth_configs', id);
    if (removed.length > 0) await changes.publish('oauth_tokens', '*');
  }

  async function sweep(): Promise<void> {
    if (isRunning) return;
    isRunning = true;
    try {
      await runUnlessRunning(database.dialect, 'oauth', run);
    } catch (error) {
      onError(error);
    } finally {
      isRunning = false;
    }
  }

  const timer = setInterval(() => void sweep(), sweepMs).unref();
  return { stop: () => clearInterval(timer) };
}

/** Five minutes ahead, but a token that lives for less is not renewed as soon as it is made. */
export function isDue({ status, expires_at, last_refreshed_at, created_at }: OAuthToken, now: number): boolean {
  if (status !== 'active' || expires_at === undefined) return false;
  const lifetime = expires_at - (last_refreshed_at ?? created_at);
  return expires_at - now <= Math.min(AHEAD_MS, lifetime / 4);
}
