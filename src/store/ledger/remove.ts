import type { Transaction } from 'kysely';
import { createDeltas, SUMMED, type Summed } from './rollups.ts';
import { clock, runValues, type Sql } from './run-values.ts';
import type { LedgerTables } from './tables.ts';

/** Which rows no longer have anybody who could end them. */
export interface StaleCalls {
  /** The process that asks. It counts as alive from now on. */
  readonly node: string;
  /** Calls that began before this time are stale whoever runs them. */
  readonly startedBefore: number;
  /** Milliseconds after which a process that was not seen counts as dead. Where the ledger is not shared, every other is dead. */
  readonly silenceMs: number;
}

type Removed = Summed & { readonly seq: number };

/** Rows per transaction of a long deletion, so that calls can be written in between. */
const CHUNK = 1_000;
/** How a row reads that nobody ended. */
export const STALE_ERROR = { code: 'internal_error', message: 'The call was never ended: its process stopped.' };

/** Deletes logs; says how many there were. */
export async function removeLogs(sql: Sql, ids: readonly string[]): Promise<number> {
  let count = 0;
  for (let from = 0; from < ids.length; from += CHUNK) {
    const values = [...new Set(ids.slice(from, from + CHUNK))];
    count += await removing(sql, (tx) =>
      runValues<Removed>(tx, {
        before: 'delete from mcp_logs where id in (values',
        row: '(?)',
        after: `) returning seq, ${SUMMED}`,
        values,
      }),
    );
  }
  return count;
}

/** Deletes all logs from before a time, bit by bit; says how many there were. */
export async function pruneLogs(sql: Sql, before: number): Promise<number> {
  for (let count = 0; ;) {
    const removed = await removing(sql, (tx) =>
      runValues<Removed>(tx, {
        before: 'delete from mcp_logs where seq in (select seq from mcp_logs where timestamp <',
        row: '?',
        after: `order by timestamp limit ${CHUNK}) returning seq, ${SUMMED}`,
        values: [before],
      }),
    );
    if (removed === 0) return count;
    count += removed;
  }
}

/** Takes the rows that a statement deletes out of the sums, and deletes their content. */
function removing(at: Sql, run: (sql: Sql) => Promise<Removed[]>): Promise<number> {
  return at.db.transaction().execute(async (tx: Transaction<LedgerTables>) => {
    const sql = { ...at, db: tx };
    const removed = await run(sql);
    const deltas = createDeltas();
    for (const row of removed) deltas.subtract(row);
    await deltas.apply(sql);
    await runValues(sql, {
      before: 'delete from mcp_log_contents where log_seq in (values',
      row: '(cast(? as bigint))',
      after: ')',
      values: removed.map(({ seq }) => seq),
    });
    return removed.length;
  });
}

/** Selects the processes that live. Its parameter is the longest silence where the ledger is shared, else the one that asks. */
export function aliveNodes({ type, isShared }: Omit<Sql, 'db'>): string {
  return isShared
    ? `select node from ledger_nodes where seen_at > ${clock(type)} - cast(? as bigint)`
    : 'select node from ledger_nodes where node = ?';
}

/** Turns rows that nobody will end into errors; says how many. A call that ends after all overwrites it. */
export function closeStale(at: Sql, { node, startedBefore, silenceMs }: StaleCalls): Promise<number> {
  return at.db.transaction().execute(async (tx) => {
    const sql = { ...at, db: tx };
    await runValues(sql, {
      before: 'insert into ledger_nodes (node, seq, seen_at) values',
      row: `(?, 0, ${clock(at.type)})`,
      after: 'on conflict (node) do update set seen_at = excluded.seen_at',
      values: [node],
    });
    const closed = await runValues<Summed>(sql, {
      before: `update mcp_logs set status = 'error', latency = 0, error_code = '${STALE_ERROR.code}',
        error_message = '${STALE_ERROR.message}' where status = 'processing' and`,
      row: `(timestamp < ? or node not in (${aliveNodes(at)}))`,
      after: `returning ${SUMMED}`,
      values: [startedBefore, at.isShared ? silenceMs : node],
    });
    const deltas = createDeltas();
    for (const row of closed) {
      deltas.subtract({ ...row, status: 'processing', latency: null });
      deltas.add(row);
    }
    await deltas.apply(sql);
    return closed.length;
  });
}
