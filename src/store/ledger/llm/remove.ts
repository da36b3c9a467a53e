import type { Transaction } from 'kysely';
import { aliveNodes, STALE_ERROR, type StaleCalls } from '../remove.ts';
import { runValues, type Sql } from '../run-values.ts';
import type { LedgerTables } from '../tables.ts';
import { createLlmDeltas, SUMMED, type Summed } from './rollups.ts';

type Removed = Summed & { readonly seq: number };

/** Rows per transaction of a long deletion, so that calls can be written in between. */
const CHUNK = 1_000;
const RETURNING = `returning seq, ${SUMMED.join(', ')}`;

/** Deletes logs of requests to models; says how many there were. */
export async function removeLlmLogs(sql: Sql, ids: readonly string[]): Promise<number> {
  let count = 0;
  for (let from = 0; from < ids.length; from += CHUNK) {
    const values = [...new Set(ids.slice(from, from + CHUNK))];
    count += await removing(sql, (tx) =>
      runValues<Removed>(tx, {
        before: 'delete from logs where id in (values',
        row: '(?)',
        after: `) ${RETURNING}`,
        values,
      }),
    );
  }
  return count;
}

/** Deletes all of them from before a time, bit by bit; says how many there were. */
export async function pruneLlmLogs(sql: Sql, before: number): Promise<number> {
  for (let count = 0; ;) {
    const removed = await removing(sql, (tx) =>
      runValues<Removed>(tx, {
        before: 'delete from logs where seq in (select seq from logs where timestamp <',
        row: '?',
        after: `order by timestamp limit ${CHUNK}) ${RETURNING}`,
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
    const deltas = createLlmDeltas();
    for (const row of removed) deltas.subtract(row);
    await deltas.apply(sql);
    await runValues(sql, {
      before: 'delete from log_contents where log_seq in (values',
      row: '(cast(? as bigint))',
      after: ')',
      values: removed.map(({ seq }) => seq),
    });
    return removed.length;
  });
}

/** Turns requests that nobody will end into errors of unknown cost; says how many. One that ends after all overwrites it. */
export function closeStaleRequests(at: Sql, { node, startedBefore, silenceMs }: StaleCalls): Promise<number> {
  return at.db.transaction().execute(async (tx) => {
    const sql = { ...at, db: tx };
    const closed = await runValues<Summed>(sql, {
      before: `update logs set status = 'error', latency = 0, latency_slot = 0, error_code = '${STALE_ERROR.code}',
        error_message = '${STALE_ERROR.message}' where status = 'processing' and`,
      row: `(timestamp < ? or node not in (${aliveNodes(at)}))`,
      after: `returning ${SUMMED.join(', ')}`,
      values: [startedBefore, at.isShared ? silenceMs : node],
    });
    const deltas = createLlmDeltas();
    for (const row of closed) deltas.add(row);
    await deltas.apply(sql);
    return closed.length;
  });
}
