import type { CounterState } from '../ledger-rows.ts';
import { CONTENT_COLUMNS, ENDED_COLUMNS, LOG_COLUMNS, type EncodedBatch } from './batch.ts';
import type { Value } from './column-values.ts';
import { addCharges, loadCounters } from './counters.ts';
import { insertRows } from './insert-rows.ts';
import { writeLlmBatch } from './llm/write.ts';
import { createDeltas, SUMMED, type Deltas, type Summed } from './rollups.ts';
import { clock, insertInto, runValues, withoutNul, type Sql } from './run-values.ts';
import type { LogStatus } from './tables.ts';

/** Writes rows, sums and counters in one transaction; gives the counters that the batch touched as they are then. */
export function writeBatch(at: Sql, batch: EncodedBatch): Promise<CounterState[]> {
  return at.db.transaction().execute(async (tx) => {
    const sql = { ...at, db: tx };
    if (!(await claim(sql, batch))) {
      const ids = batch.charges.flatMap((value, index) => (index % 4 === 0 ? [String(value)] : []));
      return loadCounters(sql, [...new Set(ids)]);
    }
    const deltas = createDeltas();
    await insertCalls(sql, batch, deltas);
    await endCalls(sql, batch.ended.map(withoutNul), deltas);
    await deltas.apply(sql);
    if (batch.llm !== undefined) await writeLlmBatch(sql, batch.llm);
    return addCharges(sql, batch.node, batch.charges);
  });
}

/** False when this batch is in already: its answer was lost, so it came again. */
async function claim(sql: Sql, { node, seq }: EncodedBatch): Promise<boolean> {
  const claimed = await runValues(sql, {
    before: 'insert into ledger_nodes (node, seq, seen_at) values',
    row: `(?, ?, ${clock(sql.type)})`,
    after: `on conflict (node) do update set seq = excluded.seq, seen_at = excluded.seen_at
      where ledger_nodes.seq < excluded.seq returning node`,
    values: [node, seq],
  });
  return claimed.length > 0;
}

const WIDTH = LOG_COLUMNS.length;

async function insertCalls(sql: Sql, batch: EncodedBatch, deltas: Deltas): Promise<void> {
  const rows = batch.rows.map(withoutNul);
  const seqs = await insertRows(sql, { table: 'mcp_logs', columns: LOG_COLUMNS, values: rows });
  for (const [index, seq] of seqs.entries()) if (seq !== undefined) deltas.add(summedAt(rows, index * WIDTH));
  await insertContents(sql, batch.contents, seqs);
}

/** The columns from `timestamp` to `cost` stand together in LOG_COLUMNS. */
function summedAt(rows: readonly Value[], from: number): Summed {
  const [timestamp, tool_name, server_label, virtual_key_id, status, latency, cost] = rows.slice(from + 1, from + 8);
  return {
    timestamp: Number(timestamp),
    tool_name: String(tool_name),
    server_label: String(server_label),
    virtual_key_id: String(virtual_key_id),
    status: status as LogStatus, // encodeBatch wrote it
    latency: latency === null ? null : Number(latency),
    cost: Number(cost),
  };
}

async function insertContents(
  sql: Sql,
  contents: readonly Value[],
  seqs: readonly (number | undefined)[],
): Promise<void> {
  const values: Value[] = [];
  for (let from = 0; from < contents.length; from += CONTENT_COLUMNS.length) {
    const seq = seqs[Number(contents[from])];
    if (seq === undefined) continue;
    values.push(seq);
    for (let next = from + 1; next < from + CONTENT_COLUMNS.length; next += 1) {
      values.push(withoutNul(contents[next] ?? null));
    }
  }
  await runValues(sql, {
    before: `${insertInto(sql.type)} mcp_log_contents (${CONTENT_COLUMNS.join(', ')}) values`,
    row: `(${CONTENT_COLUMNS.map(() => '?').join(', ')})`,
    values,
  });
}

const ENDED_WIDTH = ENDED_COLUMNS.length;
const UPDATE_LOGS = {
  before: `update mcp_logs set status = v.column2, latency = cast(v.column3 as bigint), cost = cast(v.column4 as bigint),
    error_code = v.column5, error_message = v.column6 from (values`,
  row: '(?, ?, ?, ?, ?, ?)',
  after: ') as v where mcp_logs.seq = cast(v.column1 as bigint)',
};
const UPSERT_RESULTS = {
  before: 'insert into mcp_log_contents (log_seq, arguments_size, result, result_size) values',
  row: '(?, 0, ?, ?)',
  after: 'on conflict (log_seq) do update set result = excluded.result, result_size = excluded.result_size',
};

type EndedRow = Summed & { readonly seq: number; readonly id: string };

/** Ends calls that began in an earlier batch. A row that was deleted meanwhile stays deleted. */
async function endCalls(sql: Sql, ended: readonly Value[], deltas: Deltas): Promise<void> {
  if (ended.length === 0) return;
  const found = await runValues<EndedRow>(sql, {
    before: `select seq, id, ${SUMMED} from mcp_logs where id in (values`,
    row: '(?)',
    after: sql.type === 'sqlite' ? ')' : ') order by seq for update',
    values: [...new Set(ended.filter((_, index) => index % ENDED_WIDTH === 0))],
  });
  const rows = new Map(found.map((row) => [row.id, row]));
  const updates: Value[] = [];
  const results: Value[] = [];
  for (let from = 0; from < ended.length; from += ENDED_WIDTH) {
    const [id, status, latency, cost, code, message, result, size] = ended.slice(from, from + ENDED_WIDTH);
    const row = rows.get(String(id));
    if (row === undefined) continue;
    rows.delete(String(id));
    deltas.subtract(row);
    deltas.add({ ...row, status: status as LogStatus, latency: Number(latency), cost: Number(cost) });
    updates.push(row.seq, status ?? null, latency ?? null, cost ?? null, code ?? null, message ?? null);
    if (size !== 0) results.push(row.seq, result ?? null, size ?? null);
  }
  await runValues(sql, { ...UPDATE_LOGS, values: updates });
  await runValues(sql, { ...UPSERT_RESULTS, values: results });
}
