import { sql } from 'kysely';
import type { Database } from './database.ts';
import type { Executor } from './schema.ts';

// Any number that nothing else on this database locks.
const GOVERNANCE_LOCK = 7_260_114;

/** Where writes come one after the other. */
export interface InTurn extends Pick<Database, 'transaction'> {
  readonly dialect: Pick<Database['dialect'], 'type'>;
}

/**
 * Runs a write that reads records, applies rules and writes them whole: one after the other across all processes, or one
 * would undo the other. SQLite has but one writer anyway.
 */
export function writeInTurn<T>({ dialect, transaction }: InTurn, run: (tx: Executor) => Promise<T>): Promise<T> {
  return transaction(async (tx) => {
    await waitForTurn(dialect, tx);
    return run(tx);
  });
}

/** The same for a transaction that is already open, until it ends. */
export async function waitForTurn({ type }: InTurn['dialect'], tx: Executor): Promise<void> {
  if (type === 'postgres') await sql`select pg_advisory_xact_lock(${GOVERNANCE_LOCK})`.execute(tx);
}
