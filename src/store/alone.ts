import type { DatabaseDialect } from './dialect.ts';

/**
 * What only one of the processes on a database does at a time, and the number of its lock on PostgreSQL.
 *
 * Everything else that a timer starts is harmless on every node, whichever comes first:
 * - deletions of what is over (approvals, runs of code and their artifacts, kept results, models and sessions of `/mcp` sign-ins, sign-ins under way):
 *   one statement each, whose condition holds for a row only once;
 * - closing calls of dead processes: an update that finds a row only once, and each node says by it that it lives;
 * - reading the counters of others, health checks and listings of servers, idle connections: each node for itself.
 * Migrations have a lock of their own, which kysely holds; each renewal of a token locks its row besides.
 */
const LOCKS = {
  /** Taking over config.json and making the first key: what one node inserted, the next must find. */
  start: 7_260_201,
  /** Renewing tokens ahead of time, and expiring sign-ins: each renewal is a request to a stranger. */
  oauth: 7_260_202,
  /** Deleting expired virtual keys, with their audit entries. */
  expiry: 7_260_203,
  /** Deleting old logs: long work on the same rows. */
  retention: 7_260_204,
} as const;

export type LockName = keyof typeof LOCKS;

/** Where locks are held: the dialect of a database. */
export type Lockable = Pick<DatabaseDialect, 'lock'>;

/** Runs the work when no other process is at it, and keeps the others waiting for as long. */
export async function runInTurn<T>(dialect: Lockable, name: LockName, work: () => Promise<T>): Promise<T> {
  await using _lock = await dialect.lock(LOCKS[name], true);
  return await work();
}

/** Runs the work unless another process is at it; says whether it ran. */
export async function runUnlessRunning(
  dialect: Lockable,
  name: LockName,
  work: () => Promise<unknown>,
): Promise<boolean> {
  await using lock = await dialect.lock(LOCKS[name], false);
  if (lock === undefined) return false;
  await work();
  return true;
}
