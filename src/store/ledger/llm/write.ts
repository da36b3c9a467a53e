import type { Value } from '../column-values.ts';
import { insertRows } from '../insert-rows.ts';
import { insertInto, runValues, withoutNul, type Sql } from '../run-values.ts';
import {
  CONTENT_WIDTH,
  CONTENTS,
  contentsAt,
  END_COLUMNS,
  LLM_COLUMNS,
  TEXT_COLUMNS,
  type EncodedLlmBatch,
} from './batch.ts';
import { createLlmDeltas, SUMMED, type LlmDeltas, type Summed } from './rollups.ts';

/** Writes the requests of a batch and what they do to the sums; within the transaction of the batch. */
export async function writeLlmBatch(sql: Sql, batch: EncodedLlmBatch): Promise<void> {
  const deltas = createLlmDeltas();
  await insertRequests(sql, batch, deltas);
  await endRequests(sql, batch.ended.map(withoutNul), deltas);
  await deltas.apply(sql);
}

const WIDTH = LLM_COLUMNS.length;
const CONTENT_COLUMNS = ['log_seq', ...CONTENTS.flatMap((name) => [name, `${name}_size`])];

async function insertRequests(sql: Sql, batch: EncodedLlmBatch, deltas: LlmDeltas): Promise<void> {
  const rows = batch.rows.map(withoutNul);
  const seqs = await insertRows(sql, { table: 'logs', columns: LLM_COLUMNS, values: rows });
  for (const [index, seq] of seqs.entries()) {
    if (seq === undefined) continue;
    deltas.add(summedAt(rows, index * WIDTH));
  }
  const contents: Value[] = [];
  for (let from = 0; from < batch.contents.length; from += CONTENT_WIDTH) {
    const seq = seqs[Number(batch.contents[from])];
    if (seq === undefined) continue;
    contents.push(seq, ...contentsAt(batch, from).map(withoutNul));
  }
  await runValues(sql, {
    before: `${insertInto(sql.type)} log_contents (${CONTENT_COLUMNS.join(', ')}) values`,
    row: `(${CONTENT_COLUMNS.map(() => '?').join(', ')})`,
    values: contents,
  });
}

/** Where the columns that go into the sums stand in a row. */
const SUMMED_AT = SUMMED.map((column) => [column, LLM_COLUMNS.indexOf(column)] as const);

/** What goes into the sums of the row that begins there. */
function summedAt(rows: readonly Value[], from: number): Summed {
  const row: Partial<Record<(typeof SUMMED)[number], Value>> = {};
  for (const [column, at] of SUMMED_AT) row[column] = rows[from + at] ?? null;
  return row as Summed; // encodeLlmBatch laid it out so
}

/** Values under the names of their columns. */
function named(columns: readonly string[], values: readonly Value[]): Partial<Summed> {
  return Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null]));
}

const ENDED_WIDTH = END_COLUMNS.length + 3;
const SETS = END_COLUMNS.map((column, index) => {
  const value = `v.column${index + 2}`;
  return `${column} = ${TEXT_COLUMNS.has(column) ? value : `cast(${value} as bigint)`}`;
});
const UPDATE_LOGS = {
  before: `update logs set ${SETS.join(', ')} from (values`,
  row: `(?, ${END_COLUMNS.map(() => '?').join(', ')})`,
  after: ') as v where logs.seq = cast(v.column1 as bigint)',
};
const UPSERT_OUTPUTS = {
  before: `insert into log_contents (log_seq, input_size, params_size, tools_size, output, output_size) values`,
  row: '(?, 0, 0, 0, ?, ?)',
  after: 'on conflict (log_seq) do update set output = excluded.output, output_size = excluded.output_size',
};

type EndedRow = Summed & { readonly seq: number; readonly id: string };

/** Ends requests that began in an earlier batch. A row that was deleted meanwhile stays deleted. */
async function endRequests(sql: Sql, ended: readonly Value[], deltas: LlmDeltas): Promise<void> {
  const found = await runValues<EndedRow>(sql, {
    before: `select seq, id, ${SUMMED.join(', ')} from logs where id in (values`,
    row: '(?)',
    after: sql.type === 'sqlite' ? ')' : ') order by seq for update',
    values: [...new Set(ended.filter((_, index) => index % ENDED_WIDTH === 0))],
  });
  const rows = new Map(found.map((row) => [row.id, row]));
  const updates: Value[] = [];
  const outputs: Value[] = [];
  for (let from = 0; from < ended.length; from += ENDED_WIDTH) {
    const id = String(ended[from]);
    const row = rows.get(id);
    if (row === undefined) continue;
    rows.delete(id);
    const end = ended.slice(from + 1, from + 1 + END_COLUMNS.length);
    deltas.subtract(row); // it was closed as stale, if it was in any sum
    deltas.add({ ...row, ...named(END_COLUMNS, end) });
    updates.push(row.seq, ...end);
    const [output = null, size = null] = ended.slice(from + ENDED_WIDTH - 2, from + ENDED_WIDTH);
    if (size !== 0) outputs.push(row.seq, output, size);
  }
  await runValues(sql, { ...UPDATE_LOGS, values: updates });
  await runValues(sql, { ...UPSERT_OUTPUTS, values: outputs });
}
